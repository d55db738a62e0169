"""HTTP answers from errors; nothing internal leaks."""

import json

import pytest

from vrn_cropper.model.errors import (
    BrokenPhotoError,
    CropRequestError,
    PhotoTooLargeError,
    UnsupportedPhotoError,
    VrnError,
)
from vrn_cropper.service import errors
from vrn_cropper.service.http.error_answers import error_answer


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.BadRequestError("x"), 400), (PhotoTooLargeError("x"), 413),
        (UnsupportedPhotoError("x"), 415), (BrokenPhotoError("x"), 422),
        (CropRequestError("x"), 422), (errors.OverloadedError("x"), 429), (errors.EngineMemoryError("x"), 500),
        (errors.NotReadyError("x"), 503), (errors.DeadlineError("x"), 504), (VrnError("x"), 500),
    ],
)  # fmt: skip
def test_statuses_are_those_of_the_api(error, status):
    assert error_answer(error, "id").status_code == status


def test_body_has_code_message_and_request_id():
    answer = error_answer(errors.BadRequestError("say please"), "id-1")
    assert json.loads(answer.body) == {
        "error": {"code": "bad_request", "message": "say please", "request_id": "id-1"}
    }


@pytest.mark.parametrize("error", [ValueError("/secret/path"), errors.StartUpError("/secret/path"), KeyError("k")])
def test_messages_that_were_not_written_for_clients_are_not_shown(error):
    answer = error_answer(error, "id")
    assert answer.status_code == 500
    assert b"secret" not in answer.body


@pytest.mark.parametrize(("retry_after_s", "header"), [(0.0, "1"), (1.2, "2"), (1e9, "60")])
def test_retry_after_is_whole_seconds_in_reason(retry_after_s, header):
    assert error_answer(errors.OverloadedError("x", retry_after_s), "id").headers["retry-after"] == header
