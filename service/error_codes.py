"""The one table from errors to a status and a code. Knows HTTP's numbers and nothing else of it.

The code is what answers, metrics, logs and the command line's JSON lines name; `service.http.error_answers` makes
HTTP answers of it.
"""

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

# error -> (status, code)
ERROR_TABLE: dict[type[Exception], tuple[int, str]] = {
    BadRequestError: (400, "bad_request"),
    CropOptionError: (400, "bad_request"),
    UnauthorizedError: (401, "unauthorized"),
    BadSignatureError: (403, "bad_signature"),
    SourceNotAllowedError: (403, "source_not_allowed"),
    SourceMissingError: (404, "source_missing"),
    SlowUploadError: (408, "slow_upload"),
    PhotoTooLargeError: (413, "too_large"),
    UnsupportedPhotoError: (415, "unsupported"),
    BrokenPhotoError: (422, "broken_photo"),
    CropRequestError: (422, "impossible_crop"),
    OverloadedError: (429, "overloaded"),
    DisconnectedError: (499, "disconnected"),  # never sent: there is nobody to read it
    EngineError: (500, "engine_error"),
    SourceError: (502, "source_failed"),
    NotReadyError: (503, "not_ready"),
    DeadlineError: (504, "deadline"),
}
INTERNAL = (500, "internal_error")
_INTERNAL_MESSAGE = "the service failed; report the request_id to its operator"
OK = "ok"
NOT_FOUND = "not_found"
# How a request can end: the closed set of a metric's label.
OUTCOMES = frozenset({OK, NOT_FOUND, INTERNAL[1], *(code for _, code in ERROR_TABLE.values())})


def status_and_code(error: Exception) -> tuple[int, str]:
    """The table's row for `error`, or that of the nearest class above it; unknown errors are internal."""
    return next((ERROR_TABLE[kind] for kind in type(error).__mro__ if kind in ERROR_TABLE), INTERNAL)


def client_message(error: Exception) -> str:
    """What the client is told of `error`. Only messages written for clients are shown."""
    is_known = isinstance(error, VrnError) and status_and_code(error) != INTERNAL
    return str(error) if is_known else _INTERNAL_MESSAGE
