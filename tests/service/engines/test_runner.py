"""The runner gives the device to one thread and turns what an engine trips over into EngineError."""

import asyncio
import threading

import pytest

from vrn_cropper.service.engines.runner import EngineRunner
from vrn_cropper.service.errors import EngineError, EngineMemoryError


class ThreadNotingEngine:
    parallel_batches = 1

    def __init__(self, error=None):
        self.threads, self.error = {}, error

    def _note(self, name):
        self.threads[name] = threading.current_thread().name

    def load(self):
        self._note("load")

    def warm_up(self):
        self._note("warm_up")

    def prepare(self, items):
        self._note("prepare")
        return items

    def score(self, batch):
        self._note("score")
        if self.error:
            raise self.error
        return batch

    def close(self):
        self._note("close")


def test_one_thread_owns_the_device_and_another_prepares():
    engine = ThreadNotingEngine()

    async def scenario():
        runner = EngineRunner(engine)
        await runner.start()
        assert await runner.run(await runner.prepare([1])) == [1]
        await runner.close()

    asyncio.run(scenario())
    prepared_on = engine.threads.pop("prepare")
    assert len(set(engine.threads.values())) == 1
    assert prepared_on not in engine.threads.values()
    assert threading.main_thread().name not in engine.threads.values()


def test_engine_that_takes_two_batches_is_asked_on_two_threads_at_once():
    class Pair(ThreadNotingEngine):
        parallel_batches = 2
        both_are_here = threading.Barrier(2, timeout=30)

        def score(self, batch):
            self.both_are_here.wait()  # raises BrokenBarrierError if only one ever comes
            return batch

    async def scenario():
        runner = EngineRunner(Pair())
        assert await asyncio.gather(runner.run([1]), runner.run([2])) == [[1], [2]]
        await runner.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(RuntimeError("/a/path"), EngineError), (EngineMemoryError("full"), EngineMemoryError)],
)
def test_whatever_an_engine_raises_becomes_an_error_of_the_domain(raised, seen):
    async def scenario():
        runner = EngineRunner(ThreadNotingEngine(raised))
        with pytest.raises(seen) as error:
            await runner.run([1])
        assert "/a/path" not in str(error.value)
        await runner.close()

    asyncio.run(scenario())
