"""Signed URLs: who holds a key makes the URLs that this service answers, and nobody can change them.

`signature` is the HMAC-SHA256, as unpadded URL-safe base64, over the path, a `?`, and all other parameters sorted and
percent-encoded. An `expires` parameter, seconds since 1970, is part of what is signed.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from vrn_cropper.service.errors import BadSignatureError, StartUpError

SIGNATURE, EXPIRES = "signature", "expires"
_MIN_KEY_LENGTH = 16
Pairs = Sequence[tuple[str, str]]


class UrlSignatures:
    """Signs with the first key and accepts those of all: a new key is put in front, an old one taken away later."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = [key.encode() for key in keys]

    @classmethod
    def parse(cls, text: str) -> "UrlSignatures | None":
        """Keys; None where there is none. Raises StartUpError, which never repeats a key."""
        keys = [key.strip() for key in re.split("[,\n]", text) if key.strip()]
        for position, key in enumerate(keys, 1):
            if len(key) < _MIN_KEY_LENGTH:
                raise StartUpError(
                    f"VRN_URL_KEYS: key {position} of {len(keys)} is shorter than {_MIN_KEY_LENGTH} characters;"
                    " make one with: openssl rand -hex 32"
                )
        return cls(keys) if keys else None

    def sign(self, path: str, pairs: Pairs) -> str:
        """The signature of a path and its parameters."""
        return _signature(self._keys[0], path, pairs)

    def check(self, path: str, pairs: Pairs, now_s: float) -> None:
        """Raises BadSignatureError unless `pairs` carry one valid signature and have not expired.

        `now_s` is the time of the wall clock, seconds since 1970.
        """
        given = [value for name, value in pairs if name == SIGNATURE]
        if len(given) != 1:
            raise BadSignatureError("this service answers signed URLs only: sign the URL and add signature=...")
        expected = [_signature(key, path, pairs).encode() for key in self._keys]
        # A list, not a generator: every key is compared, whichever matches.
        if not any([hmac.compare_digest(given[0].encode(), each) for each in expected]):
            raise BadSignatureError("the signature does not belong to this URL")
        for value in (value for name, value in pairs if name == EXPIRES):
            if not re.fullmatch(r"[0-9]{1,12}", value, re.ASCII) or int(value) < now_s:
                raise BadSignatureError("this signed URL has expired")


def _signature(key: bytes, path: str, pairs: Pairs) -> str:
    signed = sorted((name, value) for name, value in pairs if name != SIGNATURE)
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in signed)
    digest = hmac.digest(key, f"{path}?{query}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
