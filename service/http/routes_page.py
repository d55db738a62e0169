"""The web page at `/` and its files at `/static/`. Knows HTTP; knows nothing of photos: the page is a client of
the other routes like any other.
"""

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from vrn_cropper.service.http.page_files import PageFile, PageFiles

# Nothing from elsewhere, nothing inline. `blob:` is the browser's own name for a photo that was chosen on the page.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Asked for each time, answered 304 while it is the same: a new version shows at once.
    "Cache-Control": "no-cache",
}


def page_routes(files: PageFiles, frames: str) -> APIRouter:
    """Both routes; `frames` is the directive that says who may show the page in a frame."""
    router = APIRouter()
    policy = f"{CONTENT_SECURITY_POLICY}; {frames}"

    @router.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(request: Request) -> Response:
        """The page."""
        return _answer(request, files.index, policy)

    @router.api_route("/static/{name:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def static(request: Request, name: str) -> Response:
        """One file of the page; only names that the package holds."""
        file = files.static.get(name)
        if file is None:
            raise HTTPException(404)
        return _answer(request, file, policy)

    return router


def _answer(request: Request, file: PageFile, policy: str) -> Response:
    headers = {**_HEADERS, "Content-Security-Policy": policy, "ETag": file.etag}
    if file.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
