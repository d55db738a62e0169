"""The error answers in the OpenAPI document: a status, the codes that it can have, an example of each."""

from collections.abc import Iterable
from typing import Any

from vrn_cropper.service import answers as schemas
from vrn_cropper.service.error_codes import ErrorCode

Json = dict[str, Any]

_RETRY_AFTER: Json = {
    "Retry-After": {
        "description": "seconds to wait before the next try",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    }
}
# status -> (what it means, an example of each code)
_ERRORS: dict[int, tuple[str, dict[ErrorCode, str]]] = {
    400: (
        "An option or the body cannot be understood.",
        {ErrorCode.BAD_REQUEST: "top_k is a whole number from 1 to 50; got '0'"},
    ),
    401: (
        "No API key, or not a valid one; only where the operator set keys.",
        {ErrorCode.UNAUTHORIZED: "the API key is not valid; ask the operator of this service for one"},
    ),
    408: (
        "The upload came too slowly, or took too long in all.",
        {ErrorCode.SLOW_UPLOAD: "the upload came too slowly; send it faster or make it smaller"},
    ),
    403: (
        "The URL is not among this service's sources, or not signed as it has to be.",
        {
            ErrorCode.SOURCE_NOT_ALLOWED: "https://example.org with this path is not among this service's sources",
            ErrorCode.BAD_SIGNATURE: "the signature does not belong to this URL",
        },
    ),
    404: (
        "No such photo at the source.",
        {ErrorCode.SOURCE_MISSING: "the source has no such photo (404)"},
    ),
    413: (
        "Too many bytes, pixels, or too long a side.",
        {ErrorCode.TOO_LARGE: "the upload is too large; send at most 33554432 bytes"},
    ),
    415: (
        "Not a photo in a supported format.",
        {
            ErrorCode.UNSUPPORTED: "the upload is not a photo in a supported format; send JPEG, PNG, WebP, AVIF, GIF,"
            " BMP, TIFF or HEIC"
        },
    ),
    422: (
        "The photo is damaged, or nothing in it can meet the options.",
        {
            ErrorCode.BROKEN_PHOTO: "the photo is damaged or cut short; send the whole file",
            ErrorCode.IMPOSSIBLE_CROP: "no crop of aspect ratio 0.5625 can keep 300 x 200 pixels: the largest in this"
            " 400 x 300 photo is 168 x 300; keep less, or take another ratio or 'free'",
        },
    ),
    429: (
        "The service is full.",
        {ErrorCode.OVERLOADED: "the service is busy with 128 photos; try again later"},
    ),
    431: (
        "Request line and headers are too large; options may also be form fields beside the photo.",
        {ErrorCode.BAD_REQUEST: "the head of the request is too large: at most 32768 bytes"},
    ),
    500: (
        "The engine, or the service itself, failed.",
        {
            ErrorCode.ENGINE_ERROR: "the service failed on this photo",
            ErrorCode.INTERNAL_ERROR: "the service failed; report the request_id to its operator",
        },
    ),
    502: (
        "The source did not deliver the photo.",
        {ErrorCode.SOURCE_FAILED: "the source answered 500"},
    ),
    503: (
        "Warming up or shutting down.",
        {ErrorCode.NOT_READY: "the service is warming up; try again in a moment"},
    ),
    504: (
        "The deadline passed.",
        {ErrorCode.DEADLINE: "the deadline passed while the photo waited for its scores"},
    ),
}


_OF_UPLOADS = [408]
_OF_SOURCES = [403, 404, 502]
UPLOAD_STATUSES = [status for status in _ERRORS if status not in _OF_SOURCES]
SOURCE_STATUSES = [status for status in _ERRORS if status not in _OF_UPLOADS]


def error_answers(statuses: Iterable[int]) -> dict[int | str, Json]:
    """The answers with these statuses, as FastAPI takes `responses`."""
    return {status: _answer(status, *_ERRORS[status]) for status in statuses}


def _answer(status: int, text: str, examples: dict[ErrorCode, str]) -> Json:
    codes = " or ".join(f"`{code}`" for code in examples)
    return {
        "model": schemas.ErrorAnswer,
        "description": f"{text} {codes}.",
        "content": {
            "application/json": {
                "examples": {
                    code.value: {"value": {"error": {"code": code.value, "message": message, "request_id": _ID}}}
                    for code, message in examples.items()
                }
            }
        },
        **({"headers": _RETRY_AFTER} if status in (429, 503) else {}),
    }


_ID = "5f0c9a1e7d3b4c2f8a6e0d9b1c7f3e52"
