"""The server that is attacked, watched from outside: memory of all its processes, its probe, another client's
time.
"""

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.serving.process import ServerUnderTest

TIMEOUT_S = 30.0
_SAMPLE_S = 0.05
_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """How a request ended; `status` is 0 for a connection that was closed without an answer."""

    status: int
    body: bytes
    seconds: float

    @property
    def is_fault(self) -> bool:
        """Nothing at all, or the server's own failure."""
        return self.status in (0, 500, 502)


def post(port: int, body: bytes, path: str = "/crop", headers: dict[str, str] | None = None) -> Answer:
    """One upload on a connection of its own."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, body, headers or {"Content-Type": "application/octet-stream"})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), time.perf_counter() - began)
    except (OSError, http.client.HTTPException):
        return Answer(0, b"", time.perf_counter() - began)
    finally:
        connection.close()


def processes_of(pid: int) -> list[psutil.Process]:
    """The server, and what it decodes in."""
    try:
        server = psutil.Process(pid)
        return [server, *server.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def memory_mib(pid: int) -> float:
    """Resident memory of all its processes; pages that forked ones share count once for each."""
    total = 0
    for process in processes_of(pid):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / _MIB


@dataclass(slots=True)
class Watched:
    """What a watch saw: the highest memory, the slowest probe, and the seconds of the other client's photos."""

    began_mib: float
    peak_mib: float = 0.0
    slowest_probe_s: float = 0.0
    photo_s: list[float] = field(default_factory=list)
    lost_photos: int = 0

    @property
    def photo_p99_s(self) -> float:
        """Of the other client; 0 if it got none."""
        ordered = sorted(self.photo_s)
        return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] if ordered else 0.0


class Watch:
    """Watches while the block runs: memory and probe twenty times a second, and one photo after the other."""

    def __init__(self, server: ServerUnderTest, photo: bytes) -> None:
        self._server = server
        self._photo = photo
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._sample, self._send)]
        self.seen = Watched(memory_mib(server.pid))

    def __enter__(self) -> Watched:
        for thread in self._threads:
            thread.start()
        return self.seen

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT_S)

    def _sample(self) -> None:
        while not self._is_over.wait(_SAMPLE_S):
            self.seen.peak_mib = max(self.seen.peak_mib, memory_mib(self._server.pid))
            self.seen.slowest_probe_s = max(self.seen.slowest_probe_s, probe_s(self._server.port))

    def _send(self) -> None:
        while not self._is_over.wait(_SAMPLE_S):
            answer = post(self._server.port, self._photo)
            if answer.status == 200:
                self.seen.photo_s.append(answer.seconds)
            elif answer.status != 429:  # a full server may say no
                self.seen.lost_photos += 1


def probe_s(port: int) -> float:
    """Seconds of one `GET /healthz`; the timeout if it was not answered."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return TIMEOUT_S
    finally:
        connection.close()
    return time.perf_counter() - began


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Whether it came about in time."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(_SAMPLE_S)
    return True


def sample_photo() -> bytes:
    """What the other client sends."""
    return (Path(__file__).resolve().parents[2] / "tests" / "photos" / "coffee.jpg").read_bytes()
