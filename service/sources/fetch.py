"""Fetches a photo by its URL, within bounds of bytes, time and redirects. Reads no proxy from the environment."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin

import httpcore

from vrn_cropper.model.errors import PhotoTooLargeError
from vrn_cropper.service.errors import (
    BadRequestError,
    SourceError,
    SourceMissingError,
    SourceNotAllowedError,
)
from vrn_cropper.service.sources.rules import SourceRules, SourceUrl

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_CONNECTIONS = 64
# A body that is as large as the headers say or chunked, and not packed: a packed one is a bomb that unpacks itself.
_HEADERS = [(b"Accept", b"image/*"), (b"Accept-Encoding", b"identity"), (b"User-Agent", b"vrn-cropper")]


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bytes of a photo, seconds of the whole fetch, redirects on the way."""

    max_bytes: int
    max_wait_s: float
    max_redirects: int = 3


class Fetcher:
    """Fetches from what `rules` allow, through connections of `backend`. For one event loop; `close` at its end."""

    def __init__(
        self,
        rules: SourceRules,
        limits: FetchLimits,
        backend: httpcore.AsyncNetworkBackend,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._rules = rules
        self._limits = limits
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            max_connections=_MAX_CONNECTIONS,
            max_keepalive_connections=8,
            keepalive_expiry=15.0,
            network_backend=backend,
        )

    async def close(self) -> None:
        """Close what is kept open."""
        await self._pool.aclose()

    async def fetch(self, url: str, take_bytes: Callable[[int], None], timeout_s: float) -> bytes:
        """The body at `url`, after at most so many redirects, each checked like the first.

        `take_bytes(size)` is called before so many bytes are kept and may refuse them by raising. Raises
        BadRequestError, SourceNotAllowedError, SourceMissingError, SourceError or PhotoTooLargeError.
        """
        wait_s = max(0.0, min(timeout_s, self._limits.max_wait_s))
        try:
            async with asyncio.timeout(wait_s):
                return await self._follow(SourceUrl.parse(url), take_bytes, wait_s)
        except TimeoutError:
            raise SourceError(f"the source did not deliver the photo within {wait_s:.1f} s") from None
        except httpcore.TimeoutException:
            raise SourceError("the source does not answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise SourceError(f"the source cannot be reached: {type(error).__name__}") from None

    async def _follow(self, url: SourceUrl, take_bytes: Callable[[int], None], wait_s: float) -> bytes:
        for _ in range(self._limits.max_redirects + 1):
            self._rules.check(url)
            timeouts = dict.fromkeys(("connect", "read", "write", "pool"), wait_s)
            async with self._pool.stream(
                "GET", str(url), headers=_HEADERS, extensions={"timeout": timeouts}
            ) as response:
                if response.status not in _REDIRECTS:
                    return await self._read(response, take_bytes)
                url = _redirected(url, _header(response, b"location"))
        raise SourceError(f"the source redirects more than {self._limits.max_redirects} times")

    async def _read(self, response: httpcore.Response, take_bytes: Callable[[int], None]) -> bytes:
        if response.status in (404, 410):
            raise SourceMissingError(f"the source has no such photo ({response.status})")
        if response.status != 200:
            raise SourceError(f"the source answered {response.status}")
        if _header(response, b"content-encoding") not in ("", "identity"):
            raise SourceError("the source packed the photo although it was asked not to")
        limit = self._limits.max_bytes
        stated = _header(response, b"content-length")
        if stated.isdigit() and int(stated) > limit:
            raise PhotoTooLargeError(f"the photo at the source is too large; at most {limit} bytes are fetched")
        chunks, size = [], 0
        async for chunk in response.aiter_stream():
            size += len(chunk)
            if size > limit:
                raise PhotoTooLargeError(f"the photo at the source is too large; at most {limit} bytes are fetched")
            take_bytes(len(chunk))
            chunks.append(chunk)
        if size == 0:
            raise SourceError("the source answered without a body")
        return b"".join(chunks)


def _redirected(url: SourceUrl, location: str) -> SourceUrl:
    """Where a redirect of `url` leads. Raises SourceError or SourceNotAllowedError."""
    if not location:
        raise SourceError("the source redirects without saying where to")
    try:
        target = SourceUrl.parse(urljoin(str(url), location).partition("#")[0])
    except (BadRequestError, ValueError):
        raise SourceError("the source redirects to something that is no URL") from None
    if url.scheme == "https" and target.scheme == "http":
        raise SourceNotAllowedError("the source redirects from https to http")
    return target


def _header(response: httpcore.Response, name: bytes) -> str:
    value = next((value for key, value in response.headers if key.lower() == name), b"")
    return value.decode("latin-1").strip()
