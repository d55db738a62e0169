"""The ASGI application from ready objects: routes, error answers, envelope. Builds nothing else."""

from fastapi import Request
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from vrn_cropper.model.errors import VrnError
from vrn_cropper.service.error_codes import NOT_FOUND
from vrn_cropper.service.http.auth import ApiKeys, RequireKey
from vrn_cropper.service.http.docs_page import STATIC_URL, add_docs_page
from vrn_cropper.service.http.envelope import Envelope
from vrn_cropper.service.http.error_answers import error_answer, error_body
from vrn_cropper.service.http.request_record import OnRequest, request_record
from vrn_cropper.service.http.routes_state import build_router
from vrn_cropper.service.http.serving import Serving

_HTTP_CODES = {404: NOT_FOUND, 405: "bad_request"}


def build_app(serving: Serving, on_request: OnRequest | None = None, api_keys: ApiKeys | None = None) -> ASGIApp:
    """The application. `on_request` is told of every request after its answer; without `api_keys` all are served."""
    # Scripts of `/docs` from here: FastAPI's own page fetches them from elsewhere, and is empty offline.
    app = FastAPIOffline(
        docs_url=None,
        title="VRN cropper",
        version=serving.version,
        description=_DESCRIPTION,
        redoc_url=None,
        static_url=STATIC_URL,
        redirect_slashes=False,  # a redirect goes to whatever the Host header says
    )
    add_docs_page(app)
    app.include_router(build_router(serving))

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
        record.outcome = _HTTP_CODES.get(error.status_code, "bad_request")
        body = error_body(record.outcome, str(error.detail), record.request_id)
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

    return Envelope(
        RequireKey(app, api_keys) if api_keys else app,
        metrics=serving.metrics,
        lifecycle=serving.lifecycle,
        model_version=serving.export.version,
        on_request=on_request,
        clock=serving.clock,
    )


_DESCRIPTION = (
    "Crops photos by the View Ranking Network. Boxes are in pixels of the upright photo (EXIF orientation"
    ' applied); every error has the body `{"error": {"code", "message", "request_id"}}`.'
)
