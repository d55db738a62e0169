"""Which web sites may call the service from a browser (CORS), and which may show its page in a frame.

Knows headers and settings' text; knows nothing of routes.
"""

import re

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from vrn_cropper.service.errors import StartUpError

ANY = "*"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
# What a script may read of an answer from another origin, besides the few that browsers always show.
EXPOSED_HEADERS = (
    "X-Request-ID", "X-Model-Version", "Server-Timing", "Retry-After", "Content-Disposition", "ETag",
    "X-Crop-Box", "X-Crop-Score", "X-Image-Size", "X-Whole-Image-Score",
)  # fmt: skip
_SENT_HEADERS = ("Content-Type", "X-API-Key", "Authorization", "X-Request-ID", "X-Request-Timeout-Ms", "traceparent")
_PREFLIGHT_MAX_AGE_S = 3600


def read_origins(variable: str, text: str | None, *, takes_self: bool = False) -> tuple[str, ...]:
    """Origins such as `https://example.com`, apart by commas or spaces; `*` is any, none is nobody.

    With `takes_self`, `self` is the service's own origin. Raises StartUpError, which names `variable`.
    """
    origins = tuple(part.lower() for part in re.split(r"[,\s]+", text or "") if part)
    for origin in origins:
        if origin == ANY or (takes_self and origin == "self") or _ORIGIN.fullmatch(origin):
            continue
        raise StartUpError(
            f"{variable}: {origin[:80]!r} is no origin; give scheme://host or scheme://host:port without a path, such"
            f" as https://example.com, several apart by commas, or {ANY} for any"
        )
    return origins


def share_with(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """`app`, whose answers scripts of `origins` may read; without any it stays as it is.

    Outermost, so that errors of every layer can be read too. Cookies are never asked for: a key is a header.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=["GET", "HEAD", "POST"],
        allow_headers=_SENT_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        max_age=_PREFLIGHT_MAX_AGE_S,
    )


def frame_ancestors(origins: tuple[str, ...]) -> str:
    """The directive of a Content-Security-Policy that lets only `origins` show the page in a frame."""
    sources = ["'self'" if origin == "self" else origin for origin in origins] or ["'none'"]
    return f"frame-ancestors {' '.join(sources)}"
