"""`POST /score`: a photo and a caller's own boxes in, their scores out."""

from fastapi import APIRouter, Request

from vrn_cropper.service import answers as schemas
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.intake import take_in, unless_disconnected
from vrn_cropper.service.http.request_record import request_record
from vrn_cropper.service.http.routes_crop import note_result
from vrn_cropper.service.http.serving import Serving


def add_score_route(router: APIRouter, serving: Serving) -> None:
    """The route."""

    @router.post(
        "/score", response_model=schemas.ScoresAnswer, responses=openapi.ERRORS, openapi_extra=openapi.SCORE,
        summary="Scores of your own boxes",
    )  # fmt: skip
    async def score(request: Request) -> schemas.ScoresAnswer:
        """The scores of boxes of any place and size in a photo, in the order sent, from one pass.

        They compare with those of `POST /crop` for the same photo and `aspect_ratio`.
        """
        record = request_record(request.scope)
        async with take_in(request, serving, max_bytes=serving.limits.max_upload_bytes) as intake:
            photo, options = intake.only_photo(), intake.options.box_options()
            async with serving.admission.accept() as permit:
                work = serving.crops.score(photo, options, permit, intake.deadline_at, record.stages)
                result = await unless_disconnected(request, work)
            record.stages.begin("answer")
            note_result(serving, record, result, len(photo))
        return schemas.scores_answer(result, serving.export, record.request_id)
