"""What a client may send, hold and wait on one connection, in raw bytes over loopback."""

import asyncio
import contextlib
import json

import pytest

pytestmark = pytest.mark.uvloop
SHORT_S = 0.2
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def error_in(received: bytes) -> dict[str, str]:
    head, _, body = received.partition(b"\r\n\r\n")
    error = json.loads(body)["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert f"x-request-id: {error['request_id']}" in head.decode().lower()
    assert b"connection: close" in head.lower()
    return error


# ---- heads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces", [1, 50])
async def test_head_below_the_limit_is_taken_in_however_many_pieces_it_comes(raw_server, pieces):
    async with raw_server(max_head_bytes=100_000) as server:
        client = await server.connect()
        head = b"GET /a HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 90_000 + b"\r\n\r\n"
        step = len(head) // pieces + 1
        for start in range(0, len(head), step):
            await client.send(head[start : start + step])
            await asyncio.sleep(0.001)
        assert (await client.read_answer())[1] == b"GET /a 0"


@pytest.mark.parametrize("pieces", [1, 50])
async def test_head_above_the_limit_is_refused_in_however_many_pieces_it_comes(raw_server, pieces):
    async with raw_server(max_head_bytes=4096) as server:
        client = await server.connect()
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 5000 + b"\r\n\r\n"
        step = len(head) // pieces + 1
        for start in range(0, len(head), step):
            await client.send(head[start : start + step])
            await asyncio.sleep(0)
        client.writer.write_eof()
        received = await client.read_to_end()
        assert received.startswith(b"HTTP/1.1 431")
        assert error_in(received)["code"] == "bad_request"
        assert server.cut == ["large_head"]


async def test_endless_head_does_not_grow_the_process(raw_server):
    async with raw_server() as server:
        client = await server.connect()
        await client.send(b"GET / HTTP/1.1\r\n")
        sent = 0
        try:
            while sent < 100_000_000:
                await client.send(b"X-A: " + b"a" * 65536 + b"\r\n")
                sent += 65536
        except ConnectionError:
            pass
        # Sender and receiver hold some in the kernel; a lingering connection throws 32 MiB away.
        assert sent < 60_000_000


async def test_head_that_never_ends_is_answered_408(raw_server):
    async with raw_server(head_timeout_s=SHORT_S) as server:
        client = await server.connect()
        await client.send(b"POST / HTTP/1.1\r\nHost:")
        answer = await client.reader.readuntil(b"\r\n\r\n")
        body = await client.reader.read(1000)
        assert answer.startswith(b"HTTP/1.1 408")
        assert error_in(answer + body)["code"] == "slow_upload"
        assert server.cut == ["slow_head"]


async def test_head_a_byte_at_a_time_gains_no_time(raw_server):
    async with raw_server(head_timeout_s=SHORT_S) as server:
        client = await server.connect()
        received = asyncio.create_task(client.reader.readuntil(b"\r\n\r\n"))
        await client.send(b"GET / HTTP/1.1\r\nX-A: ")
        while not received.done():
            await client.send(b"a")
            await asyncio.sleep(SHORT_S / 20)
        assert received.result().startswith(b"HTTP/1.1 408")


async def test_second_request_of_a_connection_has_the_same_time_for_its_head(raw_server):
    async with raw_server(head_timeout_s=SHORT_S) as server:
        client = await server.connect()
        await client.send(GET, b"GET /b HTTP/1.1\r\nHost")
        assert (await client.read_answer())[1] == b"GET /a 0"
        assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("raw", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET / HTTP/1.1\r\nA B: c\r\n\r\n"])
async def test_what_is_no_http_is_answered_in_json_with_a_request_id(raw_server, raw):
    async with raw_server() as server:
        client = await server.connect()
        await client.send(raw, b"\r\n" * 3)
        client.writer.write_eof()
        received = await client.read_to_end()
        assert received.startswith(b"HTTP/1.1 400")
        assert error_in(received)["code"] == "bad_request"
        assert server.cut == ["bad_request"]


# ---- idle and count -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [b"", GET])
async def test_connection_without_a_request_is_closed_in_silence(raw_server, first):
    async with raw_server(idle_timeout_s=SHORT_S) as server:
        client = await server.connect()
        if first:
            await client.send(first)
            await client.read_answer()
        assert await client.read_to_end() == b""
        assert server.cut == []


async def test_idle_connections_make_room_for_new_ones(raw_server):
    async with raw_server(max_connections=3) as server:
        idle = [await server.connect() for _ in range(3)]
        for client in idle:
            await client.send(GET)
            await client.read_answer()
        fresh = await server.connect()
        await fresh.send(GET)
        assert (await fresh.read_answer())[1] == b"GET /a 0"
        assert await idle[0].read_to_end() == b""
        await idle[2].send(GET)
        assert (await idle[2].read_answer())[1] == b"GET /a 0"


async def test_more_connections_than_places_are_marked_and_closed_after_their_answer(raw_server):
    seen = []

    async def application(scope, receive, send):
        seen.append("vrn.has_no_place" in scope)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async with raw_server(application, max_connections=2) as server:
        busy = [await server.connect() for _ in range(2)]
        for client in busy:
            await client.send(b"GET / HTTP")
        while server.watch.count < 2:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        surplus = await server.connect()
        await surplus.send(GET)
        assert b"connection: close" in (await surplus.read_to_end()).lower()
        assert seen == [True]


# ---- uploads ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upgrade", [b"h2c", b"websocket", b"TLS/1.0"])
async def test_offer_of_another_protocol_loses_no_body(raw_server, upgrade):
    async with raw_server() as server:
        client = await server.connect()
        head = (
            b"POST /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
            b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 300000\r\n\r\n"
        )
        await client.send(head % upgrade, b"y" * 300_000)
        assert (await client.read_answer())[1] == b"POST /a 300000"
        await client.send(GET)  # and the connection goes on
        assert (await client.read_answer())[1] == b"GET /a 0"


async def test_upload_refused_early_leaves_a_connection_that_can_be_used_again(raw_server):
    async with raw_server() as server:
        client = await server.connect()
        await client.send(POST.replace(b"/a", b"/early") % 500_000, b"y" * 1000)
        head, body = await client.read_answer()
        assert body == b"POST /early 0"
        assert b"connection: close" not in head.lower()
        await client.send(b"y" * 499_000, GET)
        assert (await client.read_answer())[1] == b"GET /a 0"


@pytest.mark.parametrize("framing", [b"Content-Length: 100000000000", b"Transfer-Encoding: chunked"])
async def test_endless_upload_refused_early_is_told_so_and_ended(raw_server, framing):
    async with raw_server(stall_timeout_s=SHORT_S) as server:
        client = await server.connect()
        chunk = b"10000\r\n" + b"y" * 65536 + b"\r\n" if b"chunked" in framing else b"y" * 65536
        await client.send(b"POST /early HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n" % framing, chunk)
        head, _ = await client.read_answer()
        assert b"connection: close" in head.lower()
        while server.watch.count:
            with contextlib.suppress(ConnectionError):
                await client.send(chunk)


CHUNKED = b"POST %s HTTP/%s\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%s\r\n"


@pytest.mark.parametrize(("version", "length"), [(b"1.1", b"Content-Length: 3\r\n"), (b"1.0", b"")])
async def test_body_whose_length_a_proxy_may_read_otherwise_is_refused(raw_server, version, length):
    async with raw_server() as server:
        client = await server.connect()
        await client.send(CHUNKED % (b"/a", version, length), b"3\r\nabc\r\n0\r\n\r\n", GET)
        client.writer.write_eof()
        received = await client.read_to_end()
        assert received.startswith(b"HTTP/1.1 400")
        assert error_in(received)["code"] == "bad_request"


@pytest.mark.parametrize("is_answered", [False, True])
async def test_body_in_tiny_chunks_is_cut_before_it_costs_much(raw_server, is_answered):
    async with raw_server(stall_timeout_s=SHORT_S) as server:
        client = await server.connect()
        await client.send(CHUNKED % (b"/early" if is_answered else b"/a", b"1.1", b""))
        if is_answered:
            await client.read_answer()
        with contextlib.suppress(ConnectionError):
            await client.send(b"1\r\nx\r\n" * 1_000_000)
        received = await client.read_to_end()
        while server.watch.count:
            await asyncio.sleep(0.01)
        assert is_answered or received.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(("count", "size"), [(900, 1), (4000, 1000), (10, 200_000)])
async def test_body_in_ordinary_chunks_is_read(raw_server, count, size):
    async with raw_server() as server:
        client = await server.connect()
        chunk = b"%x\r\n%s\r\n" % (size, b"y" * size)
        await client.send(CHUNKED % (b"/a", b"1.1", b""), chunk * count, b"0\r\n\r\n", GET)
        assert (await client.read_answer())[1] == b"POST /a %d" % (count * size)
        assert (await client.read_answer())[1] == b"GET /a 0"


async def test_rest_of_a_refused_upload_has_to_come_at_the_floor(raw_server):
    async with raw_server(stall_timeout_s=SHORT_S) as server:
        client = await server.connect()
        await client.send(POST.replace(b"/a", b"/early") % 500_000, b"y" * 1000)
        await client.read_answer()
        await client.read_to_end()
        assert server.cut == ["slow_upload"]


# ---- clients that close their side --------------------------------------------------------------------------


@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
async def test_half_closed_client_gets_its_answer(raw_server, version):
    go = asyncio.Event()

    async def application(scope, receive, send):
        await receive()
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await send({"type": "http.response.body", "body": b"done"})

    async with raw_server(application) as server:
        client = await server.connect()
        await client.send((POST % 3).replace(b"1.1", version), b"abc")
        client.writer.write_eof()
        await asyncio.sleep(0.4)  # both probes are out
        go.set()
        assert (await client.read_answer())[1] == b"done"
        assert await client.reader.read() == b""


async def test_all_requests_that_a_half_closed_client_sent_are_answered(raw_server):
    async with raw_server() as server:
        client = await server.connect()
        await client.send(GET, GET.replace(b"/a", b"/b"), POST % 2, b"xy")
        client.writer.write_eof()
        assert [(await client.read_answer())[1] for _ in range(3)] == [b"GET /a 0", b"GET /b 0", b"POST /a 2"]
        assert await client.reader.read() == b""


async def test_client_that_has_gone_is_noticed_while_its_answer_is_made(raw_server):
    left = asyncio.Event()

    async def application(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    async with raw_server(application) as server:
        client = await server.connect()
        await client.send(POST % 3, b"abc")
        client.writer.close()
        await left.wait()


# ---- reading the answer -------------------------------------------------------------------------------------


async def test_client_that_does_not_read_is_cut(raw_server):
    async with raw_server(stall_timeout_s=SHORT_S) as server:
        client = await server.connect(receive_buffer_bytes=4096)
        await client.send(GET.replace(b"/a", b"/big"))
        while not server.cut:
            await asyncio.sleep(0.01)
        assert server.cut == ["slow_reader"]
        while server.watch.count:
            await asyncio.sleep(0.01)
        assert len(await client.read_to_end()) < 8_000_000


async def test_client_that_reads_slowly_but_above_the_floor_gets_everything(raw_server):
    async with raw_server(stall_timeout_s=1.0, min_bytes_per_s=1000.0) as server:
        client = await server.connect(receive_buffer_bytes=65536)
        await client.send(GET.replace(b"/a", b"/big"))
        size = 0
        while size < 8_000_000:
            size += len(await client.reader.read(100_000))
            await asyncio.sleep(0.002)
        assert server.cut == []


async def test_answers_that_nobody_reads_are_bounded_in_all_and_the_slowest_clients_are_cut(raw_server):
    async with raw_server(max_unsent_bytes=20_000_000) as server:
        clients = [await server.connect(receive_buffer_bytes=4096) for _ in range(6)]
        for client in clients:
            await client.send(GET.replace(b"/a", b"/big"))
        while len(server.cut) < 4:
            await asyncio.sleep(0.01)
        assert server.cut == ["unsent_limit"] * 4
        assert server.watch.has_unsent()
