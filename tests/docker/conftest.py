"""A Docker engine, the project's images, and one compose stack that all tests of this folder share.

`make test-docker` runs them. Where no engine answers and none can be started, they are skipped with the reason.
"""

import itertools
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

ROOT = Path(__file__).parents[2]
# Where this checkout lies beside tools that can start an engine.
STARTER = ROOT.parent / "shared" / "tools" / "docker-up.sh"
IMAGES = {"VRN_IMAGE": "vrn-cropper:test", "BALANCER_IMAGE": "vrn-cropper-balancer:test",
          "PROMETHEUS_IMAGE": "vrn-cropper-prometheus:test"}  # fmt: skip
KEYS = ("first-key-0123456789", "second-key-9876543210")
REPLICAS = 3
CLIENTS = 6
PATIENCE_S = 120  # a loaded machine is slow, a broken stack never comes


def wait_until(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.2)


def run_docker(*arguments: str, stdin: str | None = None, **environment: str) -> str:
    """Standard output of a docker command that has to succeed."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=stdin,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def engine() -> None:
    """An engine with Compose; skips where there is none."""

    def works() -> bool:
        if shutil.which("docker") is None:
            return False
        commands = (["docker", "info"], ["docker", "compose", "version"])
        return all(subprocess.run(command, capture_output=True).returncode == 0 for command in commands)

    if not works() and STARTER.exists():
        subprocess.run([STARTER], check=True, capture_output=True)
    if not works():
        pytest.skip("no Docker engine with Compose answers; start one, then: make test-docker")


@pytest.fixture(scope="session")
def docker(engine: None) -> Callable[..., str]:
    """Runs a docker command that has to succeed; its standard output."""
    return run_docker


@pytest.fixture(scope="session")
def log_of(engine: None) -> Callable[[str], list[str]]:
    """The lines that a container wrote."""

    def read(container: str) -> list[str]:
        command = ["docker", "logs", container]
        both = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return both.stdout.splitlines()

    return read


@pytest.fixture(scope="session")
def image(engine: None) -> str:
    """The CPU image of this checkout."""
    run_docker("build", "--quiet", "--file", "docker/Dockerfile", "--tag", IMAGES["VRN_IMAGE"], ".")
    return IMAGES["VRN_IMAGE"]


class Stack:
    """`docker compose` of this checkout under a project name of its own."""

    wait_until = staticmethod(wait_until)

    def __init__(self) -> None:
        self.environment = {
            **IMAGES,
            "COMPOSE_PROJECT_NAME": f"vrn-test-{os.getpid()}",
            "VRN_PUBLISH": "127.0.0.1:0",
            "PROMETHEUS_PORT": "0",
            "VRN_API_KEYS": ",".join(KEYS),
            "VRN_MEMORY": "700m",
            "BALANCER_RATE_PER_10S": "400",
        }
        self.full_environment = {**os.environ, **self.environment}
        self.client = httpx.Client(timeout=60, limits=httpx.Limits(max_connections=None))
        self.url = ""

    def compose(self, *arguments: str) -> str:
        return run_docker("compose", *arguments, **self.environment)

    def up(self) -> None:
        self.compose("build", "--quiet", "balancer")
        self.compose("up", "--detach", "--no-build", "--scale", f"api={REPLICAS}", "--wait", "balancer", "api")
        self.url = f"http://{self.address('balancer', 8080)}"

    def address(self, service: str, port: int) -> str:
        return self.compose("port", service, str(port)).strip()

    def replicas(self) -> list[str]:
        """Ids of the running replicas."""
        return self.compose("ps", "--quiet", "--status", "running", "api").split()

    def healthy_replicas(self) -> list[str]:
        return [
            replica for replica in self.replicas() if self.inspect(replica)["State"]["Health"]["Status"] == "healthy"
        ]

    def wait_for_replicas(self) -> None:
        wait_until(lambda: len(self.healthy_replicas()) == REPLICAS, f"{REPLICAS} healthy replicas")

    def inspect(self, container: str) -> dict[str, Any]:
        return json.loads(run_docker("inspect", container))[0]

    def log_of(self, service: str) -> list[str]:
        return self.compose("logs", "--no-log-prefix", service).splitlines()

    def post(self, content: bytes, path: str = "/crop", key: str | None = KEYS[0], **headers: str) -> httpx.Response:
        given = {**headers, **({"X-API-Key": key} if key else {})}
        return self.client.post(self.url + path, content=content, headers=given)


class Load:
    """A few clients that post photos one after another, in threads, until the `with` block ends.

    `ends` has a status, or the error, for each request.
    """

    def __init__(self, url: str, photos: list[bytes], keys: tuple[str, ...]) -> None:
        self._url = url
        self._photos = itertools.cycle(photos)
        self._keys = keys
        self._stop = threading.Event()
        self._ended = threading.Condition()
        self._threads = [threading.Thread(target=self._post, args=(number,)) for number in range(CLIENTS)]
        self.ends: list[int | str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Until `count` more requests have ended."""
        with self._ended:
            wanted = len(self.ends) + count
            assert self._ended.wait_for(lambda: len(self.ends) >= wanted, PATIENCE_S), "the load stands still"

    @property
    def lost(self) -> list[int | str]:
        """How those requests ended that did not get their crops."""
        return [end for end in self.ends if end != 200]

    def _post(self, number: int) -> None:
        with httpx.Client(timeout=60, headers={"X-API-Key": self._keys[number % len(self._keys)]}) as client:
            while not self._stop.is_set():
                try:
                    end: int | str = client.post(self._url, content=next(self._photos)).status_code
                except httpx.TransportError as error:
                    end = repr(error)
                with self._ended:
                    self.ends.append(end)
                    self._ended.notify_all()


@pytest.fixture(scope="session")
def stack(image: str) -> Iterator[Stack]:
    """Three replicas behind the balancer."""
    running = Stack()
    try:
        running.up()
        yield running
    finally:
        running.client.close()
        running.compose("--profile", "monitoring", "down", "--volumes", "--timeout", "5")


@pytest.fixture(scope="session")
def photos() -> list[bytes]:
    """The JPEGs that tests post."""
    return [path.read_bytes() for path in sorted((ROOT / "tests" / "photos").glob("*.jpg"))]


@pytest.fixture
def load(stack: Stack, photos: list[bytes]) -> Load:
    """Clients that post photos through the balancer while a `with` block runs."""
    return Load(f"{stack.url}/crop", photos, KEYS)
