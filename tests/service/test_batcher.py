"""The micro-batcher's promises, in virtual time."""

import asyncio

import pytest

from service.batcher import Batcher, BatchLimits
from service.errors import DeadlineError, EngineError, EngineMemoryError, OverloadedError


def clock():
    return asyncio.get_running_loop().time()


class Running:
    """A batcher whose loop runs while the block does."""

    def __init__(self, runner, observer, *, max_batch_size=4, max_queue_size=100, max_wait_s=1.0):
        limits = BatchLimits(max_batch_size, max_queue_size, max_wait_s, runner.parallel_batches)
        self.batcher = Batcher(runner, limits, observer, clock)

    async def __aenter__(self):
        self.loop_task = asyncio.create_task(self.batcher.run())
        return self.batcher

    async def __aexit__(self, *_):
        self.loop_task.cancel()
        await asyncio.gather(self.loop_task, return_exceptions=True)


def submit(batcher, item, group="a", deadline_s=None):
    return asyncio.create_task(batcher.submit(item, group=group, deadline_s=deadline_s))


async def passing(seconds):
    await asyncio.sleep(seconds)


def test_single_item_leaves_at_once_because_the_engine_is_idle(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer, max_wait_s=5.0) as batcher:
            result = await batcher.submit(3, group="a")
        assert (result.value, result.batch_size, result.queue_s) == (6, 1, 0.0)
        assert result.run_s == pytest.approx(0.1)
        assert runner.started_at == [0.0]

    in_virtual_time(scenario())


def test_items_that_come_while_the_engine_is_busy_share_the_next_batch(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer) as batcher:
            first = submit(batcher, 1)
            await passing(0.05)
            rest = [submit(batcher, item) for item in (2, 3, 4)]
            results = await asyncio.gather(first, *rest)
        assert [result.value for result in results] == [2, 4, 6, 8]
        assert runner.batches == [[1], [2, 3, 4]]
        assert results[1].queue_s == pytest.approx(0.05)

    in_virtual_time(scenario())


def test_full_batch_is_closed_at_the_limit_and_order_is_kept(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            await asyncio.gather(*[submit(batcher, item) for item in range(5)])
        assert runner.batches == [[0, 1], [2, 3], [4]]

    in_virtual_time(scenario())


def test_one_batch_is_prepared_while_one_runs(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            tasks = [submit(batcher, item) for item in range(6)]
            await passing(0.5)
            assert runner.batches == [[0, 1]]
            assert runner.prepared == [[0, 1], [2, 3]]
            await asyncio.gather(*tasks)

    in_virtual_time(scenario())


def test_as_many_batches_run_at_once_as_the_runner_takes_and_one_more_is_prepared(
    in_virtual_time, fake_runner, observer
):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0, parallel_batches=2)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            tasks = [submit(batcher, item) for item in range(8)]
            await passing(0.5)
            assert runner.batches == [[0, 1], [2, 3]]
            assert runner.prepared == [[0, 1], [2, 3], [4, 5]]
            results = await asyncio.gather(*tasks)
        assert [result.value for result in results] == [item * 2 for item in range(8)]
        assert runner.started_at == [0.0, 0.0, 2.0, 2.0]

    in_virtual_time(scenario())


def test_batch_leaves_as_soon_as_the_first_of_the_running_ones_ends(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0, parallel_batches=2)
        async with Running(runner, observer, max_batch_size=3) as batcher:
            tasks = [submit(batcher, item, "long") for item in range(3)]  # until 3.0
            await passing(0.1)
            tasks.append(submit(batcher, 3, "short"))  # until 1.1
            await passing(0.1)
            tasks.append(submit(batcher, 4))
            await asyncio.gather(*tasks)
        assert runner.batches == [[0, 1, 2], [3], [4]]
        assert runner.started_at == pytest.approx([0.0, 0.1, 1.1])

    in_virtual_time(scenario())


def test_seconds_per_item_count_what_runs_at_once(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0, parallel_batches=2)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            await asyncio.gather(*[submit(batcher, item) for item in range(4)])
            assert clock() == pytest.approx(2.0)  # four items in two seconds
            assert batcher.seconds_per_item == pytest.approx(0.5)

    in_virtual_time(scenario())


def test_failing_batch_does_not_touch_the_one_beside_it(in_virtual_time, fake_runner, observer):
    def behave(items):
        if 13 in items:
            raise EngineError("cannot score 13")
        return [item * 2 for item in items]

    async def scenario():
        runner = fake_runner(seconds_per_item=0.1, behave=behave, parallel_batches=2)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            tasks = [submit(batcher, item) for item in (1, 13, 2, 3)]
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [getattr(result, "value", None) for result in results] == [2, None, 4, 6]
        assert runner.batches[:2] == [[1, 13], [2, 3]]

    in_virtual_time(scenario())


def test_window_ends_when_the_running_batch_is_expected_to_end(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer, max_wait_s=10.0) as batcher:
            await batcher.submit(0, group="a")  # measured: 0.1 s an item
            runner.seconds_per_item = 1.0  # the next batch takes longer than expected
            slow = submit(batcher, 1)
            await passing(0.02)
            waiting = submit(batcher, 2)
            await passing(0.05)
            assert len(runner.prepared) == 2  # the window is open: others may still join
            await passing(0.05)
            assert runner.prepared[2:] == [[2]]  # 0.1 s after the run began
            await asyncio.gather(slow, waiting)

    in_virtual_time(scenario())


def test_window_is_never_longer_than_max_wait(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=5.0)
        async with Running(runner, observer, max_wait_s=0.5) as batcher:
            await batcher.submit(0, group="a")
            tasks = [submit(batcher, 1)]
            await passing(0.1)
            tasks.append(submit(batcher, 2))
            await passing(0.45)
            assert runner.prepared[2:] == []
            await passing(0.1)
            assert runner.prepared[2:] == [[2]]
            await asyncio.gather(*tasks)

    in_virtual_time(scenario())


def test_groups_never_mix_and_the_oldest_goes_first(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer) as batcher:
            tasks = [submit(batcher, 0, "busy")]
            await passing(0.01)
            for item, group in ((1, "wide"), (2, "tall"), (3, "wide"), (4, "tall")):
                tasks.append(submit(batcher, item, group))
                await passing(0.001)
            await asyncio.gather(*tasks)
        assert runner.batches == [[0], [1, 3], [2, 4]]

    in_virtual_time(scenario())


def test_rare_shape_does_not_starve_behind_a_common_one(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            common = [submit(batcher, item, "common") for item in range(4)]
            await passing(0.01)
            rare = submit(batcher, 99, "rare")
            for item in range(20):  # more than the engine can take
                await passing(0.05)
                common.append(submit(batcher, item, "common"))
            await rare
            assert [99] in runner.batches[:4]
            await asyncio.gather(*common)

    in_virtual_time(scenario())


def test_full_queue_refuses_and_says_when_to_come_back(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0)
        async with Running(runner, observer, max_batch_size=1, max_queue_size=3) as batcher:
            await batcher.submit(0, group="a")
            tasks = [submit(batcher, item) for item in range(5)]
            await passing(0)
            await passing(0.1)
            tasks += [submit(batcher, item) for item in range(3)]
            await passing(0)
            full = [task for task in tasks if task.done()]
            assert full
            for task in full:
                with pytest.raises(OverloadedError) as refusal:
                    task.result()
                assert refusal.value.retry_after_s == pytest.approx(3.0)
            assert observer.dropped == ["queue_full"] * len(full)
            await asyncio.gather(*tasks, return_exceptions=True)

    in_virtual_time(scenario())


def test_expired_item_is_answered_at_its_deadline_and_never_reaches_the_engine(
    in_virtual_time, fake_runner, observer
):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0)
        async with Running(runner, observer) as batcher:
            first = submit(batcher, 1)
            await passing(0.1)
            hurried, patient = submit(batcher, 2, deadline_s=0.5), submit(batcher, 3)
            with pytest.raises(DeadlineError):
                await hurried
            assert clock() == pytest.approx(0.5)
            await asyncio.gather(first, patient)
        assert runner.batches == [[1], [3]]
        assert observer.dropped == ["deadline"]

    in_virtual_time(scenario())


def test_item_that_expires_in_a_prepared_batch_is_taken_out_before_it_runs(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0)
        async with Running(runner, observer, max_batch_size=2) as batcher:
            first = submit(batcher, 1)
            await passing(0.1)
            hurried, patient = submit(batcher, 2, deadline_s=0.5), submit(batcher, 3)
            await passing(0.1)
            assert runner.prepared[-1] == [2, 3]
            with pytest.raises(DeadlineError):
                await hurried
            await asyncio.gather(first, patient)
        assert runner.batches == [[1], [3]]

    in_virtual_time(scenario())


def test_disconnected_item_leaves_the_queue_at_once(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=1.0)
        async with Running(runner, observer, max_wait_s=10.0) as batcher:
            await batcher.submit(0, group="a")
            first = submit(batcher, 1)
            await passing(0.1)
            gone, stays = submit(batcher, 2), submit(batcher, 3)
            await passing(0.1)
            assert batcher.depth == 2
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            assert batcher.depth == 1
            await asyncio.gather(first, stays)
        assert runner.batches == [[0], [1], [3]]
        assert observer.dropped == ["disconnected"]

    in_virtual_time(scenario())


def test_client_that_leaves_while_its_batch_runs_does_not_harm_the_others(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        async with Running(runner, observer) as batcher:
            await batcher.submit(0, group="a")
            busy = submit(batcher, 9)
            await passing(0.01)
            tasks = [submit(batcher, item) for item in (1, 2)]
            await passing(0.15)
            assert runner.batches[-1] == [1, 2]
            tasks[0].cancel()
            assert (await tasks[1]).value == 4
            assert (await busy).value == 18
            assert (await batcher.submit(5, group="a")).value == 10

    in_virtual_time(scenario())


def test_poison_item_fails_alone(in_virtual_time, fake_runner, observer):
    def behave(items):
        if 13 in items:
            raise EngineError("cannot score 13")
        return [item * 2 for item in items]

    async def scenario():
        runner = fake_runner(seconds_per_item=0.1, behave=behave)
        async with Running(runner, observer) as batcher:
            busy = submit(batcher, 0)
            await passing(0.01)
            results = await asyncio.gather(*[submit(batcher, item) for item in (1, 13, 2)], return_exceptions=True)
            await busy
            assert (await batcher.submit(7, group="a")).value == 14
        assert [getattr(result, "value", None) for result in results] == [2, None, 4]
        assert isinstance(results[1], EngineError)
        assert runner.batches[1:5] == [[1, 13, 2], [1], [13], [2]]

    in_virtual_time(scenario())


def test_item_that_cannot_be_prepared_fails_alone(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=0.1)
        prepare = runner.prepare

        async def fussy(items):
            if 13 in items:
                raise EngineError("13 has another shape")
            return await prepare(items)

        runner.prepare = fussy
        async with Running(runner, observer) as batcher:
            busy = submit(batcher, 0)
            await passing(0.01)
            results = await asyncio.gather(*[submit(batcher, item) for item in (1, 13, 2)], return_exceptions=True)
            await busy
        assert [getattr(result, "value", None) for result in results] == [2, None, 4]

    in_virtual_time(scenario())


def test_out_of_memory_halves_the_batch_until_it_fits(in_virtual_time, fake_runner, observer):
    def behave(items):
        if len(items) > 2:
            raise EngineMemoryError("too large")
        return [item * 2 for item in items]

    async def scenario():
        runner = fake_runner(behave=behave)
        async with Running(runner, observer, max_batch_size=8) as batcher:
            results = await asyncio.gather(*[submit(batcher, item) for item in range(8)])
        assert [result.value for result in results] == [item * 2 for item in range(8)]
        assert [len(batch) for batch in runner.batches] == [8, 4, 2, 2, 4, 2, 2]

    in_virtual_time(scenario())


def test_wrong_number_of_results_is_an_error_and_never_shifts_answers(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(behave=lambda items: [item * 2 for item in items][:-1])
        async with Running(runner, observer) as batcher:
            with pytest.raises(EngineError, match="0 of 1"):
                await batcher.submit(1, group="a")

    in_virtual_time(scenario())


def test_when_the_loop_ends_nobody_is_left_waiting_and_nothing_more_is_taken(in_virtual_time, fake_runner, observer):
    async def scenario():
        runner = fake_runner(seconds_per_item=10.0)
        running = Running(runner, observer, max_batch_size=1)
        async with running as batcher:
            tasks = [submit(batcher, item) for item in range(4)]  # running, prepared, queued
            await passing(0.1)
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, EngineError)
        assert not batcher.is_alive
        with pytest.raises(EngineError):
            await batcher.submit(5, group="a")

    in_virtual_time(scenario())


def test_loop_that_dies_of_a_bug_says_so_and_fails_what_waits(in_virtual_time, fake_runner, observer):
    async def scenario():
        def broken(size, run_s):
            raise RuntimeError("a bug in the observer")

        observer.batch_ran = broken
        running = Running(fake_runner(), observer)
        async with running as batcher:
            with pytest.raises(EngineError):
                await batcher.submit(1, group="a")
            await asyncio.wait([running.loop_task])
            assert isinstance(running.loop_task.exception(), RuntimeError)
            assert not batcher.is_alive

    in_virtual_time(scenario())


def test_observer_sees_queue_depth_batch_sizes_and_formation(in_virtual_time, fake_runner, observer):
    async def scenario():
        async with Running(fake_runner(seconds_per_item=0.1), observer) as batcher:
            await asyncio.gather(*[submit(batcher, item) for item in range(6)])
            assert batcher.seconds_per_item == pytest.approx(0.1)
        assert max(observer.depths) == 6
        assert observer.depths[-1] == 0
        assert [size for size, _ in observer.formed] == [4, 2]
        assert [run_s for _, run_s in observer.ran] == pytest.approx([0.4, 0.2])

    in_virtual_time(scenario())
