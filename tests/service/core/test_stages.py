"""The stages of a photo add up to the whole of its time."""

import pytest

from vrn_cropper.service.core.stages import Stages


class SetClock:
    now = 10.0

    def __call__(self):
        return self.now


def test_every_moment_belongs_to_one_stage_and_work_that_measured_itself_is_split_off():
    clock = SetClock()
    stages = Stages("receive", clock, began_at=8.0)
    stages.begin("decode_wait")
    clock.now = 15.0
    stages.split("decode", 3.0)
    stages.begin("queue")
    clock.now = 16.0
    stages.begin("decode_wait")  # goes on
    clock.now = 16.5
    assert stages.seconds() == {"receive": 2.0, "decode_wait": 2.5, "decode": 3.0, "queue": 1.0}
    clock.now = 17.0
    assert sum(stages.seconds().values()) == 17.0 - 8.0


def test_work_never_takes_more_than_its_stage_had():
    clock = SetClock()
    stages = Stages("queue", clock)
    clock.now = 11.0
    stages.split("inference", 5.0)  # measured by a clock that is a little off
    assert stages.seconds() == {"queue": pytest.approx(0.0), "inference": pytest.approx(1.0)}
