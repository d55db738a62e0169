"""Writes lines to a file descriptor from a thread of its own, so that nobody who logs ever waits for who reads."""

import os
import threading
import time
from collections import deque

_MAX_WAITING_BYTES = 4 * 1024 * 1024
_MAX_WRITE_BYTES = 64 * 1024


class LineWriter:
    """Lines that no longer fit while the reader stands still are dropped and counted."""

    def __init__(self, descriptor: int, max_waiting_bytes: int = _MAX_WAITING_BYTES) -> None:
        self._descriptor = descriptor
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_closed = False
        # Reentrant: a signal handler may log while the thread that it interrupts does.
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._emptied = threading.Event()
        self._emptied.set()
        self._thread: threading.Thread | None = None
        self.dropped_lines = 0

    def write(self, line: str) -> None:
        """Hand over one line, without its end; never waits."""
        data = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            if self._is_closed or self._waiting_bytes + len(data) > self._max_waiting_bytes:
                self.dropped_lines += 1
                return
            self._waiting.append(data)
            self._waiting_bytes += len(data)
            self._emptied.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
        self._wake.set()

    def flush(self, patience_s: float) -> bool:
        """Wait until everything is written, or `patience_s` is over; whether it is."""
        return self._emptied.wait(patience_s)

    def close(self, patience_s: float) -> None:
        """Write what waits, for at most `patience_s`; what is still to come is dropped."""
        self.flush(patience_s)
        with self._lock:
            self._is_closed = True
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while data := self._take():
                self._write(data)
            if self._is_closed:
                return

    def _take(self) -> bytes:
        """The next lines in one piece; empty if there are none."""
        with self._lock:
            taken: list[bytes] = []
            size = 0
            while self._waiting and size < _MAX_WRITE_BYTES:
                taken.append(self._waiting.popleft())
                size += len(taken[-1])
            self._waiting_bytes -= size
            if not taken:
                self._emptied.set()
            return b"".join(taken)

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
