"""The pixel budget bounds what threads decode at once."""

import threading

import pytest

from vrn_cropper.service.core.pixel_budget import PixelBudget


def waiting_threads(budget, sizes):
    """Threads that hold `sizes` until released, and the order in which they began."""
    began, release = [], threading.Event()
    changed = threading.Condition()

    def work(size):
        with budget.hold(size):
            with changed:
                began.append(size)
                changed.notify_all()
            release.wait(10)

    threads = []
    for size in sizes:
        thread = threading.Thread(target=work, args=(size,), daemon=True)
        thread.start()
        threads.append(thread)
        # The next thread takes its ticket only after this one has: order is what is tested.
        while budget._next_ticket < len(threads):
            pass
    return threads, began, release, changed


def test_pixels_at_once_stay_below_the_limit_and_large_photos_keep_their_turn():
    budget = PixelBudget(100)
    threads, began, release, changed = waiting_threads(budget, [60, 30, 50, 5])
    with changed:
        assert changed.wait_for(lambda: began == [60, 30], 10)
    # 5 would fit beside them, but 50 came first and must not be passed over for ever.
    assert (began, budget.held) == ([60, 30], 90)
    release.set()
    for thread in threads:
        thread.join(10)
    assert began == [60, 30, 50, 5]
    assert budget.held == 0


def test_photo_above_the_limit_is_decoded_alone():
    budget = PixelBudget(100)
    with budget.hold(1000):
        assert budget.held == 1000
    assert budget.held == 0


def test_pixels_are_given_back_when_decoding_fails():
    budget = PixelBudget(100)
    with pytest.raises(ValueError, match="broken"), budget.hold(100):
        raise ValueError("broken")
    with budget.hold(100):
        assert budget.held == 100
