"""Admission bounds what the process takes on."""

import pytest

from vrn_cropper.service.errors import OverloadedError
from vrn_cropper.service.http.admission import Admission


@pytest.fixture
def admission():
    return Admission(max_items=2, max_bytes=100, estimate_s=lambda items: items * 1.5)


def test_no_more_items_than_the_limit_and_a_hint_when_to_come_back(admission):
    with admission.accept(), admission.accept():
        assert admission.is_full
        with pytest.raises(OverloadedError) as refusal, admission.accept():
            pytest.fail("a third item was accepted")
        assert refusal.value.retry_after_s == 3.0
    assert admission.items == 0
    assert not admission.is_full


def test_room_is_given_back_when_the_work_fails(admission):
    with pytest.raises(ValueError, match="broken"), admission.accept():
        raise ValueError("broken")
    assert admission.items == 0


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
