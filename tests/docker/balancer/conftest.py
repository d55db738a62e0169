"""A real HAProxy in front of two small replicas on loopback. Needs no container.

Only what differs outside a container is changed in its files: addresses and paths.
"""

import http.client
import json
import os
import re
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docker" / "balancer"
REPLAY_BYTES = 4 * 1024 * 1024
RATE = 12  # in 10 s: few, so that a slow machine reaches it as well
MAX_IN_FLIGHT = 3
PATIENCE_S = 60


class Answer(NamedTuple):
    """What a client got."""

    status: int
    body: bytes
    headers: Message


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Replica:
    """Answers as `mode` says: ok, lost (ends the connection unanswered), draining, full, held (until `release`)."""

    def __init__(self) -> None:
        self.mode = "ok"
        self.posts = 0
        self.headers: list[Message] = []
        self.release = threading.Event()
        self._fillers: list[socket.socket] = []
        replica = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status: int, body: bytes, **headers: str) -> None:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                state = "overloaded" if replica.mode == "full" else "ready"
                self.answer(503 if replica.mode == "full" else 200, json.dumps({"state": state}).encode())

            def do_POST(self) -> None:
                replica.posts += 1
                replica.headers.append(self.headers)
                size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                if replica.mode == "held":
                    replica.release.wait(PATIENCE_S)
                if replica.mode == "lost":
                    self.close_connection = True
                elif replica.mode == "draining":
                    self.answer(503, b"draining", Retry_After="1")
                elif replica.mode == "full":
                    self.answer(429, b"full", Retry_After="7")
                else:
                    self.answer(200, str(size).encode())

            def log_message(self, *_: Any) -> None:
                pass

        class Server(socketserver.ThreadingMixIn, HTTPServer):
            daemon_threads = True

            def handle_error(self, *_: Any) -> None:
                pass  # a connection that the balancer ended

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def vanish(self) -> None:
        """From now on an attempt to connect gets no answer at all, as from an address that is gone: the kernel drops
        what a full backlog has no room for."""
        self.server.shutdown()
        self.server.socket.listen(0)
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self._fillers.append(filler)

    def close(self) -> None:
        self.release.set()
        self.server.shutdown()
        self.server.server_close()
        for filler in self._fillers:
            filler.close()


class Balancer:
    """start.sh and haproxy.cfg, run as in the container."""

    def __init__(self, haproxy: str, folder: Path, replicas: list[Replica], **environment: str) -> None:
        self.port, self.tls_port, self._state_port = free_port(), free_port(), free_port()
        servers = "\n".join(f"    server api{n} 127.0.0.1:{replica.port}" for n, replica in enumerate(replicas))
        text = (FOLDER / "haproxy.cfg").read_text()
        config, changes = re.subn(r"^ +server-template .*$", servers, text, flags=re.MULTILINE)
        assert changes == 1
        for port, own in ((8080, self.port), (8443, self.tls_port), (8405, self._state_port)):
            config = config.replace(f"bind :{port}", f"bind 127.0.0.1:{own}")
        (folder / "haproxy.cfg").write_text(config)
        self.certificates = folder / "certificates"
        self.certificates.mkdir(exist_ok=True)
        start = (FOLDER / "start.sh").read_text()
        paths = {
            "/usr/local/etc/haproxy/haproxy.cfg": folder / "haproxy.cfg",
            "/certificates/": f"{self.certificates}/",
            "/run/secrets/certificate.pem": folder / "given.pem",
            "exec haproxy": f"exec {haproxy}",
        }
        for inside, outside in paths.items():
            assert inside in start
            start = start.replace(inside, str(outside))
        (folder / "start.sh").write_text(start)
        self.log_path = folder / "log"
        given = {
            "BALANCER_REPLAY_BYTES": str(REPLAY_BYTES), "BALANCER_SERVER_TIMEOUT_S": "15",
            "BALANCER_MAX_UPLOAD_BYTES": "33554432", "BALANCER_MAX_BATCH_BYTES": "134217728",
            "BALANCER_RATE_PER_10S": str(RATE), "BALANCER_MAX_IN_FLIGHT": str(MAX_IN_FLIGHT), "BALANCER_KEYED": "1",
            "BALANCER_TRUSTED_PROXIES": "", "BALANCER_UPLOAD_TIMEOUT_S": "120",
        }  # fmt: skip
        assert set(given) == set(compose_environment())
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [str(shutil.which("bash")), str(folder / "start.sh")],
                env={"PATH": os.environ["PATH"], **given, **environment},
                stdout=log,
                stderr=log,
            )

    def wait_until_it_serves(self) -> None:
        until = time.monotonic() + PATIENCE_S
        while not self._serves():
            assert self.process.poll() is None, self.log_path.read_text()
            assert time.monotonic() < until, self.log_path.read_text()
            time.sleep(0.05)

    def _serves(self) -> bool:
        try:
            return self.ask("GET", "/healthz", port=self._state_port).status == 200
        except OSError:
            return False

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
        port: int | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        connection: http.client.HTTPConnection
        if tls:
            connection = http.client.HTTPSConnection("localhost", self.tls_port, timeout=PATIENCE_S, context=tls)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE_S)
        connection.putrequest(method, path)
        given = dict(headers)
        for name, value in [*headers, *([] if "Content-Length" in given else [("Content-Length", str(len(body)))])]:
            connection.putheader(name, value)
        connection.endheaders()
        if "Content-Length" not in given:
            connection.send(body)
        answer = connection.getresponse()
        result = Answer(answer.status, answer.read(), answer.headers)
        connection.close()
        return result

    def post(self, size: int = 1000, key: str = "key", **headers: str) -> Answer:
        more = ((name.replace("_", "-"), value) for name, value in headers.items())
        return self.ask("POST", "/crop", b"x" * size, (("X-API-Key", key), *more))

    def metrics(self) -> dict[tuple[str, str, str], float]:
        """(name, proxy, code or nothing) -> value, of the proxies and not of single servers."""
        text = self.ask("GET", "/metrics", port=self._state_port).body.decode()
        return {
            (sample.name, sample.labels["proxy"], sample.labels.get("code", "")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if "proxy" in sample.labels and "server" not in sample.labels
        }

    def log(self) -> list[dict[str, Any]]:
        """Every line that was written, to whichever stream."""
        whole_lines = self.log_path.read_text().rpartition("\n")[0]
        return [json.loads(line) for line in whole_lines.splitlines()]

    def wait_for_line(self, is_meant: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first such line; it may come a moment after the answer, or after the end of the process."""
        until = time.monotonic() + PATIENCE_S
        while not (found := [line for line in self.log() if is_meant(line)]):
            assert time.monotonic() < until, self.log_path.read_text()
            time.sleep(0.02)
        return found[0]

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def compose_environment() -> dict[str, str]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["balancer"]["environment"]


@pytest.fixture
def replicas() -> Iterator[list[Replica]]:
    """Two of them."""
    pair = [Replica(), Replica()]
    yield pair
    for replica in pair:
        replica.close()


@pytest.fixture
def start_balancer(
    require_program: Callable[[str, str], str], tmp_path: Path, replicas: list[Replica]
) -> Iterator[Callable[..., Balancer]]:
    """`start_balancer(**environment)`: one with other variables than the usual."""
    running: list[Balancer] = []

    def start(*, serves: bool = True, **environment: str) -> Balancer:
        running.append(Balancer(require_program("haproxy", "haproxy"), tmp_path, replicas, **environment))
        if serves:
            running[-1].wait_until_it_serves()
        return running[-1]

    yield start
    for balancer in running:
        balancer.stop()


@pytest.fixture
def balancer(start_balancer: Callable[..., Balancer]) -> Balancer:
    return start_balancer()
