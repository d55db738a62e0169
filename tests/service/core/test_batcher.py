"""How the micro-batcher forms batches, in virtual time. What becomes of an item: test_batcher_endings.py."""

import asyncio

import pytest

pytestmark = pytest.mark.virtual_time


def submit(batcher, item, group="a", deadline_at=None):
    return asyncio.create_task(batcher.submit(item, group=group, deadline_at=deadline_at))


def now():
    return asyncio.get_running_loop().time()


async def test_single_item_leaves_at_once_because_the_engine_is_idle(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer, max_wait_s=5.0) as batcher:
        result = await batcher.submit(3, group="a")
    assert (result.value, result.batch_size, result.queue_s) == (6, 1, 0.0)
    assert result.run_s == pytest.approx(0.1)
    assert runner.started_at == [0.0]


async def test_items_that_come_while_the_engine_is_busy_share_the_next_batch(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer) as batcher:
        first = submit(batcher, 1)
        await asyncio.sleep(0.05)
        rest = [submit(batcher, item) for item in (2, 3, 4)]
        results = await asyncio.gather(first, *rest)
    assert [result.value for result in results] == [2, 4, 6, 8]
    assert runner.batches == [[1], [2, 3, 4]]
    assert results[1].queue_s == pytest.approx(0.05)


async def test_full_batch_is_closed_at_the_limit_and_order_is_kept(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        await asyncio.gather(*[submit(batcher, item) for item in range(5)])
    assert runner.batches == [[0, 1], [2, 3], [4]]


async def test_one_batch_is_prepared_while_one_runs(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=1.0)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        tasks = [submit(batcher, item) for item in range(6)]
        await asyncio.sleep(0.5)
        assert runner.batches == [[0, 1]]
        assert runner.prepared == [[0, 1], [2, 3]]
        await asyncio.gather(*tasks)


async def test_as_many_batches_run_at_once_as_the_runner_takes_and_one_more_is_prepared(
    running_batcher, fake_runner, observer
):
    runner = fake_runner(seconds_per_item=1.0, parallel_batches=2)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        tasks = [submit(batcher, item) for item in range(8)]
        await asyncio.sleep(0.5)
        assert runner.batches == [[0, 1], [2, 3]]
        assert runner.prepared == [[0, 1], [2, 3], [4, 5]]
        results = await asyncio.gather(*tasks)
    assert [result.value for result in results] == [item * 2 for item in range(8)]
    assert runner.started_at == [0.0, 0.0, 2.0, 2.0]


async def test_batch_leaves_as_soon_as_the_first_of_the_running_ones_ends(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=1.0, parallel_batches=2)
    async with running_batcher(runner, observer, max_batch_size=3) as batcher:
        tasks = [submit(batcher, item, "long") for item in range(3)]  # until 3.0
        await asyncio.sleep(0.1)
        tasks.append(submit(batcher, 3, "short"))  # until 1.1
        await asyncio.sleep(0.1)
        tasks.append(submit(batcher, 4))
        await asyncio.gather(*tasks)
    assert runner.batches == [[0, 1, 2], [3], [4]]
    assert runner.started_at == pytest.approx([0.0, 0.1, 1.1])


async def test_seconds_per_item_count_what_runs_at_once(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=1.0, parallel_batches=2)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        await asyncio.gather(*[submit(batcher, item) for item in range(4)])
        assert now() == pytest.approx(2.0)  # four items in two seconds
        assert batcher.seconds_per_item == pytest.approx(0.5)


async def test_window_ends_when_the_running_batch_is_expected_to_end(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer, max_wait_s=10.0) as batcher:
        await batcher.submit(0, group="a")  # measured: 0.1 s an item
        runner.seconds_per_item = 1.0  # the next batch takes longer than expected
        slow = submit(batcher, 1)
        await asyncio.sleep(0.02)
        waiting = submit(batcher, 2)
        await asyncio.sleep(0.05)
        assert len(runner.prepared) == 2  # the window is open: others may still join
        await asyncio.sleep(0.05)
        assert runner.prepared[2:] == [[2]]  # 0.1 s after the run began
        await asyncio.gather(slow, waiting)


async def test_window_is_never_longer_than_max_wait(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=5.0)
    async with running_batcher(runner, observer, max_wait_s=0.5) as batcher:
        await batcher.submit(0, group="a")
        tasks = [submit(batcher, 1)]
        await asyncio.sleep(0.1)
        tasks.append(submit(batcher, 2))
        await asyncio.sleep(0.45)
        assert runner.prepared[2:] == []
        await asyncio.sleep(0.1)
        assert runner.prepared[2:] == [[2]]
        await asyncio.gather(*tasks)


async def test_groups_never_mix_and_the_oldest_goes_first(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer) as batcher:
        tasks = [submit(batcher, 0, "busy")]
        await asyncio.sleep(0.01)
        for item, group in ((1, "wide"), (2, "tall"), (3, "wide"), (4, "tall")):
            tasks.append(submit(batcher, item, group))
            await asyncio.sleep(0.001)
        await asyncio.gather(*tasks)
    assert runner.batches == [[0], [1, 3], [2, 4]]


async def test_rare_shape_does_not_starve_behind_a_common_one(running_batcher, fake_runner, observer):
    runner = fake_runner(seconds_per_item=0.1)
    async with running_batcher(runner, observer, max_batch_size=2) as batcher:
        common = [submit(batcher, item, "common") for item in range(4)]
        await asyncio.sleep(0.01)
        rare = submit(batcher, 99, "rare")
        for item in range(20):  # more than the engine can take
            await asyncio.sleep(0.05)
            common.append(submit(batcher, item, "common"))
        await rare
        assert [99] in runner.batches[:4]
        await asyncio.gather(*common)


async def test_observer_sees_batch_sizes_and_the_time_they_ran(running_batcher, fake_runner, observer):
    async with running_batcher(fake_runner(seconds_per_item=0.1), observer) as batcher:
        await asyncio.gather(*[submit(batcher, item) for item in range(6)])
        assert batcher.seconds_per_item == pytest.approx(0.1)
    assert batcher.depth == 0
    assert [size for size, _ in observer.formed] == [4, 2]
    assert [run_s for _, run_s in observer.ran] == pytest.approx([0.4, 0.2])
