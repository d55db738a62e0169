"""The wait of a photo is told from the rate of those before it."""

import pytest

from vrn_cropper.service.core.wait_estimate import WaitEstimate


def busy(seconds_per_photo: float, parallel: int = 4) -> WaitEstimate:
    """Taught by a process that is busy with ten photos at a time."""
    waits = WaitEstimate(parallel)
    for _ in range(100):
        waits.answered(9, 10 * seconds_per_photo)
    return waits


def test_nothing_is_refused_before_anything_is_known():
    assert not WaitEstimate(4).is_late(100, 0.001)


def test_wait_grows_with_the_photos_ahead_and_leaves_a_margin():
    waits = busy(0.1)
    assert waits.wait_s(0) == pytest.approx(0.125)
    assert waits.wait_s(7) == pytest.approx(1.0)
    assert [waits.is_late(ahead, 0.9) for ahead in (5, 6, 7)] == [False, False, True]


def test_slow_photo_alone_says_nothing_of_a_busy_process():
    """A lone photo takes long on one core while others stand idle."""
    waits = busy(0.02)
    for _ in range(100):
        waits.answered(0, 0.5)
    assert waits.seconds_per_photo == pytest.approx(0.02)


def test_estimate_comes_down_at_low_load_too():
    waits = busy(1.0)
    for _ in range(100):
        waits.answered(0, 0.05)
    assert waits.seconds_per_photo == pytest.approx(0.05, rel=0.01)


def test_photo_with_nobody_ahead_is_always_tried():
    assert not busy(60.0).is_late(0, 0.1)


def test_deadlines_that_pass_raise_the_estimate_and_never_lower_it():
    waits = busy(0.1)
    waits.gave_up(9, 0.2)
    assert waits.seconds_per_photo == pytest.approx(0.1)
    for _ in range(100):
        waits.gave_up(2, 0.9)
    assert waits.seconds_per_photo == pytest.approx(0.3, rel=0.01)
