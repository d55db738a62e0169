"""A peer as a process tree: started, watched from outside, stopped. CPU and memory count every process of it."""

import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from benchmarks.peers.bodies import body_of, content_type_of
from benchmarks.peers.environment import PeerUnavailable
from benchmarks.peers.registry import ROOT, Peer

START_TIMEOUT_S = 120.0
SAMPLE_EVERY_S = 0.25


class PeerProcess:
    """A running peer on a free port of the loopback; ready once it has answered a photo."""

    def __init__(self, peer: Peer, python: Path, photo: bytes, log: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("VRN_")}
        variables = {
            **clean, "PYTHONPATH": str(ROOT), "NODE_PATH": str(python), "VRN_PORT": str(self.port),
            "VRN_DEVICE": "cpu", "VRN_LOG_LEVEL": "warning",
        }  # fmt: skip
        began = time.perf_counter()
        with log.open("w") as out:
            command = peer.command(python, self.port)
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=variables, stdout=out, stderr=out, start_new_session=True
            )
        self._tree = psutil.Process(self._process.pid)
        self.peak_mib: list[float] = []
        url = f"http://127.0.0.1:{self.port}{peer.path}"
        self._headers = {"Content-Type": content_type_of(peer.form_field)}
        body = body_of(photo, peer.form_field)
        while self._post(url, body) is None:
            if self._process.poll() is not None or time.perf_counter() - began > START_TIMEOUT_S:
                self.stop()
                tail = log.read_text(errors="replace").strip().splitlines()[-1:]
                raise PeerUnavailable(f"{peer.name} did not start: {tail[0] if tail else 'it said nothing'}")
            time.sleep(0.02)
        self.ready_s = time.perf_counter() - began
        threading.Thread(target=self._watch_memory, daemon=True).start()

    def memory_mib(self) -> float:
        """Proportional memory of the whole tree: what processes share counts once."""
        return sum(_of(process, lambda p: p.memory_full_info().pss) for process in self._processes()) / 2**20

    def cpu_s(self) -> float:
        """CPU seconds that the whole tree has used."""
        return sum(_of(p, lambda p: sum(p.cpu_times()[:2])) for p in self._processes())

    def stop(self) -> None:
        """End the tree, by force after ten seconds."""
        processes = self._processes()
        for process in processes:
            _of(process, lambda p: p.terminate() or 0)
        _, alive = psutil.wait_procs(processes, timeout=10)
        for process in alive:
            process.kill()
        self._process.wait(10)

    def _processes(self) -> list[psutil.Process]:
        try:
            return [self._tree, *self._tree.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _post(self, url: str, photo: bytes) -> bytes | None:
        request = urllib.request.Request(url, data=photo, headers=self._headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            # A service that is still starting says 503, or 404 where its proxy is there first.
            if error.code in (404, 503):
                return None
            self.stop()
            raise PeerUnavailable(f"{url} answers a photo with {error.code}") from error
        except (urllib.error.URLError, OSError):
            return None

    def _watch_memory(self) -> None:
        while self._process.poll() is None:
            self.peak_mib.append(self.memory_mib())
            time.sleep(SAMPLE_EVERY_S)


def _of(process: psutil.Process, value: Callable[[psutil.Process], float]) -> float:
    """A figure of a process, 0 once it has gone."""
    try:
        return float(value(process))
    except psutil.Error:
        return 0.0
