"""One compose stack that all tests of this folder share, and the load that is put on it."""

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

ROOT = Path(__file__).parents[3]
KEYS = ("first-key-0123456789", "second-key-9876543210")
REPLICAS = 3
CLIENTS = 6
TIMEOUT_S = 120  # of one request: longer than any of the stack
PAUSE_S = 0.1  # between the photos of one client: the load is there to be lost, not to fill the machine
PATIENCE_S = 600  # a loaded machine is slow, a broken stack never comes
_PROJECT = "vrn-test-"
_DOWN = ("--profile", "monitoring", "--profile", "tls", "down", "--volumes", "--remove-orphans", "--timeout", "5")


def wait_until(condition: Callable[[], object], what: str, shown: Callable[[], object] = str) -> None:
    """Until `condition` holds; the failure tells what is `shown` then."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > until:
            pytest.fail(f"waited {PATIENCE_S} s for {what}; {shown()}")
        time.sleep(0.2)


def remove_left_overs(docker: Callable[..., str]) -> None:
    """Stacks of test runs that were killed, and so could not take theirs down."""
    label = "com.docker.compose.project"
    for project in set(docker("ps", "--all", "--format", f'{{{{.Label "{label}"}}}}').split()):
        number = project.removeprefix(_PROJECT)
        if number != project and not Path("/proc", number).exists():
            docker("compose", "--project-name", project, *_DOWN)


class Stack:
    """`docker compose` of this checkout under a project name of its own."""

    wait_until = staticmethod(wait_until)

    def __init__(self, docker: Callable[..., str], image: str, folder: Path) -> None:
        self._docker = docker
        keys = folder / "keys"
        keys.write_text("\n".join(KEYS))
        keys.chmod(0o644)  # another user reads it in the container
        self.environment = {
            "VRN_IMAGE": image,
            "BALANCER_IMAGE": "vrn-cropper-balancer:test",
            "PROMETHEUS_IMAGE": "vrn-cropper-prometheus:test",
            "ALERTMANAGER_IMAGE": "vrn-cropper-alertmanager:test",
            "COMPOSE_PROJECT_NAME": f"{_PROJECT}{os.getpid()}",
            "VRN_PUBLISH": "127.0.0.1:0",
            "VRN_PUBLISH_TLS": "127.0.0.1:0",
            "PROMETHEUS_PORT": "0",
            "ALERTMANAGER_PORT": "0",
            "VRN_API_KEYS_FILE": str(keys),
            "VRN_MEMORY": "700m",
            "BALANCER_RATE_PER_10S": "400",
            "VRN_MAX_QUEUE_SIZE": "32",
            # A starved machine is slow, which is not what is tried here.
            "VRN_REQUEST_TIMEOUT_S": "60",
            "BALANCER_SERVER_TIMEOUT_S": "65",
        }
        self.full_environment = {**os.environ, **self.environment}
        self.client = httpx.Client(timeout=TIMEOUT_S, limits=httpx.Limits(max_connections=None))
        self.url = ""

    def compose(self, *arguments: str) -> str:
        return self._docker("compose", *arguments, **self.environment)

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
        wait_until(
            lambda: len(self.healthy_replicas()) == REPLICAS,
            f"{REPLICAS} healthy replicas",
            lambda: [self.inspect(replica)["State"] for replica in self.replicas()],
        )

    def inspect(self, container: str) -> dict[str, Any]:
        return json.loads(self._docker("inspect", container))[0]

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
        with httpx.Client(timeout=TIMEOUT_S, headers={"X-API-Key": self._keys[number % len(self._keys)]}) as client:
            while not self._stop.is_set():
                try:
                    end: int | str = client.post(self._url, content=next(self._photos)).status_code
                except httpx.TransportError as error:
                    end = repr(error)
                with self._ended:
                    self.ends.append(end)
                    self._ended.notify_all()
                self._stop.wait(PAUSE_S)


@pytest.fixture(scope="session")
def stack(docker: Callable[..., str], image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Three replicas behind the balancer."""
    remove_left_overs(docker)
    running = Stack(docker, image, tmp_path_factory.mktemp("stack"))
    try:
        running.up()
        yield running
    finally:
        running.client.close()
        running.compose(*_DOWN)


@pytest.fixture(scope="session")
def photos() -> list[bytes]:
    """The JPEGs that tests post."""
    return [path.read_bytes() for path in sorted((ROOT / "tests" / "photos").glob("*.jpg"))]


@pytest.fixture
def load(stack: Stack, photos: list[bytes]) -> Load:
    """Clients that post photos through the balancer while a `with` block runs."""
    return Load(f"{stack.url}/crop", photos, KEYS)
