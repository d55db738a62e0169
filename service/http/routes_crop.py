"""`POST /crop` and `POST /crop/batch`: photos in, crop boxes out."""

import asyncio
import logging

from fastapi import APIRouter, Request

from vrn_cropper.model.errors import PhotoTooLargeError
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.crop_service import CropResult, CropService, PhotoResult
from vrn_cropper.service.core.option_table import CROP_OPTIONS
from vrn_cropper.service.error_codes import OK, client_message, status_and_code
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.intake import Intake, Received, unless_disconnected
from vrn_cropper.service.http.request_record import RequestRecord, request_record
from vrn_cropper.service.metrics import Metrics

_log = logging.getLogger(__name__)


def crop_routes(intake: Intake, crops: CropService, metrics: Metrics, export: ExportInfo) -> APIRouter:
    """Both routes."""
    router = APIRouter(tags=["photos"])

    @router.post(
        "/crop", operation_id="crop", summary="Crop boxes of a photo", response_model=schemas.CropsAnswer,
        responses=openapi.PHOTO_ERRORS, openapi_extra=openapi.CROP,
    )  # fmt: skip
    async def crop(request: Request) -> schemas.CropsAnswer:
        """The best crops of a photo, sent as multipart field `image` or as the body itself."""
        record = request_record(request.scope)
        async with intake.one_photo(request, CROP_OPTIONS) as received:
            photo, options = received.photo, received.options.crop_options()
            async with received.accept() as permit:
                work = crops.crop(photo, options, permit, received.deadline_at, record.stages)
                result = await unless_disconnected(request, work)
            record.stages.begin("answer")
            note_result(metrics, record, result, len(photo))
        return schemas.crops_answer(result, export, record.request_id)

    @router.post(
        "/crop/batch", operation_id="crop_batch", summary="Crop boxes of several photos",
        response_model=schemas.BatchAnswer, responses=openapi.PHOTO_ERRORS,
        openapi_extra=openapi.batch_operation(intake.limits.max_files),
    )  # fmt: skip
    async def crop_batch(request: Request) -> schemas.BatchAnswer:
        """The best crops of several photos, sent as multipart fields `images`; the options hold for all.

        One entry a photo, in order: its result, or its own error. The status is 200 whenever the request
        itself could be read, even if every photo failed.
        """
        record = request_record(request.scope)
        async with intake.many_photos(request, CROP_OPTIONS) as received:
            options = received.options.crop_options()
            work = asyncio.gather(*(crop_one(photo, options, received, record) for photo in received.photos))
            record.stages.begin("photos")
            outcomes = await unless_disconnected(request, work)
        record.stages.begin("answer")
        _note_batch(record, received.photos, outcomes)
        return schemas.BatchAnswer(
            results=[_entry(index, outcome) for index, outcome in enumerate(outcomes)],
            model=schemas.model_answer(export),
            request_id=record.request_id,
        )

    async def crop_one(
        photo: bytes, options: CropOptions, received: Received, record: RequestRecord
    ) -> CropResult | Exception:
        """The photo's result, or its own error: one photo never fails another."""
        max_bytes = intake.limits.max_upload_bytes
        try:
            if len(photo) > max_bytes:
                raise PhotoTooLargeError(f"the photo is too large; send at most {max_bytes} bytes")
            async with received.accept() as permit:
                result = await crops.crop(photo, options, permit, received.deadline_at)
        except Exception as error:
            status, code = status_and_code(error)
            metrics.photo_ended(code)
            if status == 500:
                _log.exception("request %s failed on one photo", record.request_id)
            return error
        metrics.photo_ended(OK)
        metrics.photo_cropped(result, len(photo))
        return result

    return router


def note_result(metrics: Metrics, record: RequestRecord, result: PhotoResult, upload_bytes: int) -> None:
    """Count an answered photo, and put its facts into the request's record."""
    metrics.photo_cropped(result, upload_bytes)
    record.facts.update(
        width=result.width, height=result.height, format=result.source_format, bytes=upload_bytes,
        batch_size=result.batch_size,
    )  # fmt: skip


def _note_batch(record: RequestRecord, photos: list[bytes], outcomes: list[CropResult | Exception]) -> None:
    """Facts of all photos. A request none of whose photos was cropped counts as its worst failure, not as ok."""
    failures = [status_and_code(outcome) for outcome in outcomes if isinstance(outcome, Exception)]
    record.facts.update(photos=len(photos), failed_photos=len(failures), bytes=sum(map(len, photos)))
    if len(failures) == len(photos):
        record.outcome = max(failures)[1]


def _entry(index: int, outcome: CropResult | Exception) -> schemas.BatchEntry:
    if isinstance(outcome, Exception):
        status, code = status_and_code(outcome)
        error = schemas.EntryError(status=status, code=code, message=client_message(outcome))
        return schemas.BatchEntry(index=index, result=None, error=error)
    return schemas.BatchEntry(index=index, result=schemas.photo_answer(outcome), error=None)
