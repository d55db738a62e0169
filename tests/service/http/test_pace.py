"""The floor of a transfer: bytes buy time, and a fast beginning does not pay for a long pause."""

import pytest

from vrn_cropper.service.http.pace import Pace, PaceLimits


def test_transfer_that_stands_still_ends_after_the_pause_allowed():
    assert Pace(PaceLimits(100.0, 5.0), began_at=1000.0).ends_at == 1005.0


def test_transfer_at_the_floor_goes_on_for_ever():
    pace = Pace(PaceLimits(100.0, 5.0), began_at=0.0)
    for second in range(1, 10_000):
        pace.moved(100, float(second))
        assert pace.ends_at > second + 1


def test_transfer_below_the_floor_ends_although_it_never_pauses_long():
    pace = Pace(PaceLimits(100.0, 5.0), began_at=0.0)
    second = 0
    while second < pace.ends_at:
        second += 1
        pace.moved(50, float(second))
    assert second == pytest.approx(10, abs=1)


def test_fast_beginning_saves_up_no_more_than_one_pause():
    pace = Pace(PaceLimits(100.0, 5.0), began_at=0.0)
    pace.moved(1_000_000, 1.0)
    assert pace.ends_at == 6.0


def test_whole_time_is_bounded_however_fast_it_is():
    pace = Pace(PaceLimits(100.0, 5.0, timeout_s=8.0), began_at=0.0)
    for second in range(1, 20):
        pace.moved(1_000_000, float(second))
    assert pace.ends_at == 8.0
