"""A load generator for one server: closed loop and open loop, latency counted from the intended send time.

Speaks just enough HTTP/1.1 over kept-alive connections to cost little of the CPU that it shares with the server.
Counting from the intended time keeps a slow server from hiding its queue (coordinated omission).
"""

import asyncio
import re
import time
from dataclasses import dataclass, field

_STAGE = re.compile(rb"(\w+);dur=([\d.]+)")


@dataclass
class Answer:
    """One answer: status, seconds since its intended send time, and the server's own stages in milliseconds."""

    status: int
    latency_s: float
    stages_ms: dict[str, float] = field(default_factory=dict)


class LoadGenerator:
    """Posts photos (bodies of `content_type`), in turn, to one path of a server on loopback.

    `timeout_ms` asks for answers within that time.
    """

    def __init__(
        self,
        port: int,
        photos: list[bytes],
        path: str = "/crop?top_k=5",
        timeout_ms: int | None = None,
        content_type: str = "image/jpeg",
    ) -> None:
        self._port = port
        deadline = b"X-Request-Timeout-Ms: %d\r\n" % timeout_ms if timeout_ms else b""
        self._requests = [
            b"POST %s HTTP/1.1\r\nHost: bench\r\nContent-Type: %s\r\n%s"
            b"Content-Length: %d\r\n\r\n" % (path.encode(), content_type.encode(), deadline, len(photo)) + photo
            for photo in photos
        ]
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._sent = 0

    async def closed_loop(self, clients: int, seconds: float) -> list[Answer]:
        """`clients` that each send the next photo when the last is answered."""
        answers: list[Answer] = []
        until = time.perf_counter() + seconds

        async def client() -> None:
            while (now := time.perf_counter()) < until:
                answers.append(await self._post(now))

        await asyncio.gather(*[client() for _ in range(clients)])
        return answers

    async def open_loop(self, rate: float, seconds: float) -> list[Answer]:
        """`rate` photos a second at even intervals, whether or not earlier ones were answered."""
        began = time.perf_counter()
        posts = []
        for number in range(int(rate * seconds)):
            intended = began + number / rate
            await asyncio.sleep(max(0.0, intended - time.perf_counter()))
            posts.append(asyncio.create_task(self._post(intended)))
        return list(await asyncio.gather(*posts))

    async def close(self) -> None:
        """Close every connection."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()

    async def _post(self, intended: float) -> Answer:
        request = self._requests[self._sent % len(self._requests)]
        self._sent += 1
        connection = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = connection
        writer.write(request)
        # Reading at once, not after the whole body is sent: a refusal may come before.
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        await _read_body(reader, lower)
        latency_s = time.perf_counter() - intended
        await writer.drain()
        self._idle.append(connection)
        # Other servers name no stages.
        timing = lower.partition(b"server-timing: ")[2].split(b"\r\n")[0]
        stages = {name.decode(): float(ms) for name, ms in _STAGE.findall(timing)}
        return Answer(int(head[9:12]), latency_s, stages)


async def _read_body(reader: asyncio.StreamReader, lower_head: bytes) -> None:
    """To its end, of a stated length or in chunks: other servers answer in either way."""
    if b"transfer-encoding: chunked" not in lower_head:
        await reader.readexactly(int(lower_head.split(b"content-length: ")[1].split(b"\r\n")[0]))
        return
    size = -1
    while size:
        size = int((await reader.readline()).split(b";")[0], 16)
        await reader.readexactly(size + 2)
