"""Clients that send or read a byte now and then, and hold what a request needs meanwhile."""

import socket
import time
from contextlib import ExitStack

from benchmarks.attack.report import Result
from benchmarks.attack.seeds import seeds
from benchmarks.attack.victim import post
from benchmarks.serving.process import ServerUnderTest

_TICK_S = 0.5
# For the server that is attacked: short limits, so that seconds show what minutes would.
LIMITS = {
    "VRN_HEAD_TIMEOUT_S": "2", "VRN_STALL_TIMEOUT_S": "2", "VRN_UPLOAD_TIMEOUT_S": "6", "VRN_IDLE_TIMEOUT_S": "3",
}  # fmt: skip
_HELD_S = 15.0
_MANY = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 200
_HEAD = b"POST /crop HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n"


def slow_clients(server: ServerUnderTest, clients: int) -> list[Result]:
    """Every kind, `clients` of them at once; each has to be cut by the limits, and photos are cropped meanwhile."""
    return [
        _hold("heads of a byte each half second", server, clients, b"GET / HTTP/1.1\r\nX: ", b"a"),
        _hold("uploads of a byte each half second", server, clients, _HEAD + b"\r\n\xff\xd8\xff", b"\x00"),
        _hold("uploads that stop", server, clients, _HEAD + b"\r\n" + bytes(1000), b""),
        _hold("connections that say nothing", server, clients, b"", b""),
        _hold(
            "readers that do not read", server, clients, b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 200, b""
        ),
    ]


def _hold(name: str, server: ServerUnderTest, clients: int, first: bytes, then: bytes) -> Result:
    result, before = Result(f"{clients} {name}"), server.cpu_s()
    photo = seeds()["JPEG RGB"]
    with ExitStack() as stack:
        held = []
        for _ in range(clients):
            connection = stack.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.setblocking(False)
            _send(connection, first)
            held.append(connection)
        began = time.monotonic()
        while held and time.monotonic() - began < _HELD_S:
            time.sleep(_TICK_S)
            answer = post(server.port, photo)
            result.note(answer.seconds, None if answer.status == 200 else f"a photo got {answer.status} meanwhile")
            held = [connection for connection in held if _is_open(connection, then)]
        if held:
            result.failed.append(f"{name}: {len(held)} were never cut")
    result.cpu_s = server.cpu_s() - before
    return result


def _is_open(connection: socket.socket, then: bytes) -> bool:
    """Whether the server still holds it. What it says is not read: only whether it has closed is looked at."""
    if not _send(connection, then):
        return False
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] == 1  # TCP_ESTABLISHED


def _send(connection: socket.socket, content: bytes) -> bool:
    try:
        if content:
            connection.send(content)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True
