"""What the OpenAPI document says beyond the types: bodies, options, pictures, headers.

Each option is declared once, in the query: a generated client would otherwise send it twice. Form fields beside the
photo are taken too (`service.http.intake`).
"""

from collections.abc import Mapping
from typing import Any

from vrn_cropper.service.core.option_table import (
    CROP_OPTIONS,
    MANY_PICTURES_OPTIONS,
    ONE_PICTURE_OPTIONS,
    SCORE_OPTIONS,
    Kind,
    Option,
)
from vrn_cropper.service.core.picture_request import PictureFormat
from vrn_cropper.service.core.url_options import URL_CROP_OPTIONS, URL_PICTURE_OPTIONS
from vrn_cropper.service.http.intake import MAX_TIMEOUT_MS
from vrn_cropper.service.http.openapi_errors import SOURCE_STATUSES, UPLOAD_STATUSES, error_answers
from vrn_cropper.service.http.picture_files import MULTIPART, ZIP
from vrn_cropper.service.http.state_answers import LiveAnswer, ReadyAnswer

Json = dict[str, Any]

DESCRIPTION = (
    "Crops photos by the View Ranking Network. Boxes are in pixels of the upright photo (EXIF orientation"
    ' applied); every error has the body `{"error": {"code", "message", "request_id"}}`.\n\n'
    "Send options in the query; beside a photo in a form they may also be form fields. An option that a route does"
    " not know is refused."
)
TAGS: list[Json] = [
    {"name": "photos", "description": "Crops, pictures and scores of photos."},
    {"name": "state", "description": "What runs, and whether it takes work."},
]
PHOTO_ERRORS = error_answers(UPLOAD_STATUSES)
SOURCE_ERRORS = error_answers(SOURCE_STATUSES)
# Routes that are closed to clients without a key, where the operator set keys.
KEY_ERRORS = error_answers([401])
_TYPES = {Kind.WHOLE: "integer", Kind.NUMBER: "number", Kind.FLAG: "boolean"}
# Names for what a pattern cannot say: a ratio between 1:100 and 100:1, boxes that stay inside the photo.
_FORMATS = {Kind.RATIO: "aspect-ratio", Kind.BOX: "box", Kind.EDGES: "box-edges", Kind.WIDTHS: "widths"}
_TIMEOUT: Json = {
    "name": "X-Request-Timeout-Ms", "in": "header",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS}, "example": 30000,
    "description": "Deadline of this request in milliseconds; the service's own limit is its cap.",
}  # fmt: skip
_PHOTO: Json = {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC"}


def option_schema(option: Option) -> Json:
    """The JSON schema of one value, or of the list where the option is repeatable."""
    schema: Json = {"type": _TYPES.get(option.kind, "string")}
    bounds = {
        "enum": list(option.choices) or None, "minimum": option.least, "exclusiveMinimum": option.above,
        "maximum": option.most, "pattern": option.pattern, "format": _FORMATS.get(option.kind),
    }  # fmt: skip
    schema |= {name: value for name, value in bounds.items() if value is not None}
    default = option.default
    if option.is_repeatable:
        schema = {"type": "array", "items": schema, "maxItems": option.max_count}
        default = None  # said in the words: lists as defaults make several generators fail
    return schema if default is None else {**schema, "default": default}


def _parameter(option: Option) -> Json:
    text = " ".join(filter(None, (option.meaning, option.details, "Repeatable." if option.is_repeatable else "")))
    many = [option.example, *option.more_examples]
    return {
        "name": option.name, "in": "query", "required": False, "description": text, "schema": option_schema(option),
        "example": many if option.is_repeatable else option.example,
    }  # fmt: skip


def _operation(options: Mapping[str, Option], files: Json, *, takes_raw: bool) -> Json:
    form = {"type": "object", "required": list(files), "properties": files, "additionalProperties": False}
    content: Json = {"multipart/form-data": {"schema": form}}
    if takes_raw:
        # Any image/* type is taken as well; said here, a wildcard makes generators warn and leave it out.
        content["application/octet-stream"] = {"schema": _PHOTO}
    parameters = [*map(_parameter, options.values()), _TIMEOUT]
    return {"requestBody": {"required": True, "content": content}, "parameters": parameters}


CROP = _operation(CROP_OPTIONS, {"image": _PHOTO}, takes_raw=True)
SCORE = _operation(SCORE_OPTIONS, {"image": _PHOTO}, takes_raw=True)
IMAGES = _operation(MANY_PICTURES_OPTIONS, {"image": _PHOTO}, takes_raw=True)
IMAGE = _operation(ONE_PICTURE_OPTIONS, {"image": _PHOTO}, takes_raw=True)


def _by_url(options: Mapping[str, Option]) -> Json:
    """A route whose photo is named in the query."""
    parameters = [{**_parameter(option), "required": option.name == "url"} for option in options.values()]
    return {"parameters": [*parameters, _TIMEOUT]}


CROP_BY_URL = _by_url(URL_CROP_OPTIONS)
IMAGE_BY_URL = _by_url(URL_PICTURE_OPTIONS)


def batch_operation(max_files: int) -> Json:
    """`POST /crop/batch` of a service that takes `max_files` photos at once."""
    images = {"type": "array", "items": _PHOTO, "minItems": 1, "maxItems": max_files}
    return _operation(CROP_OPTIONS, {"images": images}, takes_raw=False)


PICTURE_ANSWER: dict[int | str, Json] = {
    200: {
        "description": "The picture.",
        "content": {form.media_type: {"schema": {"type": "string", "format": "binary"}} for form in PictureFormat},
        "headers": {
            name: {"description": text, "schema": {"type": "string"}, "example": example}
            for name, text, example in (
                ("X-Crop-Box", "x,y,width,height in pixels of the upright photo", "85,0,812,541"),
                ("X-Crop-Score", "predicted opinion score of the crop", "0.830000"),
                ("X-Image-Size", "width x height of the upright photo in pixels", "1024x683"),
                ("X-Whole-Image-Score", "score of the uncropped photo, from the same pass", "0.610000"),
            )
        },
    }
}
PICTURES_ANSWER: dict[int | str, Json] = {
    200: {
        "description": "`crops.json` (the answer of `POST /crop`, and `pictures`: name, aspect_ratio, rank, width,"
        " height, media_type) and the pictures.",
        "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in (ZIP, MULTIPART)},
    }
}
NOT_LIVE: dict[int | str, Json] = {503: {"model": LiveAnswer, "description": "The batch loop has died."}}
NOT_READY: dict[int | str, Json] = {
    503: {"model": ReadyAnswer, "description": "Warming up, draining, or the queue is full."}
}
METRICS_ANSWERS: dict[int | str, Json] = {
    200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}},
    **KEY_ERRORS,
}
