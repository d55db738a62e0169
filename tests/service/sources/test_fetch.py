"""Fetching: bounds of bytes, time and redirects, and no way into the service's own network."""

import asyncio
import contextlib
from ipaddress import ip_address, ip_network

import pytest

from vrn_cropper.model.errors import PhotoTooLargeError
from vrn_cropper.service.errors import (
    SourceError,
    SourceMissingError,
    SourceNotAllowedError,
)
from vrn_cropper.service.sources.connections import CheckedBackend, resolve
from vrn_cropper.service.sources.fetch import Fetcher, FetchLimits
from vrn_cropper.service.sources.rules import SourceRules

LOOPBACK = (ip_network("127.0.0.0/8"),)


class Source:
    """A server on loopback that answers each path with the bytes given for it."""

    def __init__(self, answers: dict[str, bytes]) -> None:
        self.answers = answers
        self.heads: list[bytes] = []
        self.origin = ""
        self._tasks: set[asyncio.Task] = set()

    async def _answer(self, reader, writer):
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            writer.write(self.answers[head.split()[1].decode()].replace(b"ORIGIN", self.origin.encode()))
            await writer.drain()
            if b"stay" in head:
                await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    @contextlib.asynccontextmanager
    async def running(self):
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
        await asyncio.gather(*self._tasks)


@contextlib.asynccontextmanager
async def fetching(answers, *, rules="", networks=LOOPBACK, resolve=resolve, **limits):
    """`fetch(path or URL)` of a source with `answers`; its own origin is allowed where `rules` name none."""
    async with Source(answers).running() as source:
        fetcher = Fetcher(
            SourceRules.parse(rules.replace("PORT", source.origin.split(":")[-1]) or source.origin, is_signed=True),
            FetchLimits(**{"max_bytes": 1000, "max_wait_s": 5.0} | limits),
            CheckedBackend(networks, resolve),
        )
        taken: list[int] = []

        async def fetch(target: str, timeout_s: float = 5.0) -> bytes:
            url = source.origin + target if target.startswith("/") else target
            return await fetcher.fetch(url.replace("PORT", source.origin.split(":")[-1]), taken.append, timeout_s)

        fetch.source, fetch.taken = source, taken
        try:
            yield fetch
        finally:
            await fetcher.close()


def ok(body: bytes, *headers: str) -> bytes:
    head = "\r\n".join(("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers))
    return head.encode() + b"\r\n\r\n" + body


def redirect(to: str, status: int = 302) -> bytes:
    return f"HTTP/1.1 {status} Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


async def test_a_photo_is_fetched_and_its_bytes_are_counted():
    async with fetching({"/a.jpg": ok(b"photo")}) as fetch:
        assert await fetch("/a.jpg") == b"photo"
        assert sum(fetch.taken) == 5
        assert b"Accept-Encoding: identity" in fetch.source.heads[0]


async def test_nothing_of_the_environment_is_a_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with fetching({"/a.jpg": ok(b"photo")}) as fetch:
        assert await fetch("/a.jpg") == b"photo"


async def test_redirects_inside_the_sources_are_followed():
    async with fetching({"/a": redirect("/b", 301), "/b": redirect("ORIGIN/c", 307), "/c": ok(b"photo")}) as fetch:
        assert await fetch("/a") == b"photo"


async def test_a_redirect_out_of_the_sources_is_refused():
    answers = {"/in/a": redirect("/out/b"), "/out/b": ok(b"secret")}
    async with fetching(answers, rules="http://127.0.0.1:PORT/in/") as fetch:
        with pytest.raises(SourceNotAllowedError):
            await fetch("/in/a")
        assert len(fetch.source.heads) == 1


async def test_a_redirect_to_a_private_address_is_refused_although_every_host_is_allowed():
    async def public_name(host, port):
        return [ip_address("127.0.0.1" if host == "photos.example" else host)]

    async with fetching(
        {"/a": redirect("http://127.0.0.2:PORT/b"), "/b": ok(b"secret")},
        rules="http://*:PORT",
        networks=(ip_network("127.0.0.1/32"),),
        resolve=public_name,
    ) as fetch:
        fetch.source.answers["/a"] = redirect(f"http://127.0.0.2:{fetch.source.origin.split(':')[-1]}/b")
        with pytest.raises(SourceNotAllowedError, match="public"):
            await fetch("http://photos.example:PORT/a")


async def test_endless_redirects_end():
    async with fetching({"/a": redirect("/a")}) as fetch:
        with pytest.raises(SourceError, match="redirects more than 3"):
            await fetch("/a")
        assert len(fetch.source.heads) == 4


@pytest.mark.parametrize("to", ["", "file:///etc/passwd", "gopher://127.0.0.1/", "/%2e%2e/x"])
async def test_a_redirect_to_what_is_no_photo_url_is_refused(to):
    async with fetching({"/a": redirect(to)}) as fetch:
        with pytest.raises(SourceError, match="redirects"):
            await fetch("/a")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]"],
)
async def test_this_machine_is_reached_under_no_spelling(host):
    async with fetching({"/a": ok(b"secret")}, rules="http://*:PORT", networks=()) as fetch:
        with pytest.raises((SourceNotAllowedError, SourceError)):
            await fetch(f"http://{host}:PORT/a")
        assert not fetch.source.heads


async def test_a_name_that_changes_its_address_is_asked_once_and_what_was_checked_is_connected_to():
    answers = [[ip_address("127.0.0.1")], [ip_address("127.0.0.2")]]

    async def changing(host, port):
        return answers.pop(0)

    # Only the second answer, which is never asked for, would be allowed.
    async with fetching(
        {"/a": ok(b"secret")}, rules="http://*:PORT", networks=(ip_network("127.0.0.2/32"),), resolve=changing
    ) as fetch:
        with pytest.raises(SourceNotAllowedError):
            await fetch("http://changing.example:PORT/a")
        assert len(answers) == 1
        assert not fetch.source.heads


async def test_of_a_names_addresses_only_allowed_ones_are_tried():
    async def mixed(host, port):
        return [ip_address("169.254.169.254"), ip_address("127.0.0.1")]

    async with fetching({"/a": ok(b"photo")}, rules="http://*:PORT", resolve=mixed) as fetch:
        assert await fetch("http://mixed.example:PORT/a") == b"photo"


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"x" * 1001),
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"100\r\n" + b"x" * 256 + b"\r\n") * 5
        + b"0\r\n\r\n",
    ],
    ids=["sent", "stated", "chunked"],
)
async def test_a_photo_above_the_limit_is_refused_before_it_is_kept(answer):
    async with fetching({"/a": answer}) as fetch:
        with pytest.raises(PhotoTooLargeError):
            await fetch("/a")
        assert sum(fetch.taken) <= 1000


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", SourceMissingError),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", SourceMissingError),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", SourceError),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", SourceError),
        (b"HTTP/1.1 204 No Content\r\n\r\n", SourceError),
        (ok(b""), SourceError),
        (ok(b"bomb", "Content-Encoding: gzip"), SourceError),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", SourceError),
        (b"SSH-2.0-OpenSSH_9.9\r\n", SourceError),
        (b"", SourceError),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", SourceError),
    ],
    ids=["404", "410", "403", "500", "204", "empty", "packed", "cut short", "no http", "closed", "endless head"],
)
async def test_a_source_that_fails_is_told_apart_from_a_photo_that_is_not_there(answer, error):
    async with fetching({"/a": answer}) as fetch:
        with pytest.raises(error):
            await fetch("/a")


async def test_a_source_that_goes_silent_is_left_at_the_deadline():
    async with fetching({"/stay": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"}) as fetch:
        with pytest.raises(SourceError, match="deliver"):
            await fetch("/stay", timeout_s=0.2)


async def test_a_port_where_nobody_listens_is_a_failed_source():
    async with fetching({}, rules="http://127.0.0.1:9") as fetch:
        with pytest.raises(SourceError):
            await fetch("http://127.0.0.1:9/a")


async def test_a_name_that_does_not_exist_is_a_failed_source():
    async def unknown(host, port):
        raise OSError("Name or service not known")

    async with fetching({}, rules="http://*:PORT", resolve=unknown) as fetch:
        with pytest.raises(SourceError):
            await fetch("http://nowhere.example:PORT/a")
