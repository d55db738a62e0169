"""Work on threads: its result comes back, and its end is told when it has really ended."""

import asyncio
import threading

import pytest

from vrn_cropper.service.core.photo_threads import DecodePool


@pytest.fixture
def pool():
    pool = DecodePool(1)
    yield pool
    pool.close()


async def test_the_result_or_the_error_comes_back(pool):
    assert await pool.run(lambda value: value + 1, 1) == 2
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda value: 1 / value, 0)


async def test_a_running_works_end_is_told_after_its_caller_left(pool):
    began, release, ended = threading.Event(), threading.Event(), asyncio.Event()

    def work(_):
        began.set()
        release.wait(10)

    task = asyncio.create_task(pool.run(work, None, ended.set))
    await asyncio.to_thread(began.wait, 10)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not ended.is_set()
    release.set()
    await asyncio.wait_for(ended.wait(), 10)


async def test_the_end_of_work_that_never_began_is_told(pool):
    release, ended = threading.Event(), asyncio.Event()
    first = asyncio.create_task(pool.run(lambda _: release.wait(10), None))
    await asyncio.sleep(0)
    second = asyncio.create_task(pool.run(lambda _: None, None, ended.set))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait_for(ended.wait(), 10)
    release.set()
    await first
