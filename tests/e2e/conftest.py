"""Real server processes on loopback, and photos for them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.fakes import write_export

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60  # a loaded machine is slow, a broken server never comes


def wait_until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.005)


def server_environment(variables: dict[str, str]) -> dict[str, str]:
    """This process's environment without its settings of the service, and `variables`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("VRN_", "OTEL_"))}
    return {**clean, "VRN_PORT": "0", "VRN_LOG_FORMAT": "json", "PYTHONPATH": str(ROOT), **variables}


class ServerProcess:
    """A server in a process of its own; `port` is known once it listens."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=server_environment(environment), stderr=subprocess.PIPE, text=True
        )
        self.log: list[str] = []
        self.port: int | None = None
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.rstrip())
            if '"listening on' in line:
                self.port = json.loads(line)["port"]

    def url(self, path: str = "/crop") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail("the server ended: " + "\n".join(self.log))
        try:
            return self.port is not None and httpx.get(self.url("/readyz"), timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def wait_ready(self) -> "ServerProcess":
        wait_until(self.is_ready, "the server to be ready")
        return self

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit code; the log is whole afterwards."""
        code = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return code

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def start_server() -> Iterator[Callable[..., ServerProcess]]:
    """Starts `python -m vrn_cropper.service` with `VRN_*` variables by keyword; all are stopped at the end."""
    started: list[ServerProcess] = []

    def start(command: tuple[str, ...] = ("-m", "vrn_cropper.service"), **environment: str) -> ServerProcess:
        server = ServerProcess([sys.executable, *command], environment)
        started.append(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def trained_server() -> Iterator[ServerProcess]:
    """One server with the shipped model, for the tests of a module that leave it as it is."""
    server = ServerProcess([sys.executable, "-m", "vrn_cropper.service"], {"VRN_DEVICE": "cpu"})
    yield server.wait_ready()
    server.stop()


class Gate:
    """The test's side of `gated_server.py`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def open(self) -> None:
        (self.folder / "hold").unlink()

    def wait_until_running(self) -> None:
        """A batch is on the engine."""
        wait_until((self.folder / "running").exists, "a batch to run")

    def scored(self) -> list[int]:
        """Mean colours of the photos that the engine saw."""
        record = self.folder / "scored"
        return [int(line) for line in record.read_text().split()] if record.exists() else []


@pytest.fixture
def tiny_export(tmp_path: Path) -> Path:
    """A file that passes for an export where the engine is a fake."""
    return write_export(tmp_path)


@pytest.fixture
def gated_server(
    start_server: Callable[..., ServerProcess], tmp_path: Path, tiny_export: Path
) -> Callable[..., tuple[ServerProcess, Gate]]:
    """Starts the server around an engine that the test holds and watches."""

    def start(**environment: str) -> tuple[ServerProcess, Gate]:
        server = start_server(
            (str(Path(__file__).parent / "gated_server.py"),),
            E2E_DIR=str(tmp_path),
            VRN_MODEL_PATH=str(tiny_export),
            **environment,
        )
        return server.wait_ready(), Gate(tmp_path)

    return start


@pytest.fixture
def gated_command(tmp_path: Path, tiny_export: Path) -> tuple[list[str], dict[str, str], int]:
    """Command, environment and port of a gated server that the test starts itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(Path(__file__).parent / "gated_server.py")]
    variables = {"E2E_DIR": str(tmp_path), "VRN_MODEL_PATH": str(tiny_export), "VRN_PORT": str(port)}
    return command, server_environment(variables), port


@pytest.fixture(scope="session")
def noise_photo() -> bytes:
    """A photo that no encoder makes smaller: its picture is megabytes."""
    buffer = BytesIO()
    pixels = np.random.default_rng(7).integers(0, 256, (1600, 2400, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


@pytest.fixture
def flat_photo() -> Callable[[int], bytes]:
    """A small grey photo whose mean colour names it in the engine's record."""

    def encode(shade: int) -> bytes:
        buffer = BytesIO()
        Image.new("RGB", (60, 40), (shade, shade, shade)).save(buffer, "PNG")
        return buffer.getvalue()

    return encode
