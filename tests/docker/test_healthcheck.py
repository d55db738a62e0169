"""The image's health check, against a small server that stands for the service."""

import importlib.util
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "docker" / "healthcheck.py"


@pytest.fixture(scope="module")
def healthcheck():
    spec = importlib.util.spec_from_file_location("healthcheck", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def answering():
    """Starts a server that answers every GET with a status and a body; its port."""
    servers = []

    def start(status, body):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                assert self.path == "/readyz"
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return server.server_port

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b'{"ready": true, "state": "ready"}', 0),
        (503, b'{"ready": false, "state": "overloaded"}', 0),  # full, and answering 429 as it should
        (503, b'{"ready": false, "state": "starting"}', 1),
        (503, b'{"ready": false, "state": "draining"}', 1),
        (503, b'{"ready": false, "state": "failed"}', 1),
        (200, b"not json", 1),
        (200, b"[]", 1),
        (200, b"{}", 1),
    ],
)
def test_healthy_means_ready_or_full(healthcheck, answering, status, body, code):
    assert healthcheck.main(answering(status, body)) == code


def test_no_server_is_unhealthy_and_says_so(healthcheck, answering, capsys):
    assert healthcheck.main(1) == 1
    assert "no answer on port 1" in capsys.readouterr().out
