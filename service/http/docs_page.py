"""`/docs`: Swagger UI from the package's own files, with nothing inline but the one script that it is started by; and
the document that it shows.
"""

import base64
import functools
import hashlib
import json
import re

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

STATIC_URL = "/static/docs"
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def add_docs_page(app: FastAPI) -> None:
    """Both routes; `fastapi-offline` serves the files that the page loads at `STATIC_URL`."""

    # FastAPI's own route writes the document anew for each request.
    app.router.routes[:] = [route for route in app.routes if getattr(route, "path", "") != app.openapi_url]

    @functools.cache
    def document() -> bytes:
        return json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode()

    @app.get(app.openapi_url or "", include_in_schema=False)
    async def openapi() -> Response:
        """The document for programs."""
        return Response(document(), media_type="application/json")

    page = get_swagger_ui_html(
        openapi_url=app.openapi_url or "",
        title=f"{app.title} - API",
        swagger_js_url=f"{STATIC_URL}/swagger-ui-bundle.js",
        swagger_css_url=f"{STATIC_URL}/swagger-ui.css",
        swagger_favicon_url="/static/icon.svg",
    )
    content = bytes(page.body)
    policy = _content_security_policy(content)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        """The API's document to read and to try."""
        return HTMLResponse(content, headers={"Content-Security-Policy": policy})


def _content_security_policy(page: bytes) -> str:
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
        for script in _INLINE_SCRIPT.findall(page)
    ]
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' {' '.join(hashes)}",
            "style-src 'self' 'unsafe-inline'",  # Swagger UI sets styles on its elements
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
