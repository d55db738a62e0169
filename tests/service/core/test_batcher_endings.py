"""How an item of the micro-batcher ends: with its result, with a named error, or gone; in virtual time."""

import asyncio

import pytest

from vrn_cropper.service.errors import DeadlineError, EngineError, EngineLostError, EngineMemoryError

pytestmark = pytest.mark.virtual_time


def submit(batcher, item, group="a", deadline_at=None):
    return asyncio.create_task(batcher.submit(item, group=group, deadline_at=deadline_at))


def now():
    return asyncio.get_running_loop().time()


async def test_expired_item_is_answered_at_its_deadline_and_never_reaches_the_engine(
    running_batcher, fake_runner, observer
):
    runner = fake_runner(seconds_per_item=1.0)
    async with running_batcher(runner, observer) as batcher:
        first = submit(batcher, 1)
        await asyncio.sleep(0.1)
        hurried, patient = submit(batcher, 2, deadline_at=0.5), submit(batcher, 3)
        with pytest.raises(DeadlineError):
            await hurried
        assert now() == pytest.approx(0.5)
        await asyncio.gather(first, patient)
    assert runner.batches == [[1], [3]]
    assert observer.dropped == ["deadline"]


async def test_item_that_expires_in_a_prepared_batch_is_taken_out_before_it_runs(
    running_batcher, fake_runner, observer
):
    runner = fake_runner(seconds_per_item=1.0)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        first = submit(batcher, 1)
        await asyncio.sleep(0.1)
        hurried, patient = submit(batcher, 2, deadline_at=0.5), submit(batcher, 3)
        await asyncio.sleep(0.1)
        assert runner.prepared[-1] == [2, 3]
        with pytest.raises(DeadlineError):
            await hurried
        await asyncio.gather(first, patient)
    assert runner.batches == [[1], [3]]


async def test_disconnected_item_leaves_the_queue_at_once(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=1.0)
    async with running_batcher(runner, observer, max_wait_s=10.0) as batcher:
        await batcher.submit(0, group="a")
        first = submit(batcher, 1)
        await asyncio.sleep(0.1)
        gone, stays = submit(batcher, 2), submit(batcher, 3)
        await asyncio.sleep(0.1)
        assert batcher.depth == 2
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        assert batcher.depth == 1
        await asyncio.gather(first, stays)
    assert runner.batches == [[0], [1], [3]]
    assert observer.dropped == ["disconnected"]


async def test_client_that_leaves_while_its_batch_runs_does_not_harm_the_others(
    running_batcher, fake_runner, observer
):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer) as batcher:
        await batcher.submit(0, group="a")
        busy = submit(batcher, 9)
        await asyncio.sleep(0.01)
        tasks = [submit(batcher, item) for item in (1, 2)]
        await asyncio.sleep(0.15)
        assert runner.batches[-1] == [1, 2]
        tasks[0].cancel()
        assert (await tasks[1]).value == 4
        assert (await busy).value == 18
        assert (await batcher.submit(5, group="a")).value == 10


async def test_poison_item_fails_alone(running_batcher, fake_runner, observer):
    def behave(items):
        if 13 in items:
            raise EngineError("cannot score 13")
        return [item * 2 for item in items]

    runner = fake_runner(seconds_per_item=0.1, behave=behave)
    async with running_batcher(runner, observer) as batcher:
        busy = submit(batcher, 0)
        await asyncio.sleep(0.01)
        results = await asyncio.gather(*[submit(batcher, item) for item in (1, 13, 2)], return_exceptions=True)
        await busy
        assert (await batcher.submit(7, group="a")).value == 14
    assert [getattr(result, "value", None) for result in results] == [2, None, 4]
    assert isinstance(results[1], EngineError)
    assert runner.batches[1:5] == [[1, 13, 2], [1], [13], [2]]


async def test_failing_batch_does_not_touch_the_one_beside_it(running_batcher, fake_runner, observer):
    def behave(items):
        if 13 in items:
            raise EngineError("cannot score 13")
        return [item * 2 for item in items]

    runner = fake_runner(seconds_per_item=0.1, behave=behave, parallel_batches=2)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        tasks = [submit(batcher, item) for item in (1, 13, 2, 3)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(result, "value", None) for result in results] == [2, None, 4, 6]
    assert runner.batches[:2] == [[1, 13], [2, 3]]


async def test_item_that_cannot_be_prepared_fails_alone(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    prepare = runner.prepare

    async def fussy(items):
        if 13 in items:
            raise EngineError("13 has another shape")
        return await prepare(items)

    runner.prepare = fussy
    async with running_batcher(runner, observer) as batcher:
        busy = submit(batcher, 0)
        await asyncio.sleep(0.01)
        results = await asyncio.gather(*[submit(batcher, item) for item in (1, 13, 2)], return_exceptions=True)
        await busy
    assert [getattr(result, "value", None) for result in results] == [2, None, 4]


async def test_out_of_memory_halves_the_batch_until_it_fits(running_batcher, fake_runner, observer):
    def behave(items):
        if len(items) > 2:
            raise EngineMemoryError("too large")
        return [item * 2 for item in items]

    runner = fake_runner(behave=behave)
    async with running_batcher(runner, observer, max_batch_size=8) as batcher:
        results = await asyncio.gather(*[submit(batcher, item) for item in range(8)])
    assert [result.value for result in results] == [item * 2 for item in range(8)]
    assert [len(batch) for batch in runner.batches] == [8, 4, 2, 2, 4, 2, 2]


async def test_wrong_number_of_results_is_an_error_and_never_shifts_answers(running_batcher, fake_runner, observer):
    runner = fake_runner(behave=lambda items: [item * 2 for item in items][:-1])
    async with running_batcher(runner, observer) as batcher:
        with pytest.raises(EngineError, match="0 of 1"):
            await batcher.submit(1, group="a")


async def test_when_the_loop_ends_nobody_is_left_waiting_and_nothing_more_is_taken(
    running_batcher, fake_runner, observer
):
    runner = fake_runner(seconds_per_item=10.0)
    running = running_batcher(runner, observer, max_batch_size=1)
    async with running as batcher:
        tasks = [submit(batcher, item) for item in range(4)]  # running, prepared, queued
        await asyncio.sleep(0.1)
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, EngineError)
    assert not batcher.is_alive
    with pytest.raises(EngineError):
        await batcher.submit(5, group="a")


async def test_loop_that_dies_of_a_bug_says_so_and_fails_what_waits(running_batcher, fake_runner, observer):
    def broken(size, run_s):
        raise RuntimeError("a bug in the observer")

    observer.batch_ran = broken
    running = running_batcher(fake_runner(), observer)
    async with running as batcher:
        with pytest.raises(EngineError):
            await batcher.submit(1, group="a")
        await asyncio.wait([running.loop_task])
        assert isinstance(running.loop_task.exception(), RuntimeError)
        assert not batcher.is_alive


@pytest.mark.parametrize("where", ["run", "prepare"])
async def test_lost_engine_ends_the_loop_and_everything_that_waits_and_is_asked_nothing_more(
    running_batcher, fake_runner, observer, where
):
    def lost(items):
        raise EngineLostError("the engine hangs")

    async def lost_in_prepare(items):
        lost(items)

    runner = fake_runner(seconds_per_item=0.1, behave=lost)
    if where == "prepare":
        runner.prepare = lost_in_prepare
    running = running_batcher(runner, observer, max_batch_size=2)
    async with running as batcher:
        results = await asyncio.gather(*[submit(batcher, item) for item in range(6)], return_exceptions=True)
        assert all(isinstance(result, EngineError) for result in results)
        assert not batcher.is_alive
        assert len(runner.batches) == (1 if where == "run" else 0)
        assert isinstance(running.loop_task.exception(), EngineLostError)
