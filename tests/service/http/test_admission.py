"""A full service refuses at once and says when to come back."""

import pytest

from vrn_cropper.service.core.accepted_photos import AcceptedPhotos
from vrn_cropper.service.errors import OverloadedError
from vrn_cropper.service.http.admission import Admission


@pytest.fixture
def admission():
    return Admission(AcceptedPhotos(2), max_bytes=100, estimate_s=lambda photos: photos * 1.5)


async def test_no_more_photos_than_the_bound_and_a_hint_when_to_come_back(admission):
    async with admission.accept(), admission.accept():
        assert admission.is_full
        with pytest.raises(OverloadedError) as refusal:
            await admission.accept().__aenter__()
        assert refusal.value.retry_after_s == 3.0
    assert (admission.photos, admission.is_full) == (0, False)


def test_bytes_of_all_uploads_together_are_bounded(admission):
    with admission.hold_bytes() as first, admission.hold_bytes() as second:
        first.grow(60)
        second.grow(40)
        with pytest.raises(OverloadedError):
            second.grow(1)
        assert admission.bytes == 100
    assert admission.bytes == 0


def test_single_upload_always_fits(admission):
    with admission.hold_bytes() as hold:
        hold.grow(1000)
        assert admission.bytes == 1000
    assert admission.bytes == 0
