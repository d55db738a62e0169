"""The HTTP routes: what is read from a request, what is answered. Everything else is handed in ready.

The routes that crop are in `routes_crop` and `routes_image`, the web page in `routes_page`; here are those that
tell the state.
"""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from vrn_cropper.service import answers as schemas
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.routes_crop import add_crop_routes
from vrn_cropper.service.http.routes_image import add_image_route
from vrn_cropper.service.http.routes_page import add_page_routes
from vrn_cropper.service.http.routes_score import add_score_route
from vrn_cropper.service.http.serving import Serving
from vrn_cropper.service.lifecycle import State


def build_router(serving: Serving) -> APIRouter:
    """All routes of the service."""
    router = APIRouter()
    add_crop_routes(router, serving)
    add_image_route(router, serving)
    add_score_route(router, serving)
    _add_state_routes(router, serving)
    add_page_routes(router, serving.page)
    return router


def _add_state_routes(router: APIRouter, serving: Serving) -> None:
    @router.get("/healthz", response_model=schemas.LiveAnswer, responses=openapi.NOT_LIVE)
    async def healthz() -> Response:
        """200 while the process lives: the event loop answers, and the batch loop has not died."""
        is_live = serving.lifecycle.state is not State.FAILED and serving.batcher.is_alive
        return JSONResponse({"live": is_live}, status_code=200 if is_live else 503)

    @router.get("/readyz", response_model=schemas.ReadyAnswer, responses=openapi.NOT_READY)
    async def readyz() -> Response:
        """200 while new work is taken: warm, not draining, room in the queue."""
        state = "overloaded" if is_overloaded() else serving.lifecycle.state.value
        return JSONResponse({"ready": state == "ready", "state": state}, status_code=200 if state == "ready" else 503)

    @router.get("/version", response_model=schemas.VersionAnswer, responses=openapi.KEY_ANSWERS)
    async def version() -> schemas.VersionAnswer:
        """What runs: the service's version, the model and the engine."""
        model, engine = schemas.model_answer(serving.export), serving.engine
        return schemas.VersionAnswer(
            service=serving.version, model=model, device=engine.device, precision=engine.precision
        )

    def is_overloaded() -> bool:
        return serving.lifecycle.state is State.READY and serving.admission.is_full

    if serving.serves_metrics:

        @router.get("/metrics", response_class=Response, responses=openapi.METRICS_ANSWERS)
        async def metrics(request: Request) -> Response:
            """Prometheus text, or OpenMetrics with exemplars where `Accept` asks for it."""
            content, media_type = serving.metrics.render(request.headers.get("accept", ""))
            return Response(content, headers={"Content-Type": media_type})
