"""`POST /crop` and `POST /crop/batch`: photos in, crop boxes out."""

import asyncio
import logging

from fastapi import APIRouter, Request

from vrn_cropper.model.errors import PhotoTooLargeError
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.crop_service import CropResult, PhotoResult
from vrn_cropper.service.error_codes import OK, client_message, status_and_code
from vrn_cropper.service.errors import BadRequestError
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.intake import Intake, take_in, unless_disconnected
from vrn_cropper.service.http.request_record import RequestRecord, request_record
from vrn_cropper.service.http.serving import Serving

_log = logging.getLogger(__name__)


def add_crop_routes(router: APIRouter, serving: Serving) -> None:
    """Both routes."""

    @router.post(
        "/crop", response_model=schemas.CropsAnswer, responses=openapi.ERRORS, openapi_extra=openapi.CROP,
        summary="Crop boxes of a photo",
    )  # fmt: skip
    async def crop(request: Request) -> schemas.CropsAnswer:
        """The best crops of a photo, sent as multipart field `image` or as the body itself."""
        record = request_record(request.scope)
        async with take_in(request, serving, max_bytes=serving.limits.max_upload_bytes) as intake:
            photo, options = intake.only_photo(), intake.options.crop_options()
            async with serving.admission.accept() as permit:
                work = serving.crops.crop(photo, options, permit, intake.deadline_at, record.stages)
                result = await unless_disconnected(request, work)
            record.stages.begin("answer")
            note_result(serving, record, result, len(photo))
        return schemas.crops_answer(result, serving.export, record.request_id)

    @router.post(
        "/crop/batch", response_model=schemas.BatchAnswer, responses=openapi.ERRORS,
        openapi_extra=openapi.batch_operation(serving.limits.max_files), summary="Crop boxes of several photos",
    )  # fmt: skip
    async def crop_batch(request: Request) -> schemas.BatchAnswer:
        """The best crops of several photos, sent as multipart fields `images`; the options hold for all.

        One entry a photo, in order: its result, or its own error. The status is 200 whenever the request
        itself could be read, even if every photo failed.
        """
        record = request_record(request.scope)
        limits = serving.limits
        async with take_in(request, serving, max_bytes=limits.max_files_bytes, max_files=limits.max_files) as intake:
            photos, options = _photos(intake), intake.options.crop_options()
            work = asyncio.gather(
                *(_crop_one(serving, photo, options, intake.deadline_at, record) for photo in photos)
            )
            record.stages.begin("photos")
            outcomes = await unless_disconnected(request, work)
        record.stages.begin("answer")
        _note_batch(record, photos, outcomes)
        return schemas.BatchAnswer(
            results=[_entry(index, outcome, serving, record.request_id) for index, outcome in enumerate(outcomes)],
            model=schemas.model_answer(serving.export),
            request_id=record.request_id,
        )


def note_result(serving: Serving, record: RequestRecord, result: PhotoResult, upload_bytes: int) -> None:
    """Count an answered photo, and put its facts into the request's record."""
    serving.metrics.photo_cropped(result, upload_bytes)
    record.facts.update(
        width=result.width, height=result.height, format=result.source_format, bytes=upload_bytes,
        batch_size=result.batch_size,
    )  # fmt: skip


def _photos(intake: Intake) -> list[bytes]:
    photos = [photo for name, photo in intake.upload.files if name == "images"]
    if not photos or len(photos) < len(intake.upload.files):
        raise BadRequestError("send the photos as multipart/form-data, each in a field named 'images'")
    return photos


async def _crop_one(
    serving: Serving, photo: bytes, options: CropOptions, deadline_at: float, record: RequestRecord
) -> CropResult | Exception:
    """The photo's result, or its own error: one photo never fails another."""
    try:
        if len(photo) > serving.limits.max_upload_bytes:
            raise PhotoTooLargeError(f"the photo is too large; send at most {serving.limits.max_upload_bytes} bytes")
        async with serving.admission.accept() as permit:
            result = await serving.crops.crop(photo, options, permit, deadline_at)
    except Exception as error:
        status, code = status_and_code(error)
        serving.metrics.photo_ended(code)
        if status == 500:
            _log.exception("request %s failed on one photo", record.request_id)
        return error
    serving.metrics.photo_ended(OK)
    serving.metrics.photo_cropped(result, len(photo))
    return result


def _note_batch(record: RequestRecord, photos: list[bytes], outcomes: list[CropResult | Exception]) -> None:
    """Facts of all photos. A request none of whose photos was cropped counts as its worst failure, not as ok."""
    failures = [status_and_code(outcome) for outcome in outcomes if isinstance(outcome, Exception)]
    record.facts.update(photos=len(photos), failed_photos=len(failures), bytes=sum(map(len, photos)))
    if len(failures) == len(photos):
        record.outcome = max(failures)[1]


def _entry(index: int, outcome: CropResult | Exception, serving: Serving, request_id: str) -> schemas.BatchEntry:
    if isinstance(outcome, Exception):
        status, code = status_and_code(outcome)
        error = schemas.EntryError(status=status, code=code, message=client_message(outcome))
        return schemas.BatchEntry(index=index, result=None, error=error)
    return schemas.BatchEntry(index=index, result=schemas.photo_answer(outcome), error=None)
