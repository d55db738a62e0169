"""Where a photo's time goes in the crop service, and that it takes no photo without a permit."""

import asyncio
import threading

import pytest

from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.build import build_core
from vrn_cropper.service.settings import read_settings

PATIENCE_S = 60


class SetClock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return SetClock()


@pytest.fixture
def core(export_path, fake_engine, clock):
    """A core with one decode thread, whose engine takes two seconds of `clock` for a batch."""

    class SlowEngine(fake_engine):
        def score(self, batch):
            clock.now += 2.0
            return super().score(batch)

    settings = read_settings({"VRN_MODEL_PATH": str(export_path), "VRN_DECODE_THREADS": "1"})
    return build_core(settings, engine=SlowEngine(), clock=clock)


async def test_waiting_for_a_decode_thread_is_a_stage_of_its_own_and_nothing_is_left_over(core, clock, photo_bytes):
    is_free = threading.Event()
    async with core.running(), core.accepted.accept() as permit:
        blocker = asyncio.create_task(core.pool.run(lambda _: is_free.wait(PATIENCE_S), None))
        cropping = asyncio.create_task(core.crops.crop(photo_bytes(60, 40, "PNG"), CropOptions(), permit))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the photo waits behind the blocker
        clock.now += 5.0
        is_free.set()
        seconds = (await cropping).seconds
        await blocker
    assert seconds == pytest.approx({"decode_wait": 5.0, "decode": 0.0, "queue": 0.0, "inference": 2.0, "rank": 0.0})
    assert sum(seconds.values()) == clock.now


async def test_permit_serves_one_photo(core, photo_bytes):
    photo = photo_bytes(60, 40, "PNG")
    async with core.running(), core.accepted.accept() as permit:
        await core.crops.crop(photo, CropOptions(), permit)
        with pytest.raises(RuntimeError, match="one photo"):
            await core.crops.crop(photo, CropOptions(), permit)
