"""A real server on a loopback port around a small ASGI application, for tests that speak to it in raw bytes."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn

from vrn_cropper.service.http.connection import Connection
from vrn_cropper.service.http.connection_watch import ConnectionLimits, ConnectionWatch
from vrn_cropper.service.http.pace import PaceLimits

# Longer than any test: what a test is about gets a short limit, and only that can end its connection.
NEVER_S = 3600.0
PATIENCE_S = 60.0  # a test that hangs fails


class RawClient:
    """One connection, spoken on in bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, *parts: bytes) -> None:
        self.writer.write(b"".join(parts))
        await self.writer.drain()

    async def read_answer(self) -> tuple[bytes, bytes]:
        """Head and body of the next answer that is not a `100 Continue`."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100"):
            head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        return head, await self.reader.readexactly(int(length.split(b":")[1]))

    async def read_to_end(self) -> bytes:
        """Everything until the server ends the connection, in whatever way."""
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := await self.reader.read(65536):
                received += chunk
        return received


class RawServer:
    """The server of one test. `cut` names why it ended connections."""

    def __init__(self, watch: ConnectionWatch, address: tuple[str, int], cut: list[str]) -> None:
        self.watch = watch
        self.address = address
        self.cut = cut
        self._clients: list[RawClient] = []

    async def connect(self, receive_buffer_bytes: int | None = None) -> RawClient:
        plain = socket.socket()
        plain.setblocking(False)
        if receive_buffer_bytes:
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await asyncio.get_running_loop().sock_connect(plain, self.address)
        client = RawClient(*await asyncio.open_connection(sock=plain, limit=1024))
        self._clients.append(client)
        return client

    def close_clients(self) -> None:
        for client in self._clients:
            client.writer.transport.abort()


async def echo_size(scope: Any, receive: Any, send: Any) -> None:
    """Answers `METHOD PATH BYTES-OF-BODY`; `/early` without reading the body; `/big` with 8 MB."""
    size, more = 0, scope["path"] != "/early"
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            return
        size, more = size + len(event["body"]), event["more_body"]
    content = b"x" * 8_000_000 if scope["path"] == "/big" else f"{scope['method']} {scope['path']} {size}".encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(content)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": content})


@pytest.fixture
def raw_server() -> Callable[..., Any]:
    """An async context: a RawServer around `application`, with limits by keyword."""

    @contextlib.asynccontextmanager
    async def start(application: Any = echo_size, **given: Any) -> AsyncIterator[RawServer]:
        pace = PaceLimits(given.pop("min_bytes_per_s", 1.0), given.pop("stall_timeout_s", NEVER_S))
        limits = ConnectionLimits(
            **{
                "max_connections": 100, "max_head_bytes": 4096, "head_timeout_s": NEVER_S,
                "idle_timeout_s": NEVER_S, "max_unsent_bytes": 1 << 30, "transfer": pace, **given,
            }
        )  # fmt: skip
        cut: list[str] = []
        watch = ConnectionWatch(limits, cut.append)
        config = uvicorn.Config(
            application, http=functools.partial(Connection, watch=watch), ws="none", lifespan="off", log_config=None,
            access_log=False, timeout_graceful_shutdown=1,
        )  # fmt: skip
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        watching = asyncio.create_task(watch.run())
        raw = RawServer(watch, listener.getsockname(), cut)
        try:
            async with asyncio.timeout(PATIENCE_S):
                yield raw
        finally:
            raw.close_clients()
            server.should_exit = True
            await serving
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    return start
