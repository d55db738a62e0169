"""The routes that tell the state of the process: alive, ready, version, metrics."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.batcher import Batcher
from vrn_cropper.service.engines.contract import Engine
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.admission import Admission
from vrn_cropper.service.http.state_answers import LiveAnswer, ReadyAnswer, VersionAnswer
from vrn_cropper.service.lifecycle import Lifecycle, State
from vrn_cropper.service.metrics import Metrics


def probe_routes(lifecycle: Lifecycle, batcher: Batcher[Any, Any], admission: Admission) -> APIRouter:
    """`/healthz` and `/readyz`."""
    router = APIRouter(tags=["state"])

    @router.get(
        "/healthz", operation_id="is_live", summary="Alive", response_model=LiveAnswer,
        responses=openapi.NOT_LIVE,
    )  # fmt: skip
    async def healthz() -> Response:
        """200 while the process lives: the event loop answers, and the batch loop has not died."""
        is_live = lifecycle.state is not State.FAILED and batcher.is_alive
        return JSONResponse({"live": is_live}, status_code=200 if is_live else 503)

    @router.get(
        "/readyz", operation_id="is_ready", summary="Ready", response_model=ReadyAnswer,
        responses=openapi.NOT_READY,
    )  # fmt: skip
    async def readyz() -> Response:
        """200 while new work is taken: warm, not draining, room in the queue."""
        is_overloaded = lifecycle.state is State.READY and admission.is_full
        state = "overloaded" if is_overloaded else lifecycle.state.value
        return JSONResponse({"ready": state == "ready", "state": state}, status_code=200 if state == "ready" else 503)

    return router


def version_routes(engine: Engine, export: ExportInfo, version: str) -> APIRouter:
    """`/version`."""
    router = APIRouter(tags=["state"])

    @router.get(
        "/version", operation_id="get_version", summary="Versions", response_model=VersionAnswer,
        responses=openapi.KEY_ERRORS,
    )  # fmt: skip
    async def get_version() -> VersionAnswer:
        """What runs: the service's version, the model and the engine."""
        return VersionAnswer(
            service=version, model=schemas.model_answer(export), device=engine.device, precision=engine.precision
        )

    return router


def metrics_routes(metrics: Metrics) -> APIRouter:
    """`/metrics`, where it has no port of its own."""
    router = APIRouter(tags=["state"])

    @router.get(
        "/metrics", operation_id="get_metrics", summary="Metrics", response_class=Response,
        responses=openapi.METRICS_ANSWERS,
    )  # fmt: skip
    async def get_metrics(request: Request) -> Response:
        """Prometheus text, or OpenMetrics with exemplars where `Accept` asks for it."""
        content, media_type = metrics.render(request.headers.get("accept", ""))
        return Response(content, headers={"Content-Type": media_type})

    return router
