"""The ASGI application from ready objects: routes, error answers, keys, envelope. Builds nothing else."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request, Security
from fastapi.responses import JSONResponse
from fastapi.security import APIKeyHeader, HTTPBearer
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from vrn_cropper.model.errors import VrnError
from vrn_cropper.service.error_codes import ErrorCode
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.auth import OPEN_PATHS, ApiKeys, RequireKey
from vrn_cropper.service.http.docs_page import STATIC_URL, add_docs_page
from vrn_cropper.service.http.error_answers import error_answer, error_body
from vrn_cropper.service.http.known_routes import KnownRoutes
from vrn_cropper.service.http.request_record import request_record

_HTTP_CODES = {404: ErrorCode.NOT_FOUND, 405: ErrorCode.METHOD_NOT_ALLOWED}

# What the document says of keys, so that `/docs` and generated clients ask for one; `RequireKey` is what checks them.
_TOLD_KEYS = (
    Security(APIKeyHeader(name="X-API-Key", scheme_name="ApiKey", auto_error=False)),
    Security(HTTPBearer(scheme_name="Bearer", auto_error=False)),
)


def build_app(
    routers: Sequence[APIRouter],
    envelope: Callable[[ASGIApp], ASGIApp],
    version: str,
    api_keys: ApiKeys | None = None,
    signed_paths: frozenset[str] = frozenset(),
) -> ASGIApp:
    """The application of these routes; without `api_keys` all requests are served.

    What is at `signed_paths` checks a signature of its own, and asks for no key.
    """
    # Scripts of `/docs` from here: FastAPI's own page fetches them from elsewhere, and is empty offline.
    app = FastAPIOffline(
        docs_url=None,
        title="VRN cropper",
        version=version,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        redoc_url=None,
        static_url=STATIC_URL,
        redirect_slashes=False,  # a redirect goes to whatever the Host header says
    )
    add_docs_page(app)
    for router in routers:
        needs_key = api_keys is not None and not all(
            getattr(route, "path", "") in OPEN_PATHS for route in router.routes
        )
        app.include_router(router, dependencies=_TOLD_KEYS if needs_key else ())
    known = KnownRoutes([*(route for router in routers for route in router.routes), *app.routes])

    @app.exception_handler(VrnError)
    async def answer_known(request: Request, error: VrnError) -> JSONResponse:
        record = request_record(request.scope)
        record.failed_with(error)
        return error_answer(error, record.request_id)

    @app.exception_handler(Exception)
    async def answer_unexpected(request: Request, error: Exception) -> JSONResponse:
        # Raised again after this answer: the envelope logs it with the request's id and counts it.
        return error_answer(error, request_record(request.scope).request_id)

    @app.exception_handler(HTTPException)
    async def answer_http(request: Request, error: HTTPException) -> JSONResponse:
        record = request_record(request.scope)
        record.outcome = _HTTP_CODES.get(error.status_code, ErrorCode.BAD_REQUEST)
        headers, message = dict(error.headers or {}), str(error.detail)
        if error.status_code == 404:
            message = known.missing(request.url.path)
        elif error.status_code == 405:
            headers["Allow"] = ", ".join(known.allowed(request.scope))
            message = known.wrong_method(request.scope)
        body = error_body(record.outcome, message, record.request_id)
        return JSONResponse(body, status_code=error.status_code, headers=headers)

    return envelope(RequireKey(app, api_keys, signed_paths) if api_keys else app)
