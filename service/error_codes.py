"""The one table from errors to a status and a code. Knows HTTP's numbers and nothing else of it.

The code is what answers, metrics, logs and the command line's JSON lines name; `service.http.error_answers` makes
HTTP answers of it.
"""

import enum

from vrn_cropper.model.errors import (
    BrokenPhotoError,
    CropOptionError,
    CropRequestError,
    PhotoTooLargeError,
    UnsupportedPhotoError,
    VrnError,
)
from vrn_cropper.service.errors import (
    BadRequestError,
    BadSignatureError,
    DeadlineError,
    DisconnectedError,
    EngineError,
    NotReadyError,
    OverloadedError,
    SlowUploadError,
    SourceError,
    SourceMissingError,
    SourceNotAllowedError,
    UnauthorizedError,
)


class ErrorCode(enum.StrEnum):
    """What an error is called: for programs, metrics and logs."""

    BAD_REQUEST = "bad_request"
    UNAUTHORIZED = "unauthorized"
    BAD_SIGNATURE = "bad_signature"
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    NOT_FOUND = "not_found"
    SOURCE_MISSING = "source_missing"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SLOW_UPLOAD = "slow_upload"
    TOO_LARGE = "too_large"
    UNSUPPORTED = "unsupported"
    BROKEN_PHOTO = "broken_photo"
    IMPOSSIBLE_CROP = "impossible_crop"
    OVERLOADED = "overloaded"
    DISCONNECTED = "disconnected"
    ENGINE_ERROR = "engine_error"
    INTERNAL_ERROR = "internal_error"
    SOURCE_FAILED = "source_failed"
    NOT_READY = "not_ready"
    DEADLINE = "deadline"


# error -> (status, code)
ERROR_TABLE: dict[type[Exception], tuple[int, ErrorCode]] = {
    BadRequestError: (400, ErrorCode.BAD_REQUEST),
    CropOptionError: (400, ErrorCode.BAD_REQUEST),
    UnauthorizedError: (401, ErrorCode.UNAUTHORIZED),
    BadSignatureError: (403, ErrorCode.BAD_SIGNATURE),
    SourceNotAllowedError: (403, ErrorCode.SOURCE_NOT_ALLOWED),
    SourceMissingError: (404, ErrorCode.SOURCE_MISSING),
    SlowUploadError: (408, ErrorCode.SLOW_UPLOAD),
    PhotoTooLargeError: (413, ErrorCode.TOO_LARGE),
    UnsupportedPhotoError: (415, ErrorCode.UNSUPPORTED),
    BrokenPhotoError: (422, ErrorCode.BROKEN_PHOTO),
    CropRequestError: (422, ErrorCode.IMPOSSIBLE_CROP),
    OverloadedError: (429, ErrorCode.OVERLOADED),
    DisconnectedError: (499, ErrorCode.DISCONNECTED),  # never sent: there is nobody to read it
    EngineError: (500, ErrorCode.ENGINE_ERROR),
    SourceError: (502, ErrorCode.SOURCE_FAILED),
    NotReadyError: (503, ErrorCode.NOT_READY),
    DeadlineError: (504, ErrorCode.DEADLINE),
}
INTERNAL = (500, ErrorCode.INTERNAL_ERROR)
_INTERNAL_MESSAGE = "the service failed; report the request_id to its operator"
OK = "ok"
# How a request can end: the closed set of a metric's label.
OUTCOMES: frozenset[str] = frozenset({OK, *ErrorCode})


def status_and_code(error: Exception) -> tuple[int, ErrorCode]:
    """The table's row for `error`, or that of the nearest class above it; unknown errors are internal."""
    return next((ERROR_TABLE[kind] for kind in type(error).__mro__ if kind in ERROR_TABLE), INTERNAL)


def client_message(error: Exception) -> str:
    """What the client is told of `error`. Only messages written for clients are shown."""
    is_known = isinstance(error, VrnError) and status_and_code(error) != INTERNAL
    return str(error) if is_known else _INTERNAL_MESSAGE
