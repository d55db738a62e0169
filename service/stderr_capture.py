"""Takes what the process writes to standard error past the log (C libraries, the interpreter), a line at a time."""

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable

_PIPE_BYTES = 1024 * 1024
_MAX_LINE_BYTES = 16 * 1024


class StderrCapture:
    """From `start` to `stop` file descriptor `captured` is a pipe; `on_line` is called on a thread.

    A C library may write while it holds the interpreter, when the thread cannot read: the pipe never blocks, and what
    does not fit is lost.
    """

    def __init__(self, captured: int, on_line: Callable[[str], None]) -> None:
        self._captured = captured
        self._on_line = on_line
        self._kept = -1
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Put the pipe into its place."""
        self._kept = os.dup(self._captured)
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        with contextlib.suppress(AttributeError, OSError):  # Linux, and as much as the system allows
            fcntl.fcntl(writable, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        os.dup2(writable, self._captured)
        os.close(writable)
        self._thread = threading.Thread(target=self._read, args=(readable,), name="stderr", daemon=True)
        self._thread.start()

    def stop(self, patience_s: float) -> None:
        """Put back what was there; waits for the last lines unless a child process still holds the pipe."""
        if self._thread is None:
            return
        os.dup2(self._kept, self._captured)
        os.close(self._kept)
        self._thread.join(patience_s)
        self._thread = None

    def _read(self, readable: int) -> None:
        rest = b""
        with os.fdopen(readable, "rb", buffering=0) as pipe:
            while data := pipe.read(_MAX_LINE_BYTES):
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > _MAX_LINE_BYTES:
                    lines, rest = [*lines, rest], b""
                for line in lines:
                    self._tell(line)
        self._tell(rest)

    def _tell(self, line: bytes) -> None:
        text = line.decode("utf-8", "backslashreplace").rstrip()
        if text:
            self._on_line(text)
