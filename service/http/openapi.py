"""What the OpenAPI document says beyond the types: bodies, options with units and examples, every error."""

from typing import Any

from vrn_cropper.model.views.options import (
    BOX_PATTERN,
    DEFAULT_TOP_K,
    FRACTION_PATTERN,
    MAX_ASPECT_RATIOS,
    MAX_BOXES,
    MAX_KEEP_BOXES,
    MAX_TOP_K,
)
from vrn_cropper.service import answers as schemas
from vrn_cropper.service.core.picture_request import MAX_SIDE_PX, PictureFormat
from vrn_cropper.service.http.intake import MAX_TIMEOUT_MS

Json = dict[str, Any]

_RETRY_AFTER: Json = {
    "Retry-After": {"description": "seconds to wait before the next try", "schema": {"type": "integer", "minimum": 1}}
}
_ERROR_TEXTS: dict[int, tuple[str, str, str]] = {
    400: (
        "A parameter or the body cannot be understood.",
        "bad_request",
        "top_k is a whole number from 1 to 50; got '0'",
    ),
    401: (
        "No API key, or not a valid one; only where the operator set `VRN_API_KEYS`.",
        "unauthorized",
        "the API key is not valid; ask the operator of this service for one",
    ),
    408: (
        "The upload came too slowly, or took too long in all.",
        "slow_upload",
        "the upload came too slowly; send it faster or make it smaller",
    ),
    413: ("Too many bytes, pixels, or too long a side.", "too_large", "the upload is too large; send at most ..."),
    415: (
        "Not a photo in a supported format.",
        "unsupported",
        "the upload is not a photo in a supported format; send JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC",
    ),
    422: (
        "The photo is damaged (`broken_photo`), or no crop of it can meet the options (`impossible_crop`).",
        "impossible_crop",
        "no crop of aspect ratio 0.5625 can keep 300 x 200 pixels: the largest in this 400 x 300 photo is 168 x 300;"
        " keep less, or take another ratio or 'free'",
    ),
    429: ("The service is full.", "overloaded", "the service is busy with 128 photos; try again later"),
    500: ("The engine failed.", "engine_error", "the engine failed on this photo"),
    503: ("Warming up or shutting down.", "not_ready", "the service is warming up; try again in a moment"),
    504: ("The deadline passed.", "deadline", "the deadline passed while the photo waited for its scores"),
}
ERRORS: dict[int | str, Json] = {
    status: {
        "model": schemas.ErrorAnswer,
        "description": text,
        "content": {
            "application/json": {
                "example": {"error": {"code": code, "message": message, "request_id": "5f0c9a1e7d3b4c2f8a6e0d9b"}}
            }
        },
        **({"headers": _RETRY_AFTER} if status in (429, 503) else {}),
    }
    for status, (text, code, message) in _ERROR_TEXTS.items()
}

# The formats name what a pattern cannot say: a ratio between 1:100 and 100:1, fractions that stay inside the photo.
_RATIO: Json = {"type": "string", "format": "aspect-ratio", "pattern": f"^free$|{FRACTION_PATTERN}"}
_BOX: Json = {"type": "string", "format": "keep-box", "pattern": BOX_PATTERN}
_ASPECT_RATIO: Json = {
    "description": "Wanted width:height of the crops, `free` for any. Repeatable: `top_k` crops for each, from one"
    " pass through the network. Between 1:100 and 100:1.",
    "schema": {"type": "array", "items": _RATIO, "maxItems": MAX_ASPECT_RATIOS, "default": ["free"]},
    "example": ["free", "1:1", "16:9"],
}
_WHERE: dict[str, Json] = {
    "keep": {
        "description": "A box `x,y,width,height` that every crop contains: in pixels of the upright photo, or in"
        " fractions of its sides if all four numbers are at most 1. Repeatable.",
        "schema": {"type": "array", "items": _BOX, "maxItems": MAX_KEEP_BOXES},
        "example": ["0.1,0.2,0.5,0.5"],
    },
    "min_scale": {
        "description": "Least size of a crop: the share of the sides of the largest crop that its ratio allows (of"
        " the photo itself where it is free), to within a pixel. Crops much below half of the photo's area are never"
        " proposed, whatever this says.",
        "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        "example": 0.8,
    },
}
_CROP_OPTIONS: dict[str, Json] = {
    "top_k": {
        "description": "How many crops for each aspect ratio.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_TOP_K, "default": DEFAULT_TOP_K},
    },
    "aspect_ratio": _ASPECT_RATIO,
    "max_overlap": {
        "description": "Largest overlap (IoU, 0 to 1) of two crops of one ratio, so that they differ. 0.7 gives crops"
        " that look different; without it neighbours in rank are often near twins.",
        "schema": {"type": "number", "minimum": 0, "maximum": 1},
        "example": 0.7,
    },
    **_WHERE,
}
_SCORE_OPTIONS: dict[str, Json] = {
    "box": {
        "description": "A box `x,y,width,height` to score: in pixels of the upright photo, or in fractions of its"
        " sides if all four numbers are at most 1; rounded to whole pixels. Any place and size. Repeatable.",
        "schema": {"type": "array", "items": _BOX, "maxItems": MAX_BOXES},
        "example": ["85,0,812,541", "0.1,0.1,0.5,0.5"],
    },
    "box_xyxy": {
        "description": "Instead of `box`: the edges `x1,y1,x2,y2` in pixels of the upright photo. Repeatable.",
        "schema": {
            "type": "array", "items": {**_BOX, "format": "box-edges"}, "maxItems": MAX_BOXES,
        },
        "example": ["85,0,897,541"],
    },
    "aspect_ratio": {
        "description": "Which crops the scores compare with: those that `POST /crop` finds for this `aspect_ratio`."
        " It does not change the boxes.",
        "schema": {**_RATIO, "default": "free"},
        "example": "16:9",
    },
}  # fmt: skip
_PIXELS: Json = {"type": "integer", "minimum": 1, "maximum": MAX_SIDE_PX}
_PICTURE_OPTIONS: dict[str, Json] = {
    "aspect_ratio": {
        "description": "Wanted width:height, `free` for any. Without it, the ratio of `width` and `height` if both"
        " are given.",
        "schema": {**_RATIO, "default": "free"},
        "example": "16:9",
    },
    "rank": {
        "description": "Which of the ranked crops, 1 the best.",
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_TOP_K, "default": 1},
    },
    "max_overlap": _CROP_OPTIONS["max_overlap"],
    **_WHERE,
    "width": {"description": "Largest width of the picture in pixels.", "schema": _PIXELS, "example": 800},
    "height": {"description": "Largest height of the picture in pixels.", "schema": _PIXELS},
    "upscale": {
        "description": "Enlarge a crop that has fewer pixels than `width` and `height` ask for.",
        "schema": {"type": "string", "enum": ["false", "true"], "default": "false"},
    },
    "format": {
        "description": "Format of the picture. By default the source's; PNG for GIF, BMP and TIFF, JPEG for HEIC.",
        "schema": {"type": "string", "enum": list(PictureFormat)},
    },
    "quality": {
        "description": "Of JPEG (default 88), WebP (84) and AVIF (70); PNG is lossless.",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100},
    },
    "metadata": {
        "description": "`drop` leaves EXIF, GPS and XMP out; `keep` copies camera, date, author and GPS.",
        "schema": {"type": "string", "enum": ["drop", "keep"], "default": "drop"},
    },
}
_TIMEOUT: Json = {
    "name": "X-Request-Timeout-Ms", "in": "header",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_TIMEOUT_MS},
    "description": "Deadline of this request in milliseconds; the service's own limit is its cap.",
}  # fmt: skip
_PHOTO: Json = {"type": "string", "format": "binary", "description": "JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF or HEIC"}


def _operation(options: dict[str, Json], files: Json, *, takes_raw: bool) -> Json:
    """Options as query parameters and as form fields, beside the photos."""
    query = [{"name": name, "in": "query", **option} for name, option in options.items()]
    fields = {name: {**option["schema"], "description": option["description"]} for name, option in options.items()}
    form = {"type": "object", "required": list(files), "properties": {**files, **fields}}
    content: Json = {"multipart/form-data": {"schema": form}}
    if takes_raw:
        content |= {media: {"schema": _PHOTO} for media in ("image/*", "application/octet-stream")}
    return {"requestBody": {"required": True, "content": content}, "parameters": [*query, _TIMEOUT]}


CROP = _operation(_CROP_OPTIONS, {"image": _PHOTO}, takes_raw=True)
SCORE = _operation(_SCORE_OPTIONS, {"image": _PHOTO}, takes_raw=True)
IMAGE = _operation(_PICTURE_OPTIONS, {"image": _PHOTO}, takes_raw=True)


def batch_operation(max_files: int) -> Json:
    """`POST /crop/batch` of a service that takes `max_files` photos at once."""
    images = {"type": "array", "items": _PHOTO, "minItems": 1, "maxItems": max_files}
    return _operation(_CROP_OPTIONS, {"images": images}, takes_raw=False)


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
NOT_LIVE: dict[int | str, Json] = {503: {"model": schemas.LiveAnswer, "description": "The batch loop has died."}}
NOT_READY: dict[int | str, Json] = {
    503: {"model": schemas.ReadyAnswer, "description": "Warming up, draining, or the queue is full."}
}
# Routes that are closed to clients without a key, where the operator set keys.
KEY_ANSWERS: dict[int | str, Json] = {401: ERRORS[401]}
METRICS_ANSWERS: dict[int | str, Json] = {
    200: {"description": "Prometheus text.", "content": {"text/plain": {"schema": {"type": "string"}}}},
    **KEY_ANSWERS,
}
