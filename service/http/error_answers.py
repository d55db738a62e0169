"""HTTP answers from errors, by the table of `service.error_codes`, and the body that every error has."""

import math
from typing import Any

from fastapi.responses import JSONResponse

from vrn_cropper.service.error_codes import client_message, status_and_code

_MAX_RETRY_AFTER_S = 60


def error_body(code: str, message: str, request_id: str) -> dict[str, Any]:
    """The body of every error answer."""
    return {"error": {"code": code, "message": message, "request_id": request_id}}


def error_answer(error: Exception, request_id: str) -> JSONResponse:
    """The HTTP answer to `error`."""
    status, code = status_and_code(error)
    body = error_body(code, client_message(error), request_id)
    retry_after_s = getattr(error, "retry_after_s", None)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if retry_after_s is not None:
        headers["Retry-After"] = str(min(_MAX_RETRY_AFTER_S, max(1, math.ceil(retry_after_s))))
    return JSONResponse(body, status_code=status, headers=headers)
