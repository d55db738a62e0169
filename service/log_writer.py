"""Writes lines to a file descriptor from a thread of its own, so that nobody who logs ever waits for who reads."""

import os
import threading
import time
from queue import Empty, SimpleQueue

_MAX_WAITING_BYTES = 4 * 1024 * 1024
_MAX_WRITE_BYTES = 64 * 1024
_FLUSH_POLL_S = 0.005


class LineWriter:
    """Lines that no longer fit while the reader stands still are dropped and counted.

    A signal handler may log while the very thread that it interrupts does. So every lock here is reentrant, and so is
    the queue; an Event or a Condition would wait for itself.
    """

    def __init__(self, descriptor: int, max_waiting_bytes: int = _MAX_WAITING_BYTES) -> None:
        self._descriptor = descriptor
        self._max_waiting_bytes = max_waiting_bytes
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()  # None ends the thread
        self._waiting_bytes = 0  # with those that are being written
        self._is_closed = False
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self.dropped_lines = 0

    def write(self, line: str) -> None:
        """Hand over one line, without its end; never waits."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._is_closed or self._waiting_bytes + len(data) > self._max_waiting_bytes:
                self.dropped_lines += 1
                return
            self._waiting_bytes += len(data)
            self._lines.put(data)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()

    def flush(self, patience_s: float) -> bool:
        """Wait until everything is written, or `patience_s` is over; whether it is."""
        until = time.monotonic() + patience_s
        while self._waiting_bytes and time.monotonic() < until:
            time.sleep(_FLUSH_POLL_S)
        return not self._waiting_bytes

    def close(self, patience_s: float) -> None:
        """Write what waits, for at most `patience_s`; what is still to come is dropped."""
        self.flush(patience_s)
        with self._lock:
            self._is_closed = True
            self._lines.put(None)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            data = line
            while len(data) < _MAX_WRITE_BYTES and (more := self._next()) is not None:
                data += more
            self._write(data)
            with self._lock:
                self._waiting_bytes -= len(data)

    def _next(self) -> bytes | None:
        """A line that waits; None if there is none, or the end is asked for."""
        try:
            line = self._lines.get_nowait()
        except Empty:
            return None
        if line is None:
            self._lines.put(None)  # for the loop above
        return line

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                time.sleep(0.01)  # somebody has made it non-blocking
            except OSError:
                with self._lock:  # nobody reads any more, or the disk is full
                    self.dropped_lines += data.count(b"\n")
                return
