"""A full service refuses at once and says when to come back."""

import asyncio

import pytest

from tests.loops import virtual_clock
from vrn_cropper.service.core.accepted_photos import AcceptedPhotos
from vrn_cropper.service.core.wait_estimate import WaitEstimate
from vrn_cropper.service.errors import DeadlineError, OverloadedError
from vrn_cropper.service.http.admission import Admission

NEVER = float("inf")
CAPACITY = 7.0  # photos a second
DEADLINE_S = 0.9
SECONDS = 30


@pytest.fixture
def admission():
    waits = WaitEstimate(1)
    waits.answered(0, 0.8)
    return Admission(AcceptedPhotos(2), max_bytes=100, waits=waits)


async def test_no_more_photos_than_the_bound_and_a_hint_when_to_come_back(admission):
    async with admission.accept(NEVER), admission.accept(NEVER):
        assert admission.is_full
        with pytest.raises(OverloadedError) as refusal:
            await admission.accept(NEVER).__aenter__()
        assert refusal.value.retry_after_s == pytest.approx(3.0)
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


class OnePhotoAtATime:
    """A process that answers CAPACITY photos a second, in order; what it has begun it ends, whoever has left."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._turn = asyncio.Lock()
        self.ends: list[str] = []

    async def crop(self) -> None:
        deadline_at = virtual_clock() + DEADLINE_S
        try:
            async with self._admission.accept(deadline_at):
                await self._answer(deadline_at)
            self.ends.append("ok")
        except DeadlineError:
            self.ends.append("late")
        except OverloadedError:
            self.ends.append("refused")

    async def _answer(self, deadline_at: float) -> None:
        try:
            async with asyncio.timeout_at(deadline_at):
                await self._turn.acquire()
                await asyncio.shield(self._work())
        except TimeoutError:
            raise DeadlineError("too late") from None

    async def _work(self) -> None:
        await asyncio.sleep(1 / CAPACITY)
        self._turn.release()


@pytest.mark.virtual_time
@pytest.mark.parametrize("load", [1.5, 2.0, 5.0, 20.0])
async def test_with_short_deadlines_nearly_all_of_the_capacity_is_answered_in_time(load):
    process = OnePhotoAtATime(Admission(AcceptedPhotos(128), 100, WaitEstimate(1), virtual_clock))
    async with asyncio.TaskGroup() as clients:
        for _ in range(int(SECONDS * CAPACITY * load)):
            clients.create_task(process.crop())
            await asyncio.sleep(1 / (CAPACITY * load))
    assert process.ends.count("ok") >= 0.9 * SECONDS * CAPACITY
    assert process.ends.count("late") <= 0.1 * SECONDS * CAPACITY


@pytest.mark.asyncio
async def test_late_photo_is_refused_before_its_upload_is_read(serving, photo_bytes, fake_engine):
    clock = [0.0]

    class SlowEngine(fake_engine):
        def score(self, batch):
            clock[0] += 5
            return super().score(batch)

    async with serving(SlowEngine(), clock=lambda: clock[0], request_timeout_s=600) as (client, process):
        photo = photo_bytes(60, 40, "PNG")
        assert (await client.post("/crop", content=photo)).status_code == 200
        async with process.admission.accept(NEVER):  # one photo is ahead
            late = await client.post("/crop", content=photo, headers={"x-request-timeout-ms": "4000"})
            patient = await client.post("/crop", content=photo, headers={"x-request-timeout-ms": "60000"})
    assert (late.status_code, late.json()["error"]["code"]) == (429, "overloaded")
    assert "longer than its deadline" in late.json()["error"]["message"]
    assert int(late.headers["retry-after"]) >= 1
    assert patient.status_code == 200
