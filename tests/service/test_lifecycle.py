"""The process's states and when work is taken."""

import pytest

from vrn_cropper.service.errors import NotReadyError
from vrn_cropper.service.lifecycle import Lifecycle, State


def test_work_is_taken_only_when_ready():
    lifecycle = Lifecycle()
    with pytest.raises(NotReadyError, match="warming up"):
        lifecycle.check_takes_work()
    lifecycle.warmed_up()
    lifecycle.check_takes_work()
    lifecycle.drain()
    with pytest.raises(NotReadyError, match="shutting down"):
        lifecycle.check_takes_work()


def test_drain_during_warm_up_stands():
    lifecycle = Lifecycle()
    lifecycle.drain()
    lifecycle.warmed_up()
    assert lifecycle.state is State.DRAINING


def test_failure_stands_and_its_first_cause_is_kept():
    lifecycle = Lifecycle()
    first = ValueError("first")
    lifecycle.fail(first)
    lifecycle.fail(ValueError("second"))
    lifecycle.drain()
    lifecycle.warmed_up()
    assert (lifecycle.state, lifecycle.failure) == (State.FAILED, first)
