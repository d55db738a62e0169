"""The load generator understands every server that it compares: answers of a stated length, and in chunks."""

import asyncio

import pytest

from benchmarks.serving.load import LoadGenerator

STATED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 429 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n"


@pytest.mark.parametrize(("answer", "status"), [(STATED, 200), (CHUNKED, 429)])
async def test_answers_are_read_to_their_end_so_that_connections_serve_again(answer, status):
    served = set()

    async def serve(reader, writer):
        served.add(asyncio.current_task())
        while await reader.read(65536):
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        generator = LoadGenerator(server.sockets[0].getsockname()[1], [b"photo"])
        answers = await generator.open_loop(rate=20, seconds=0.15)
        answers += await generator.closed_loop(clients=1, seconds=0.05)
        await generator.close()
        await asyncio.gather(*served)
        await asyncio.sleep(0)  # the generator's own transports end, too
    assert len(answers) >= 4
    assert {answer.status for answer in answers} == {status}
