"""The balancer's rules, asked of a real HAProxy in front of two small replicas on loopback. Needs no container.

Only the addresses of the configuration are changed: what Docker's DNS would fill in.
"""

import http.client
import json
import re
import socket
import socketserver
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIG = (ROOT / "docker" / "balancer" / "haproxy.cfg").read_text()
REPLAY_BYTES = 4 * 1024 * 1024
RATE = 12  # in 10 s: few, so that a slow machine reaches it as well
PATIENCE_S = 60


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Replica:
    """Answers as `mode` says: ok, lost (ends the connection unanswered), draining, full."""

    def __init__(self):
        self.mode = "ok"
        self.posts = 0
        replica = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, status, body, **headers):
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name.replace("_", "-"), value)
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                state = "overloaded" if replica.mode == "full" else "ready"
                self.answer(503 if replica.mode == "full" else 200, json.dumps({"state": state}).encode())

            def do_POST(self):
                replica.posts += 1
                size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                if replica.mode == "lost":
                    self.close_connection = True
                elif replica.mode == "draining":
                    self.answer(503, b"draining", Retry_After="1")
                elif replica.mode == "full":
                    self.answer(429, b"full", Retry_After="7")
                else:
                    self.answer(200, str(size).encode())

            def log_message(self, *_):
                pass

        class Server(socketserver.ThreadingMixIn, HTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass  # a connection that the balancer ended

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


class Balancer:
    def __init__(self, haproxy, folder, replicas):
        self.port, state_port = free_port(), free_port()
        servers = "\n".join(f"    server api{n} 127.0.0.1:{replica.port}" for n, replica in enumerate(replicas))
        config, changes = re.subn(r"^ +server-template .*$", servers, CONFIG, flags=re.MULTILINE)
        assert changes == 1
        config = config.replace("bind :8080", f"bind 127.0.0.1:{self.port}")
        config = config.replace("bind :8405", f"bind 127.0.0.1:{state_port}")
        (folder / "haproxy.cfg").write_text(config)
        self.log_path = folder / "log"
        environment = {
            "BALANCER_REPLAY_BYTES": str(REPLAY_BYTES), "BALANCER_SERVER_TIMEOUT_S": "15",
            "BALANCER_MAX_UPLOAD_BYTES": "33554432", "BALANCER_MAX_BATCH_BYTES": "134217728",
            "BALANCER_RATE_PER_10S": str(RATE), "BALANCER_MAX_IN_FLIGHT": "128", "BALANCER_KEYED": "1",
        }  # fmt: skip
        assert set(environment) == set(compose_environment())
        with self.log_path.open("wb") as log:
            command = [haproxy, "-db", "-f", folder / "haproxy.cfg"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE_S
        while self.status_of_state(state_port) != 200:
            assert time.monotonic() < until, self.log_path.read_text()
            time.sleep(0.05)

    def status_of_state(self, port):
        try:
            return self.ask("GET", "/healthz", port=port)[0]
        except OSError:
            return None

    def ask(self, method, path, body=b"", headers=(), port=None):
        """(status, body, headers)"""
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=PATIENCE_S)
        connection.putrequest(method, path)
        given = dict(headers)
        for name, value in [*headers, *([] if "Content-Length" in given else [("Content-Length", str(len(body)))])]:
            connection.putheader(name, value)
        connection.endheaders()
        if "Content-Length" not in given:
            connection.send(body)
        answer = connection.getresponse()
        result = answer.status, answer.read(), answer.headers
        connection.close()
        return result

    def post(self, size=1000, key="key"):
        return self.ask("POST", "/crop", b"x" * size, [("X-API-Key", key)])


def compose_environment():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["balancer"]["environment"]


@pytest.fixture
def replicas():
    pair = [Replica(), Replica()]
    yield pair
    for replica in pair:
        replica.server.shutdown()
        replica.server.server_close()


@pytest.fixture
def balancer(require_program, tmp_path, replicas):
    running = Balancer(require_program("haproxy", "haproxy"), tmp_path, replicas)
    yield running
    running.process.kill()
    running.process.wait()


@pytest.mark.parametrize("mode", ["lost", "draining"])
@pytest.mark.parametrize("size", [0, 60_000, REPLAY_BYTES - 100_000])
def test_request_is_repeated_elsewhere_when_a_replica_is_lost_or_drains(balancer, replicas, mode, size):
    replicas[0].mode = mode
    answers = [balancer.post(size)[:2] for _ in range(6)]
    assert answers == [(200, str(size).encode())] * 6
    assert replicas[0].posts > 0


def test_request_too_large_to_be_held_is_streamed_and_not_repeated(balancer, replicas):
    assert balancer.post(2 * REPLAY_BYTES)[:2] == (200, str(2 * REPLAY_BYTES).encode())
    for replica in replicas:
        replica.mode = "draining"
    status, _, headers = balancer.post(2 * REPLAY_BYTES)
    assert (status, headers["Retry-After"]) == (503, "1")


def test_answer_of_a_full_replica_is_passed_on_and_not_repeated(balancer, replicas):
    for replica in replicas:
        replica.mode = "full"
    time.sleep(1.5)  # several health checks: full replicas stay in service
    before = sum(replica.posts for replica in replicas)
    status, body, headers = balancer.post()
    assert (status, body, headers["Retry-After"]) == (429, b"full", "7")
    assert sum(replica.posts for replica in replicas) == before + 1


def test_both_replicas_serve(balancer, replicas):
    for _ in range(8):
        balancer.post()
    assert min(replica.posts for replica in replicas) > 0


@pytest.mark.parametrize(("path", "limit"), [("/crop", 33554432), ("/crop/batch", 134217728)])
def test_declared_size_above_the_limit_is_refused_before_the_body_comes(balancer, replicas, path, limit):
    status, body, _ = balancer.ask("POST", path, headers=[("Content-Length", str(limit + 1))])
    assert status == 413
    assert json.loads(body)["error"]["code"] == "too_large"
    assert str(limit) in json.loads(body)["error"]["message"]


def test_rate_is_limited_by_key_and_a_second_header_is_no_way_around(balancer):
    statuses = [balancer.post(key="greedy")[0] for _ in range(RATE + 5)]
    assert statuses == [200] * RATE + [429] * 5
    status, body, headers = balancer.post(key="greedy")
    assert (status, json.loads(body)["error"]["code"], headers["Retry-After"]) == (429, "overloaded", "5")
    assert balancer.ask("POST", "/crop", headers=[("X-API-Key", "greedy"), ("X-API-Key", "fresh")])[0] == 429
    assert balancer.ask("POST", "/crop", headers=[("X-API-Key", "greedy"), ("Authorization", "Bearer a")])[0] == 429
    assert balancer.ask("POST", "/crop", headers=[("Authorization", "Bearer greedy")])[0] == 429
    assert balancer.post(key="modest")[0] == 200


def test_answers_carry_security_headers_and_an_id(balancer):
    _, _, headers = balancer.ask("POST", "/crop", headers=[("X-Request-ID", "my-id.1")])
    assert headers["X-Request-ID"] == "my-id.1"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert balancer.post()[2]["X-Request-ID"]


def test_log_is_json_without_keys_and_tells_of_repetitions(balancer, replicas):
    replicas[0].mode = "lost"
    for _ in range(4):
        balancer.post(key="secret-key")
    text = balancer.log_path.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {line["status"] for line in lines} == {200}
    assert "+1" in {line["retries"] for line in lines}
    assert "secret-key" not in text
