"""How log lines look: one JSON object a line, or plain text on a terminal. Never image data."""

import contextlib
import faulthandler
import json
import logging
import os
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from vrn_cropper.service.log_writer import LineWriter
from vrn_cropper.service.stderr_capture import StderrCapture

_log = logging.getLogger(__name__)
_PATIENCE_S = 1.0


class JsonFormatter(logging.Formatter):
    """One JSON object a line; a record's `facts` become its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """For people: time, level, message, then the facts as key=value."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        facts = " ".join(f"{key}={value}" for key, value in getattr(record, "facts", {}).items())
        return f"{super().format(record)} {facts}".rstrip()


class _QueueHandler(logging.Handler):
    """Hands lines to a writer, and says when some were lost."""

    def __init__(self, writer: LineWriter) -> None:
        super().__init__()
        self._writer = writer
        self._told = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Never waits."""
        try:
            before = self._writer.dropped_lines
            self._writer.write(self.format(record))
            if before > self._told and self._writer.dropped_lines == before:  # there is room again
                text = f"{before - self._told} log lines were lost: standard error was not read"
                self._told = before
                self._writer.write(self.format(logging.LogRecord(__name__, logging.WARNING, "", 0, text, None, None)))
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait a little until all is written."""
        self._writer.flush(_PATIENCE_S)


class LogOutput:
    """The process's log on file descriptor `descriptor`, from the first line to the last.

    In JSON, everything else that the process writes there becomes a line, too: warnings, exceptions that nobody
    caught, and what libraries print.
    """

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._own = os.dup(descriptor)
        self._writer = LineWriter(self._own)
        self._handler = _QueueHandler(self._writer)
        self._capture = StderrCapture(descriptor, logging.getLogger("stderr").warning)
        self._undo = contextlib.ExitStack()

    @property
    def dropped_lines(self) -> int:
        """Lines lost because nobody read them."""
        return self._writer.dropped_lines

    def set_up(self, log_format: str, level: str) -> None:
        """`log_format`: `json`, `text`, or `auto`, which is text on a terminal. Can be called again."""
        self._undo.close()
        is_text = log_format == "text" or (log_format != "json" and os.isatty(self._own))
        self._handler.setFormatter(TextFormatter() if is_text else JsonFormatter())
        root = logging.getLogger()
        self._undo.callback(root.handlers.__setitem__, slice(None), root.handlers[:])
        self._undo.callback(root.setLevel, root.level)
        root.handlers[:] = [self._handler]
        root.setLevel(level.upper())
        # Every request has its own line from the envelope, every refusal from its connection: uvicorn's repeat them.
        # Damage in what clients send is told to them; warnings of the parsers would let them fill the log.
        for name in ("uvicorn.access", "uvicorn.error", "python_multipart", "PIL"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if not is_text:
            self._take_everything()

    def close(self) -> None:
        """Write what waits, unless nobody reads; the log is as it was before."""
        self._undo.close()
        self._writer.close(_PATIENCE_S)

    def _take_everything(self) -> None:
        hooks = (sys.excepthook, threading.excepthook, sys.unraisablehook)
        self._undo.callback(_set_hooks, *hooks)
        _set_hooks(_log_exception, _log_thread_exception, _log_unraisable)
        logging.captureWarnings(True)
        self._undo.callback(logging.captureWarnings, False)
        self._capture.start()
        self._undo.callback(self._capture.stop, _PATIENCE_S)
        # A crash of native code cannot wait for a thread: its trace goes out as it is.
        was_on = faulthandler.is_enabled()
        faulthandler.enable(self._own)
        if not was_on:
            self._undo.callback(faulthandler.disable)


def _set_hooks(on_main: Any, on_thread: Any, on_unraisable: Any) -> None:
    sys.excepthook, threading.excepthook, sys.unraisablehook = on_main, on_thread, on_unraisable


def _log_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    _log.critical("an exception ends the process", exc_info=(kind, error, trace))


def _log_thread_exception(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None:
        name = given.thread.name if given.thread else "?"
        _log.error("an exception ends thread %s", name, exc_info=given.exc_value)


def _log_unraisable(given: "sys.UnraisableHookArgs") -> None:
    _log.error("%s in %r", given.err_msg or "an exception was ignored", given.object, exc_info=given.exc_value)
