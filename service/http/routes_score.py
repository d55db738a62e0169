"""`POST /score`: a photo and a caller's own boxes in, their scores out."""

from fastapi import APIRouter, Request

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.crop_service import CropService
from vrn_cropper.service.core.option_table import SCORE_OPTIONS
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.intake import Intake, unless_disconnected
from vrn_cropper.service.http.request_record import request_record
from vrn_cropper.service.http.routes_crop import note_result
from vrn_cropper.service.metrics import Metrics


def score_routes(intake: Intake, crops: CropService, metrics: Metrics, export: ExportInfo) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["photos"])

    @router.post(
        "/score", operation_id="score", summary="Scores of your own boxes", response_model=schemas.ScoresAnswer,
        responses=openapi.PHOTO_ERRORS, openapi_extra=openapi.SCORE,
    )  # fmt: skip
    async def score(request: Request) -> schemas.ScoresAnswer:
        """The scores of boxes of any place and size in a photo, in the order sent, from one pass.

        They compare with those of `POST /crop` for the same photo and `aspect_ratio`.
        """
        record = request_record(request.scope)
        async with intake.one_photo(request, SCORE_OPTIONS) as received:
            photo, options = received.photo, received.options.box_options()
            async with received.accept() as permit:
                work = crops.score(photo, options, permit, received.deadline_at, record.stages)
                result = await unless_disconnected(request, work)
            record.stages.begin("answer")
            note_result(metrics, record, result, len(photo))
        return schemas.scores_answer(result, export, record.request_id)

    return router
