"""CPU of the server a request, below the application, by HTTP protocol.

`python -m tests.service.http.measure_protocols`: a child process sends requests on one connection; the server answers
3 KB from an empty application. CPU seconds of the server's process alone, so that other work on the machine changes
them little; the rounds take turns.
"""

import asyncio
import functools
import os
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
import uvloop

from tests.service.http.conftest import NEVER_S
from vrn_cropper.service.http.connection import Connection
from vrn_cropper.service.http.connection_watch import ConnectionLimits, ConnectionWatch
from vrn_cropper.service.http.pace import PaceLimits

ROUNDS = 5
BODIES = {"no body": (2000, 0), "172 KiB": (1000, 172 * 1024), "1955 KiB": (200, 1955 * 1024)}
ANSWER = b"x" * 3000


async def empty(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"3000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWER})


def send_requests(address: tuple[str, int], count: int, size: int) -> None:
    head = (
        "POST /crop?top_k=5 HTTP/1.1\r\nHost: localhost:8000\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
        "Connection: keep-alive\r\nUser-Agent: python-httpx/0.28.1\r\nContent-Type: image/jpeg\r\n"
        f"Content-Length: {size}\r\n\r\n"
    )
    request = head.encode() + b"y" * size
    with socket.create_connection(address) as client:
        for _ in range(count):
            client.sendall(request)
            received = b""
            while not received.endswith(ANSWER):
                received += client.recv(65536)


def cpu_us_a_request(http: Any, count: int, size: int) -> float:
    """Microseconds of this process, with the start and the end of the server shared among the requests."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        child = os.fork()
        if child == 0:
            send_requests(listener.getsockname(), count, size)
            os._exit(0)
        config = uvicorn.Config(
            empty, http=http, ws="none", lifespan="off", log_config=None, access_log=False, server_header=False
        )
        server = uvicorn.Server(config)

        def stop_with_the_child() -> None:
            os.waitpid(child, 0)
            server.should_exit = True

        waiting = threading.Thread(target=stop_with_the_child)
        waiting.start()
        began = time.process_time()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve([listener]))
        waiting.join()
        return (time.process_time() - began) / count * 1e6


def within_limits() -> Callable[..., Connection]:
    limits = ConnectionLimits(1024, 32768, NEVER_S, NEVER_S, PaceLimits(8192, NEVER_S), 1 << 27)
    return functools.partial(Connection, watch=ConnectionWatch(limits, lambda reason: None))


def main() -> int:
    protocols = {"uvicorn, httptools": "httptools", "uvicorn, h11": "h11", "**h11 within limits**": within_limits()}
    print("| us of CPU a request | " + " | ".join(BODIES) + " |\n|---" + "|---" * len(BODIES) + "|")
    measured: dict[str, list[list[float]]] = {name: [[] for _ in BODIES] for name in protocols}
    for _ in range(ROUNDS):
        for column, (count, size) in enumerate(BODIES.values()):
            for name, http in protocols.items():
                measured[name][column].append(cpu_us_a_request(http, count, size))
    for name, columns in measured.items():
        print(f"| {name} | " + " | ".join(f"{statistics.median(column):.0f}" for column in columns) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
