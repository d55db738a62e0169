"""`POST /crop/images`: a photo in, its crops of several ratios out as pictures of several widths."""

import asyncio
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.crop_service import CropService, PicturesResult
from vrn_cropper.service.core.option_table import MANY_PICTURES_OPTIONS
from vrn_cropper.service.core.picture_request import PictureOptions
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.given_options import GivenOptions
from vrn_cropper.service.http.intake import Intake, unless_disconnected
from vrn_cropper.service.http.picture_files import ZIP, PictureFile, file_name, pack
from vrn_cropper.service.http.request_record import request_record
from vrn_cropper.service.http.routes_crop import note_result
from vrn_cropper.service.metrics import Metrics

MAX_PICTURES = 100


def images_routes(intake: Intake, crops: CropService, metrics: Metrics, export: ExportInfo) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["photos"])

    @router.post(
        "/crop/images", operation_id="crop_images", summary="Cropped pictures in several ratios and widths",
        response_class=Response, responses={**openapi.PICTURES_ANSWER, **openapi.PHOTO_ERRORS},
        openapi_extra=openapi.IMAGES,
    )  # fmt: skip
    async def crop_images(request: Request) -> Response:
        """The best crops for each `aspect_ratio`, each cut in each of `widths`, from one upload and one scoring.

        A ZIP archive, or `multipart/mixed` where `Accept` names it. `crops.json`, its first file, is the answer of
        `POST /crop` with `pictures`: which file shows which crop.
        """
        record = request_record(request.scope)
        async with intake.one_photo(request, MANY_PICTURES_OPTIONS) as received:
            photo, given = received.photo, received.options
            options, widths = given.crop_options(), given.widths()
            if given.one("top_k") is None:
                options = replace(options, top_k=1)
            count = len(options.aspect_ratios) * options.top_k * max(1, len(widths))
            if count > MAX_PICTURES:
                raise CropRequestError(
                    f"aspect_ratio, top_k and widths ask for {count} pictures; at most {MAX_PICTURES} are made"
                )
            async with received.accept() as permit:
                work = crops.crop_pictures(
                    photo, options, _picture(given), lambda ranked: ranked.crops, permit, received.deadline_at,
                    record.stages, widths,
                )  # fmt: skip
                cut = await unless_disconnected(request, work)
            record.stages.begin("answer")
            note_result(metrics, record, cut.result, len(photo))
        files, entries = _files(cut, widths)
        told = schemas.PicturesAnswer(
            **dict(schemas.crops_answer(cut.result, export, record.request_id)), pictures=entries
        )
        # Megabytes are copied and summed: not on the event loop.
        accept = request.headers.get("accept", "")
        body, media_type = await asyncio.to_thread(pack, told.model_dump(mode="json"), files, accept)
        headers = {"Content-Type": media_type, "Vary": "Accept"}
        if media_type == ZIP:
            headers["Content-Disposition"] = 'attachment; filename="crops.zip"'
        return Response(body, headers=headers)

    return router


def _picture(given: GivenOptions) -> PictureOptions:
    names = ("upscale", "format", "quality", "metadata")
    return PictureOptions.parse(**{name: given.one(name) for name in names})


def _files(cut: PicturesResult, widths: list[int]) -> tuple[list[PictureFile], list[schemas.PictureEntry]]:
    files, entries = [], []
    for position, (crop, made) in enumerate(zip(cut.chosen, cut.pictures, strict=True)):
        width = widths[position % len(widths)] if widths else None
        label = crop.aspect_ratio.label
        name = file_name(position + 1, label, crop.rank, width, made.format.suffix)
        files.append(PictureFile(name, made.format.media_type, made.content))
        entries.append(
            schemas.PictureEntry(
                name=name, aspect_ratio=label, rank=crop.rank, width=made.width, height=made.height,
                media_type=made.format.media_type,
            )
        )  # fmt: skip
    return files, entries
