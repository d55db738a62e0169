"""The one table from errors to HTTP answers, and the body that every error has."""

import math
from typing import Any

from fastapi.responses import JSONResponse

from vrn_cropper.model.errors import CropOptionError, CropRequestError, VrnError
from vrn_cropper.service.errors import (
    BadRequestError,
    BrokenPhotoError,
    DeadlineError,
    DisconnectedError,
    EngineError,
    NotReadyError,
    OverloadedError,
    PhotoTooLargeError,
    UnauthorizedError,
    UnsupportedPhotoError,
)

# error -> (status, code); the code is also the outcome that metrics and logs name.
ERROR_TABLE: dict[type[Exception], tuple[int, str]] = {
    BadRequestError: (400, "bad_request"),
    CropOptionError: (400, "bad_request"),
    UnauthorizedError: (401, "unauthorized"),
    PhotoTooLargeError: (413, "too_large"),
    UnsupportedPhotoError: (415, "unsupported"),
    BrokenPhotoError: (422, "broken_photo"),
    CropRequestError: (422, "impossible_crop"),
    OverloadedError: (429, "overloaded"),
    DisconnectedError: (499, "disconnected"),  # never sent: there is nobody to read it
    EngineError: (500, "engine_error"),
    NotReadyError: (503, "not_ready"),
    DeadlineError: (504, "deadline"),
}
INTERNAL = (500, "internal_error")
_INTERNAL_MESSAGE = "the service failed; report the request_id to its operator"
_MAX_RETRY_AFTER_S = 60


def status_and_code(error: Exception) -> tuple[int, str]:
    """The table's row for `error`, or that of the nearest class above it; unknown errors are internal."""
    return next((ERROR_TABLE[kind] for kind in type(error).__mro__ if kind in ERROR_TABLE), INTERNAL)


def error_body(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of every error answer."""
    return {"error": {"code": code, "message": message, "request_id": request_id}}


def client_message(error: Exception) -> str:
    """What the client is told of `error`. Only messages written for clients are shown."""
    is_known = isinstance(error, VrnError) and status_and_code(error) != INTERNAL
    return str(error) if is_known else _INTERNAL_MESSAGE


def error_answer(error: Exception, request_id: str) -> JSONResponse:
    """The HTTP answer to `error`."""
    status, code = status_and_code(error)
    body = error_body(code, client_message(error), request_id)
    retry_after_s = getattr(error, "retry_after_s", None)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after_s is not None:
        headers["Retry-After"] = str(min(_MAX_RETRY_AFTER_S, max(1, math.ceil(retry_after_s))))
    return JSONResponse(body, status_code=status, headers=headers)
