"""One table from errors to statuses and codes; it is known without HTTP, and nothing internal leaks."""

import pytest

from vrn_cropper.model.errors import CropRequestError, PhotoError, VrnError
from vrn_cropper.service import errors
from vrn_cropper.service.error_codes import INTERNAL, OUTCOMES, client_message, status_and_code

_NEVER_ANSWERED = {errors.ServiceError, PhotoError, errors.StartUpError}


def leaves(kind):
    return {kind, *(leaf for child in kind.__subclasses__() for leaf in leaves(child))}


def test_every_error_of_the_service_has_a_status_and_a_known_outcome():
    for kind in (leaves(errors.ServiceError) | leaves(PhotoError)) - _NEVER_ANSWERED:
        status, code = status_and_code(kind("text"))
        assert code != INTERNAL[1], kind
        assert code in OUTCOMES
        assert 400 <= status < 600


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (errors.EngineMemoryError("x"), (500, "engine_error")),  # by the class above it
        (CropRequestError("x"), (422, "impossible_crop")),
        (VrnError("x"), INTERNAL),
        (KeyError("x"), INTERNAL),
    ],
)
def test_error_without_a_row_has_that_of_its_nearest_class_or_is_internal(error, row):
    assert status_and_code(error) == row


def test_message_written_for_clients_is_shown_and_no_other():
    assert client_message(errors.BadRequestError("say please")) == "say please"
    for error in (ValueError("/secret/path"), errors.StartUpError("/secret/path"), KeyError("secret")):
        assert "secret" not in client_message(error)
        assert "request_id" in client_message(error)
