"""The runner gives the device to one thread, makes domain errors of what an engine raises, tells a lost engine."""

import asyncio
import threading

import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.service.engines.runner import EngineRunner
from vrn_cropper.service.errors import EngineError, EngineLostError, EngineMemoryError

BLANK, PHOTO, POISON = "blank", "photo", "poison"
PATIENCE_S = 60  # a bound that a sound engine never comes near


class ThreadNotingEngine:
    """Answers what it is given. `errors` are raised by item; `calls` names each call and its thread."""

    def __init__(self, errors=None, parallel_batches=1):
        self.errors, self.parallel_batches = errors or {}, parallel_batches
        self.calls = []

    def _note(self, name):
        self.calls.append((name, threading.current_thread().name))

    def load(self):
        self._note("load")

    def warm_up(self):
        self._note("warm_up")

    def prepare(self, items):
        self._note("prepare")
        return items

    def score(self, batch):
        self._note("score")
        for item in batch:
            if item in self.errors:
                raise self.errors[item]
        return batch

    def close(self):
        self._note("close")


class HangingEngine(ThreadNotingEngine):
    """Holds every batch until `open` is set."""

    def __init__(self):
        super().__init__()
        self.open = threading.Event()
        self.answered = threading.Event()

    def score(self, batch):
        self.open.wait(PATIENCE_S)
        self.answered.set()
        return batch


async def test_one_thread_owns_the_device_and_another_prepares():
    engine = ThreadNotingEngine()
    runner = EngineRunner(engine, BLANK, PATIENCE_S)
    await runner.start()
    assert await runner.run(await runner.prepare([PHOTO])) == [PHOTO]
    await runner.close()
    threads = {name: thread for name, thread in engine.calls}
    prepared_on = threads.pop("prepare")
    assert threads.keys() == {"load", "warm_up", "score", "close"}
    assert len(set(threads.values())) == 1
    assert prepared_on not in threads.values()
    assert threading.main_thread().name not in threads.values()


async def test_engine_that_takes_two_batches_is_asked_on_two_threads_at_once():
    class Pair(ThreadNotingEngine):
        both_are_here = threading.Barrier(2, timeout=30)

        def score(self, batch):
            self.both_are_here.wait()  # raises BrokenBarrierError if only one ever comes
            return batch

    runner = EngineRunner(Pair(parallel_batches=2), BLANK, PATIENCE_S)
    both = [asyncio.ensure_future(runner.run([number])) for number in (1, 2)]
    assert await asyncio.gather(*both) == [[1], [2]]
    await runner.close()


@pytest.mark.parametrize(
    ("raised", "seen"),
    [(RuntimeError("/a/path"), EngineError), (EngineMemoryError("full"), EngineMemoryError)],
)
async def test_whatever_an_engine_raises_becomes_an_error_of_the_domain(raised, seen):
    runner = EngineRunner(ThreadNotingEngine({PHOTO: raised}), BLANK, PATIENCE_S)
    with pytest.raises(seen) as error:
        await runner.run([PHOTO])
    assert "/a/path" not in str(error.value)
    await runner.close()


async def fail_times(runner, count):
    """The errors of so many poison photos in a row."""
    errors = []
    for _ in range(count):
        with pytest.raises(EngineError) as error:
            await runner.run([POISON])
        errors.append(error.value)
    return errors


async def test_engine_that_fails_on_everything_is_lost_and_is_not_closed():
    engine = ThreadNotingEngine({POISON: RuntimeError("sticky"), BLANK: RuntimeError("sticky")})
    runner = EngineRunner(engine, BLANK, PATIENCE_S)
    *first, last = await fail_times(runner, 3)
    assert not any(isinstance(error, EngineLostError) for error in first)
    assert isinstance(last, EngineLostError)
    await runner.close()
    assert "close" not in [name for name, _ in engine.calls]  # its device may hang on any further call


async def test_clients_cannot_end_the_process_with_photos_that_the_engine_fails_on():
    runner = EngineRunner(ThreadNotingEngine({POISON: RuntimeError("this photo")}), BLANK, PATIENCE_S)
    assert not any(isinstance(error, EngineLostError) for error in await fail_times(runner, 20))
    assert await runner.run([PHOTO]) == [PHOTO]
    await runner.close()


async def test_engine_that_hangs_is_lost_and_its_late_answer_is_heard_by_nobody():
    engine = HangingEngine()
    runner = EngineRunner(engine, BLANK, max_call_s=0.05)
    with pytest.raises(EngineLostError, match=r"score took more than 0.05 s"):
        await runner.run([PHOTO])
    engine.open.set()  # it answers late
    assert engine.answered.wait(PATIENCE_S)
    await runner.close()
    assert "close" not in [name for name, _ in engine.calls]


async def test_process_that_was_frozen_meanwhile_does_not_take_its_engine_for_lost():
    """A debugger or a container's pause stops the engine's thread too: the time passed is not the engine's."""
    engine = HangingEngine()
    now = iter([0.0, 3600.0, *(3600.0 + step for step in range(100))])

    def clock():
        at = next(now)
        if at > 3602:
            engine.open.set()
        return at

    runner = EngineRunner(engine, BLANK, max_call_s=1.0, clock=clock)
    assert await runner.run([PHOTO]) == [PHOTO]
    await runner.close()


@pytest.mark.asyncio
async def test_engine_that_scores_the_probe_wrongly_does_not_start():
    def check(scores):
        assert scores == BLANK
        raise CheckpointError("other scores")

    runner = EngineRunner(ThreadNotingEngine(), BLANK, PATIENCE_S, check)
    with pytest.raises(CheckpointError, match="other scores"):
        await runner.start()
    await runner.close()
