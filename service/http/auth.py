"""API keys: which requests need one, and whether theirs is valid. Knows HTTP headers; knows nothing of photos.

An ASGI layer inside the envelope. A key travels as `X-API-Key: KEY` or `Authorization: Bearer KEY`; of both,
`X-API-Key` counts. Keys are kept and compared as digests, in constant time, and are never logged.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from vrn_cropper.service.errors import StartUpError, UnauthorizedError
from vrn_cropper.service.key_text import key_text

# Probes carry no key, and a page has to load before its user can type one. Everything else needs a key, also
# routes that are added later.
OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/docs", "/openapi.json", "/favicon.ico"})
_OPEN_PREFIX = "/static/"
_OPEN_METHODS = frozenset({"GET", "HEAD"})
# Printable, no comma and no space: what survives a header and the list in the setting.
_KEY = re.compile(r"[!-+\--~]{16,256}")


class ApiKeys:
    """The valid keys. Several at once let clients move to a new key before the old one is taken away."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    @classmethod
    def of(cls, text: str | None, path: Path | None) -> "ApiKeys | None":
        """The keys in `text`, or in the file at `path`; None where neither is given.

        Raises StartUpError if both are, or the file cannot be read or holds no key: a secret that was mounted wrongly
        must not open the service to everyone.
        """
        keys = key_text(text, path, "VRN_API_KEYS")
        return None if keys is None else cls.parse(keys, source="VRN_API_KEYS_FILE" if path else "VRN_API_KEYS")

    @classmethod
    def parse(cls, text: str, source: str = "VRN_API_KEYS") -> "ApiKeys":
        """Keys, separated by commas or line ends. Raises StartUpError: it names `source` and never repeats a key."""
        keys = [key.strip() for key in re.split("[,\n]", text) if key.strip()]
        for position, key in enumerate(keys, 1):
            if not _KEY.fullmatch(key):
                raise StartUpError(
                    f"{source}: key {position} of {len(keys)} is not 16 to 256 printable ASCII characters"
                    " without spaces; make one with: openssl rand -hex 24"
                )
        if not keys:
            raise StartUpError(f"{source} holds no key; leave the variable empty to serve without keys")
        return cls(keys)

    def accept(self, key: str) -> bool:
        """Whether `key` is one of them. The time taken tells neither which nor how much of it is right."""
        digest = _digest(key)
        # A list, not a generator: every key is compared, whichever matches.
        return any([hmac.compare_digest(digest, known) for known in self._digests])


class RequireKey:
    """Wraps `app`: raises UnauthorizedError unless the request is open to all or carries a valid key."""

    def __init__(self, app: ASGIApp, keys: ApiKeys, open_paths: frozenset[str] = frozenset()) -> None:
        """`open_paths` are read without a key, too: what is there has a check of its own, such as a signature."""
        self._app = app
        self._keys = keys
        self._open_paths = OPEN_PATHS | open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_open(scope["method"], scope["path"]):
            self._check(Headers(scope=scope))
        await self._app(scope, receive, send)

    def _is_open(self, method: str, path: str) -> bool:
        return method in _OPEN_METHODS and (path in self._open_paths or path.startswith(_OPEN_PREFIX))

    def _check(self, headers: Headers) -> None:
        key = _key_in(headers)
        if key is None:
            raise UnauthorizedError("this service needs an API key: send it as X-API-Key or Authorization: Bearer")
        if not self._keys.accept(key):
            raise UnauthorizedError("the API key is not valid; ask the operator of this service for one")


def _key_in(headers: Headers) -> str | None:
    """The key that a request carries; the balancer's rate limit reads headers in the same order."""
    if "x-api-key" in headers:
        return headers["x-api-key"]
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
