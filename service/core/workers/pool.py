"""Workers, as the service sees them: a question goes to an idle one, and one that does not answer in time is killed.

The nursery is started with the first question, workers when all others are busy; idle ones are kept. Thread-safe:
each question blocks its own thread. Knows nothing of photos. Linux.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vrn_cropper.service.core.workers.messages import Message, MessageError, Part, receive_message, send_message

# Loading the libraries takes less than a second of processor time; the machine may be busy.
_START_TIMEOUT_S = 30.0
# What a worker is given of the environment: enough for Python to start, and no secrets.
_PASSED_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")


class WorkerTimeoutError(Exception):
    """No answer in the time given; the worker was killed."""


class WorkerDiedError(Exception):
    """The worker ended instead of answering: its work made it crash, or it was killed."""


class WorkerStartError(Exception):
    """No worker can be made: the system has no room for a process, or the pool is closed."""


def are_workers_possible() -> bool:
    """Whether this system has what workers need."""
    return hasattr(os, "memfd_create") and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


class _Worker:
    """One process, held by its descriptor, so that no other can ever be killed in its place."""

    def __init__(self, channel: socket.socket, process: int) -> None:
        self._channel = channel
        self._process = process

    def is_alive(self) -> bool:
        """Whether it waits for a question. It never speaks first: what can be read is its end."""
        return not select.select([self._channel], [], [], 0)[0]

    def ask(self, header: Mapping[str, Any], parts: Iterable[Part], seconds: float) -> Message:
        self._channel.settimeout(seconds)
        try:
            send_message(self._channel, {**header, "seconds": seconds}, parts)
            return receive_message(self._channel)
        except TimeoutError:
            raise WorkerTimeoutError from None
        except (MessageError, OSError) as error:
            raise WorkerDiedError from error

    def kill(self) -> None:
        """End it now; called once."""
        with contextlib.suppress(ProcessLookupError):  # ended by itself
            signal.pidfd_send_signal(self._process, signal.SIGKILL)
        os.close(self._process)
        self._channel.close()


class WorkerPool:
    """Asks workers that run `function` of `module` (see `nursery`) with `options`, an object of JSON's own types."""

    def __init__(self, module: str, function: str, options: Mapping[str, Any]) -> None:
        self._command = [sys.executable, "-m", f"{__package__}.nursery", f"{module}:{function}", json.dumps(options)]
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._nursery: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._is_closed = False

    def ask(self, header: Mapping[str, Any], parts: Sequence[Part], seconds: float) -> Message:
        """The answer of a worker, which is told how many `seconds` it has and is killed after them.

        Raises WorkerTimeoutError, WorkerDiedError and WorkerStartError.
        """
        began = time.monotonic()
        worker = self._take()
        try:
            answer = worker.ask(header, parts, max(0.001, seconds - (time.monotonic() - began)))
        except BaseException:
            worker.kill()
            raise
        self._give_back(worker)
        return answer

    def close(self) -> None:
        """Kill the nursery and with it all workers, busy or not. Their askers get WorkerDiedError."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            self._stop_nursery()
        for worker in idle:
            worker.kill()

    def _take(self) -> _Worker:
        with self._lock:
            if self._is_closed:
                raise WorkerStartError("the pool is closed")
            while self._idle:
                worker = self._idle.pop()
                if worker.is_alive():
                    return worker
                worker.kill()
            try:
                return self._forked()
            except OSError:  # the nursery was killed: the next one is another process
                self._stop_nursery()
            try:
                return self._forked()
            except OSError as error:
                self._stop_nursery()
                raise WorkerStartError("no process can be made") from error

    def _give_back(self, worker: _Worker) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(worker)
                return
        worker.kill()

    def _forked(self) -> _Worker:
        control = self._control or self._start_nursery()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            with theirs:
                socket.send_fds(control, [b"w"], [theirs.fileno()])
            _, descriptors, _, _ = socket.recv_fds(control, 64, 1)
            if not descriptors:
                raise ConnectionError("the nursery is gone")
        except BaseException:
            ours.close()
            raise
        return _Worker(ours, descriptors[0])

    def _start_nursery(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        passed = {name: os.environ[name] for name in _PASSED_VARIABLES if name in os.environ}
        search_path = os.pathsep.join(path or os.getcwd() for path in sys.path)
        with theirs:
            self._nursery = subprocess.Popen(
                self._command,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # decoders print warnings of their own there
                env={**passed, "PYTHONPATH": search_path, "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for the service: it drains first
            )
        ours.settimeout(_START_TIMEOUT_S)
        self._control = ours
        return ours

    def _stop_nursery(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._nursery is not None:
            self._nursery.kill()
            self._nursery.wait()
        self._control = self._nursery = None
