"""One bound of accepted photos, and permits that are carried."""

import asyncio

import pytest

from vrn_cropper.service.core.accepted_photos import AcceptedPhotos


async def test_no_more_photos_than_the_bound_and_whoever_waits_is_let_in_by_turn():
    accepted, order = AcceptedPhotos(2), []

    async def crop(number):
        async with accepted.accept():
            order.append(number)
            assert accepted.count <= 2
            await asyncio.sleep(0)

    await asyncio.gather(*(crop(number) for number in range(6)))
    assert order == list(range(6))
    assert accepted.count == 0


async def test_room_is_given_back_when_the_work_fails_or_stops_waiting():
    accepted = AcceptedPhotos(1)

    async def fail_while_another_gives_up():
        async with accepted.accept():
            assert accepted.is_full
            waiting = asyncio.create_task(accepted.accept().__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await fail_while_another_gives_up()
    assert (accepted.count, accepted.is_full) == (0, False)


async def test_permit_is_for_one_photo_inside_its_block():
    accepted = AcceptedPhotos(2)
    async with accepted.accept() as permit, accepted.accept() as unused:
        permit.spend()
        with pytest.raises(RuntimeError, match="one photo"):
            permit.spend()
    with pytest.raises(RuntimeError, match="its block"):
        unused.spend()
