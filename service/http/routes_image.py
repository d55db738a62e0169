"""`POST /crop/image`: a photo in, its best crop out as a picture."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from vrn_cropper.model.errors import CropOptionError, CropRequestError
from vrn_cropper.model.views.crops import Crop, RankedCrops
from vrn_cropper.model.views.options import MAX_TOP_K
from vrn_cropper.service.core.crop_service import CropService
from vrn_cropper.service.core.option_table import ONE_PICTURE_OPTIONS
from vrn_cropper.service.core.picture_request import PictureFormat, match_ratio
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.intake import Intake, Received, unless_disconnected
from vrn_cropper.service.http.request_record import request_record
from vrn_cropper.service.http.routes_crop import note_result
from vrn_cropper.service.metrics import Metrics


def image_routes(intake: Intake, crops: CropService, metrics: Metrics) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["photos"])

    @router.post(
        "/crop/image", operation_id="crop_image", summary="The cropped picture", response_class=Response,
        responses={**openapi.PICTURE_ANSWER, **openapi.PHOTO_ERRORS}, openapi_extra=openapi.IMAGE,
    )  # fmt: skip
    async def crop_image(request: Request) -> Response:
        """The best crop of a photo as a picture, cut from the full photo, which is decoded once.

        Orientation is baked in and the colour profile is kept; EXIF and GPS are dropped unless
        `metadata=keep`. Where `width` and `height` are both given and `aspect_ratio` is not, the crop has
        their ratio.
        """
        async with intake.one_photo(request, ONE_PICTURE_OPTIONS) as received:
            return await picture_answer(request, received, crops, metrics)

    return router


async def picture_answer(
    request: Request,
    received: Received,
    crops: CropService,
    metrics: Metrics,
    default_format: PictureFormat | None = None,
) -> Response:
    """The crop that the options of `received` ask for, as a picture; in `default_format` where they name none."""
    record = request_record(request.scope)
    photo, given = received.photo, received.options
    ratio, picture, rank = given.one("aspect_ratio"), given.picture_options(), _rank(given.one("rank"))
    options = replace(given.crop_options(), top_k=rank)
    options, picture = match_ratio(options, picture, is_ratio_given=ratio is not None)
    picture = replace(picture, format=picture.format or default_format)

    def choose(ranked: RankedCrops) -> Sequence[Crop]:
        if len(ranked.crops) < rank:
            count = len(ranked.crops)
            raise CropRequestError(f"this photo has only {count} such crops; ask for a lower rank")
        return ranked.crops[rank - 1 :]

    async with received.accept() as permit:
        work = crops.crop_pictures(photo, options, picture, choose, permit, received.deadline_at, record.stages)
        cut = await unless_disconnected(request, work)
    record.stages.begin("answer")
    note_result(metrics, record, cut.result, len(photo))
    made = cut.pictures[0]
    headers = _headers(cut.chosen[0], cut.result.ranked)
    headers["Content-Disposition"] = f'inline; filename="crop{made.format.suffix}"'
    return Response(made.content, media_type=made.format.media_type, headers=headers)


def _rank(text: str | None) -> int:
    if text is None:
        return 1
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_TOP_K):
        raise CropOptionError(f"rank is a whole number from 1 to {MAX_TOP_K}; got {text[:40]!r}")
    return int(text)


def _headers(crop: Crop, ranked: RankedCrops) -> dict[str, str]:
    x1, y1, x2, y2 = crop.box_xyxy
    return {
        "X-Crop-Box": f"{x1},{y1},{x2 - x1},{y2 - y1}",
        "X-Crop-Score": f"{crop.score:.6f}",
        "X-Image-Size": f"{ranked.width}x{ranked.height}",
        "X-Whole-Image-Score": f"{ranked.whole_frame_score:.6f}",
    }
