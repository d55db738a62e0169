"""`GET /crop` and `GET /crop/image`: a photo that is named by its URL, for pages and the caches before them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.crop_service import CropService
from vrn_cropper.service.core.option_table import Option
from vrn_cropper.service.core.url_options import URL_CROP_OPTIONS, URL_PICTURE_OPTIONS
from vrn_cropper.service.http import openapi
from vrn_cropper.service.http.intake import Intake, Received, unless_disconnected
from vrn_cropper.service.http.request_record import request_record
from vrn_cropper.service.http.routes_crop import note_result
from vrn_cropper.service.http.routes_image import picture_answer
from vrn_cropper.service.http.url_requests import (
    PICTURE_PATH,
    UrlRules,
    is_unchanged,
    negotiated_format,
    url_of,
)
from vrn_cropper.service.metrics import Metrics
from vrn_cropper.service.sources.fetch import Fetcher

PATHS = frozenset({"/crop", PICTURE_PATH})


def url_routes(
    intake: Intake, crops: CropService, metrics: Metrics, export: ExportInfo, rules: UrlRules, fetcher: Fetcher
) -> APIRouter:
    """Both routes."""
    router = APIRouter(tags=["photos by URL"])

    @asynccontextmanager
    async def fetched(request: Request, known: Mapping[str, Option]) -> AsyncIterator[Received]:
        given = rules.given(request, known)
        url = url_of(given)
        async with intake.fetched_photo(
            request, given, lambda take_bytes, timeout_s: fetcher.fetch(url, take_bytes, timeout_s)
        ) as received:
            yield received

    @router.get(
        "/crop", operation_id="crop_url", summary="Crop boxes of a photo by its URL",
        response_model=schemas.UrlCropsAnswer, responses=openapi.SOURCE_ERRORS, openapi_extra=openapi.CROP_BY_URL,
    )  # fmt: skip
    async def crop_url(request: Request) -> Response:
        """The best crops of the photo at `url`, as `POST /crop` answers them; with `widths` a `srcset` for each."""
        record = request_record(request.scope)
        async with fetched(request, URL_CROP_OPTIONS) as received:
            photo, given = received.photo, received.options
            options, widths = given.crop_options(), given.widths()
            etag = rules.etag(photo, given, None)
            headers = rules.cache_headers(etag, varies=False)
            if is_unchanged(request, etag):
                return Response(status_code=304, headers=headers)
            async with received.accept() as permit:
                work = crops.crop(photo, options, permit, received.deadline_at, record.stages)
                result = await unless_disconnected(request, work)
            record.stages.begin("answer")
            note_result(metrics, record, result, len(photo))
        answer = schemas.crops_answer(result, export, record.request_id)
        sets = [rules.srcset(given, crop.aspect_ratio, crop.rank, widths) for crop in answer.crops] if widths else []
        return JSONResponse(jsonable_encoder(schemas.UrlCropsAnswer(**dict(answer), srcsets=sets)), headers=headers)

    @router.get(
        PICTURE_PATH, operation_id="crop_image_url", summary="The cropped picture of a photo by its URL",
        response_class=Response, responses={**openapi.PICTURE_ANSWER, **openapi.SOURCE_ERRORS},
        openapi_extra=openapi.IMAGE_BY_URL,
    )  # fmt: skip
    async def crop_image_url(request: Request) -> Response:
        """The best crop of the photo at `url`, as `POST /crop/image` answers it.

        Without `format`, AVIF or WebP where `Accept` names them.
        """
        async with fetched(request, URL_PICTURE_OPTIONS) as received:
            photo, given = received.photo, received.options
            varies = given.one("format") is None
            chosen = negotiated_format(request.headers.get("accept", "")) if varies else None
            etag = rules.etag(photo, given, chosen)
            headers = rules.cache_headers(etag, varies=varies)
            if is_unchanged(request, etag):
                return Response(status_code=304, headers=headers)
            answer = await picture_answer(request, received, crops, metrics, chosen)
            answer.headers.update(headers)
            return answer

    return router
