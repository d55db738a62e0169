"""Pixels in memory: bounded, in order, never lost."""

import asyncio
import contextlib

import pytest

from vrn_cropper.service.core.pixel_limit import PixelLimit

pytestmark = pytest.mark.virtual_time


async def hold_until(limit, pixels, release):
    async with limit.hold(pixels):
        await release.wait()


async def test_what_does_not_fit_waits_its_turn_and_is_not_passed_over():
    limit, order, most = PixelLimit(10), [], 0

    async def hold(name, pixels, seconds):
        nonlocal most
        async with limit.hold(pixels):
            order.append(name)
            most = max(most, limit.held)
            await asyncio.sleep(seconds)

    await asyncio.gather(hold("a", 6, 1), hold("b", 8, 1), hold("c", 2, 1), hold("d", 2, 1))
    assert order == ["a", "b", "c", "d"]
    assert (most, limit.held) == (10, 0)


async def test_photo_above_the_limit_is_held_alone():
    limit, release = PixelLimit(10), asyncio.Event()
    async with limit.hold(5):
        huge = asyncio.create_task(hold_until(limit, 50, release))
        await asyncio.sleep(1)
        assert limit.held == 5
    await asyncio.sleep(1)
    assert limit.held == 50
    release.set()
    await huge
    assert limit.held == 0


async def test_one_who_leaves_while_waiting_lets_the_next_in():
    limit, release = PixelLimit(10), asyncio.Event()
    async with limit.hold(6):
        large = asyncio.create_task(hold_until(limit, 9, release))
        small = asyncio.create_task(hold_until(limit, 3, release))
        await asyncio.sleep(1)
        assert limit.held == 6
        large.cancel()
        await asyncio.sleep(1)
        assert limit.held == 9
    release.set()
    await small
    assert limit.held == 0


async def test_turn_that_comes_with_the_cancellation_is_given_back():
    limit = PixelLimit(10)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(limit.hold(10))
        waiting = asyncio.create_task(hold_until(limit, 4, asyncio.Event()))
        await asyncio.sleep(0)
        await stack.aclose()  # hands the turn over ...
        waiting.cancel()  # ... to one who is leaving
        await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert limit.held == 0


async def test_pixels_stay_taken_while_work_that_nobody_waits_for_still_uses_them():
    limit = PixelLimit(10)
    async with limit.hold(10) as held:
        held.begin_use()
    assert limit.held == 10
    held.end_use()
    assert limit.held == 0
