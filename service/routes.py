"""The HTTP routes: what is read from a request, what is answered. Everything else is handed in ready."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST

from model.exported import ExportInfo
from service import schemas
from service.admission import Admission
from service.batcher import Batcher
from service.cropping import CropResult, CropService
from service.engine import Engine
from service.envelope import request_record
from service.errors import BadRequestError, DeadlineError, DisconnectedError
from service.lifecycle import Lifecycle, State
from service.metrics import Metrics
from service.options import CropOptions
from service.upload import Upload, read_upload

R = TypeVar("R")
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.ErrorAnswer, "description": text}
    for status, text in {
        400: "A parameter or the body cannot be understood.",
        413: "Too many bytes, pixels, or too long a side.",
        415: "Not a photo in a supported format.",
        422: "The photo is damaged, or no crop of it can fulfil the request.",
        429: "The service is full; come back after `Retry-After` seconds.",
        500: "The engine failed.",
        503: "Warming up or shutting down; come back after `Retry-After` seconds.",
        504: "The request's deadline passed.",
    }.items()
}


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """What routes check before they hand work on."""

    max_upload_bytes: int
    request_timeout_s: float


@dataclass(frozen=True, slots=True)
class Serving:
    """The ready objects that routes talk to."""

    crops: CropService
    admission: Admission
    batcher: Batcher[Any, Any]
    engine: Engine
    export: ExportInfo
    lifecycle: Lifecycle
    metrics: Metrics
    limits: RouteLimits
    version: str
    serves_metrics: bool
    clock: Callable[[], float] = time.monotonic


def build_router(serving: Serving) -> APIRouter:
    """All routes of the service."""
    router = APIRouter()
    _add_crop_routes(router, serving)
    _add_state_routes(router, serving)
    return router


def _add_crop_routes(router: APIRouter, serving: Serving) -> None:
    @router.post("/crop", response_model=schemas.CropsAnswer, responses=_ERRORS, openapi_extra=_CROP_BODY)
    async def crop(request: Request) -> schemas.CropsAnswer:
        """The best crops of a photo, sent as multipart field `image` or as the body itself."""
        result = await _crop_upload(request, serving)
        return schemas.crops_answer(result, serving.export, request_record(request.scope).request_id)


async def _crop_upload(request: Request, serving: Serving) -> CropResult:
    """Read one photo and its options from the request, and crop it inside the request's deadline."""
    record = request_record(request.scope)
    deadline_s = record.started_s + _timeout_s(request, serving.limits.request_timeout_s)
    serving.lifecycle.check_takes_work()
    serving.admission.check_room()  # before the body is read: a refusal must be cheap
    with serving.admission.hold_bytes() as hold:
        try:
            async with asyncio.timeout(max(0.0, deadline_s - serving.clock())):
                upload = await read_upload(request, hold, max_bytes=serving.limits.max_upload_bytes)
        except TimeoutError:
            raise DeadlineError("the deadline passed while the upload was read") from None
        photo, options = _only_photo(upload), _options(request, upload)
        del upload
        with serving.admission.accept():
            result = await _unless_disconnected(request, serving.crops.crop(photo, options, deadline_s))
        serving.metrics.photo_cropped(result, len(photo))
    timings = result.timings
    record.seconds.update(decode=timings.decode_s, queue=timings.queue_s, inference=timings.inference_s)
    record.facts.update(
        width=result.width, height=result.height, format=result.source_format, bytes=len(photo),
        batch_size=result.batch_size,
    )  # fmt: skip
    return result


async def _unless_disconnected(request: Request, work: Awaitable[R]) -> R:
    """The result of `work`, which is cancelled when the client leaves. Raises DisconnectedError then."""

    async def client_leaves() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working = asyncio.ensure_future(work)
    leaving = asyncio.create_task(client_leaves())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise DisconnectedError("the client left before its answer was ready")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def _timeout_s(request: Request, cap_s: float) -> float:
    text = request.headers.get("x-request-timeout-ms")
    if text is None:
        return cap_s
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise BadRequestError("X-Request-Timeout-Ms is a whole number of milliseconds, at least 1")
    return min(cap_s, int(text) / 1000)


def _only_photo(upload: Upload) -> bytes:
    photos = [photo for name, photo in upload.files if name == "image"]
    if len(photos) != 1:
        raise BadRequestError("send exactly one photo, as multipart field 'image' or as the body")
    return photos[0]


def _options(request: Request, upload: Upload) -> CropOptions:
    """Options from the query and, beside a multipart photo, from form fields."""

    def values(name: str) -> list[str]:
        return [*request.query_params.getlist(name), *upload.fields.get(name, [])]

    top_k = values("top_k")
    if len(top_k) > 1:
        raise BadRequestError("give top_k once")
    return CropOptions.parse(top_k[0] if top_k else None, values("aspect_ratio"))


def _add_state_routes(router: APIRouter, serving: Serving) -> None:
    @router.get("/healthz")
    async def healthz() -> Response:
        """200 while the process lives: the event loop answers, and the batch loop has not died."""
        is_live = serving.lifecycle.state is not State.FAILED and serving.batcher.is_alive
        return JSONResponse({"live": is_live}, status_code=200 if is_live else 503)

    @router.get("/readyz")
    async def readyz() -> Response:
        """200 while new work is taken: warm, not draining, room in the queue."""
        state = "overloaded" if is_overloaded() else serving.lifecycle.state.value
        return JSONResponse({"ready": state == "ready", "state": state}, status_code=200 if state == "ready" else 503)

    @router.get("/version", response_model=schemas.VersionAnswer)
    async def version() -> schemas.VersionAnswer:
        """What runs: the service's version, the model and the engine."""
        export, engine = serving.export, serving.engine
        model = schemas.ModelAnswer(name=export.name, version=export.version)
        return schemas.VersionAnswer(
            service=serving.version, model=model, device=engine.device, precision=engine.precision
        )

    def is_overloaded() -> bool:
        return serving.lifecycle.state is State.READY and serving.admission.is_full

    if serving.serves_metrics:

        @router.get("/metrics")
        async def metrics() -> Response:
            """Prometheus text."""
            return Response(serving.metrics.render(), media_type=CONTENT_TYPE_LATEST)


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_CROP_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {"image": {"type": "string", "format": "binary"}},
                }
            },
            "image/*": _BINARY,
            "application/octet-stream": _BINARY,
        },
    },
    "parameters": [
        {
            "name": "top_k", "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 5},
        },
        {
            "name": "aspect_ratio", "in": "query", "explode": True,
            "schema": {"type": "array", "items": {"type": "string"}, "default": ["free"]},
        },
        {"name": "X-Request-Timeout-Ms", "in": "header", "schema": {"type": "integer", "minimum": 1}},
    ],
}  # fmt: skip
