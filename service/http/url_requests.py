"""What a URL asks for: its signature, its preset, its options; and how caches may keep the answer.

Knows HTTP's query and headers; knows nothing of how a photo is fetched or cropped.
"""

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from vrn_cropper.service.core.option_table import Option
from vrn_cropper.service.core.picture_request import PictureFormat
from vrn_cropper.service.errors import BadRequestError
from vrn_cropper.service.http.given_options import GivenOptions
from vrn_cropper.service.sources.presets import Presets
from vrn_cropper.service.sources.signatures import SIGNATURE, UrlSignatures

PICTURE_PATH = "/crop/image"
# Smallest file first, of those that browsers name when they can show them.
_NEGOTIATED = (PictureFormat.AVIF, PictureFormat.WEBP)


@dataclass(frozen=True, slots=True)
class UrlRules:
    """What holds for every URL: `signatures` None takes unsigned ones. `model_version` is part of each ETag."""

    presets: Presets
    signatures: UrlSignatures | None
    model_version: str
    max_age_s: int
    wall_clock: Callable[[], float] = time.time

    def given(self, request: Request, known: Mapping[str, Option]) -> GivenOptions:
        """The options of a request, its preset's where its own say nothing.

        Raises BadSignatureError before anything else is looked at, and BadRequestError.
        """
        pairs = request.query_params.multi_items()
        if self.signatures is not None:
            self.signatures.check(request.url.path, pairs, self.wall_clock())
        query = {name: request.query_params.getlist(name) for name in request.query_params}
        preset = GivenOptions(known, query).one("preset")
        named = {} if preset is None else self.presets.options(preset)
        # A preset may hold options of both routes: each takes those that it knows.
        return GivenOptions(known, {**{name: list(v) for name, v in named.items() if name in known}, **query})

    def srcset(self, given: GivenOptions, aspect_ratio: str, rank: int, widths: list[int]) -> str:
        """The pictures of one crop in each width, as HTML's `srcset` takes them; signed where that is needed."""
        passed = ("url", "preset", "max_overlap", "min_scale", "faces", "expires")
        same = [(name, value) for name in passed for value in given.many(name)[:1]]
        same += [("keep", box) for box in given.many("keep")]
        entries = []
        for width in widths:
            pairs = [*same, ("aspect_ratio", aspect_ratio), ("rank", str(rank)), ("width", str(width))]
            if self.signatures is not None:
                pairs.append((SIGNATURE, self.signatures.sign(PICTURE_PATH, pairs)))
            entries.append(f"{PICTURE_PATH}?{urlencode(pairs)} {width}w")
        return ", ".join(entries)

    def etag(self, photo: bytes, given: GivenOptions, picture_format: PictureFormat | None) -> str:
        """Of the answer to these options: the same photo, options and model give the same bytes."""
        digest = hashlib.sha256(photo)
        digest.update(f"\0{self.model_version}\0{picture_format}\0{given.canonical()}".encode())
        return f'"{digest.hexdigest()[:32]}"'

    def cache_headers(self, etag: str, *, varies: bool) -> dict[str, str]:
        """For an answer that caches may keep; with `varies` another `Accept` gets another one."""
        headers = {"ETag": etag, "Cache-Control": f"public, max-age={self.max_age_s}"}
        return {**headers, "Vary": "Accept"} if varies else headers


def url_of(given: GivenOptions) -> str:
    """Where the photo is. Raises BadRequestError."""
    url = given.one("url")
    if not url:
        raise BadRequestError("say where the photo is: url=https%3A%2F%2F..., percent-encoded")
    return url


def is_unchanged(request: Request, etag: str) -> bool:
    """Whether the client, or a cache before it, holds this answer already."""
    held = request.headers.get("if-none-match", "")
    return held.strip() == "*" or etag in {entry.strip().removeprefix("W/") for entry in held.split(",")}


def negotiated_format(accept: str) -> PictureFormat | None:
    """The best format that an `Accept` header names itself, not by a wildcard; None where it names none."""
    named = dict(_ranges(accept))
    return next((form for form in _NEGOTIATED if named.get(form.media_type, 0.0) > 0), None)


def _ranges(accept: str) -> list[tuple[str, float]]:
    ranges = []
    for entry in accept.lower().split(","):
        media, *parameters = (part.strip() for part in entry.split(";"))
        weight = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        ranges.append((media, float(weight) if re.fullmatch(r"[01](\.[0-9]{0,3})?", weight) else 0.0))
    return ranges
