"""Pixels held between decode and encode: bounded, in order, never lost."""

import asyncio

from vrn_cropper.service.core.pixel_limit import PixelReserve


def test_what_does_not_fit_waits_its_turn_and_is_not_passed_over(in_virtual_time):
    async def scenario():
        reserve, order, most = PixelReserve(10), [], 0

        async def hold(name, pixels, seconds):
            nonlocal most
            async with reserve.hold(pixels):
                order.append(name)
                most = max(most, reserve.held)
                await asyncio.sleep(seconds)

        await asyncio.gather(hold("a", 6, 1), hold("b", 8, 1), hold("c", 2, 1), hold("d", 2, 1))
        assert order == ["a", "b", "c", "d"]
        assert (most, reserve.held) == (10, 0)

    in_virtual_time(scenario())


def test_photo_above_the_limit_is_held_alone(in_virtual_time):
    async def scenario():
        reserve = PixelReserve(10)
        async with reserve.hold(5):
            huge = asyncio.create_task(reserve._take(50))
            await asyncio.sleep(1)
            assert not huge.done()
        await huge
        assert reserve.held == 50

    in_virtual_time(scenario())


def test_one_who_leaves_while_waiting_lets_the_next_in(in_virtual_time):
    async def scenario():
        reserve = PixelReserve(10)
        async with reserve.hold(6):
            large = asyncio.create_task(reserve._take(9))
            small = asyncio.create_task(reserve._take(3))
            await asyncio.sleep(1)
            assert not small.done()
            large.cancel()
            await asyncio.sleep(1)
            assert small.done()
        assert reserve.held == 3

    in_virtual_time(scenario())


def test_turn_that_comes_with_the_cancellation_is_given_back(in_virtual_time):
    async def scenario():
        reserve = PixelReserve(10)
        holding = reserve.hold(10)
        await holding.__aenter__()
        waiting = asyncio.create_task(reserve._take(4))
        await asyncio.sleep(0)
        await holding.__aexit__(None, None, None)  # hands the turn over ...
        waiting.cancel()  # ... to one who is leaving
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()
        assert reserve.held == 0

    in_virtual_time(scenario())
