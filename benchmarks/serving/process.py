"""The server as a process of its own: started, watched from outside, stopped."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ServerUnderTest:
    """`python -m vrn_cropper.service` with default settings on a free port; `settings` are other variables."""

    def __init__(self, **settings: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        variables = {
            "VRN_PORT": str(self.port), "VRN_DEVICE": "cpu", "VRN_LOG_LEVEL": "warning", **settings,
        }  # fmt: skip
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vrn_cropper.service"], cwd=ROOT, env={**os.environ, **variables}
        )
        while not self._is_ready():
            time.sleep(0.01)
        self.ready_s = time.perf_counter() - began
        self.peak_mib: list[float] = []
        threading.Thread(target=self._watch_memory, daemon=True).start()

    @property
    def pid(self) -> int:
        """Of the server itself."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def resident_mib(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_s(self) -> float:
        """CPU seconds that the process has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def batch_totals(self) -> tuple[float, float]:
        """Photos and batches so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("vrn_batch_size_"))
        return float(values["vrn_batch_size_sum"]), float(values["vrn_batch_size_count"])

    def stop(self) -> int:
        """End it by SIGTERM; the exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            sys.exit("the server did not start")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz"):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    def _watch_memory(self) -> None:
        while self._process.poll() is None:
            try:
                self.peak_mib.append(self.resident_mib())
            except (OSError, IndexError):
                return
            time.sleep(0.1)
