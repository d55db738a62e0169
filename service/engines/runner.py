"""Puts a synchronous engine behind the batcher: as many threads as batches may run at once, and one that stacks
the next batch. Also the watchdog: it tells an engine that is lost from one that a photo has tripped.

A thread cannot be stopped. What hangs is left behind, and the process that sees EngineLostError has to end.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from vrn_cropper.model.errors import VrnError
from vrn_cropper.service.engines.contract import Engine, PreparedBatch, ScoreItem
from vrn_cropper.service.errors import EngineError, EngineLostError

_log = logging.getLogger(__name__)
R = TypeVar("R")
# After so many failures in a row the engine has to score the probe: then it was the photos.
_FAILURES_BEFORE_PROBE = 3
# A process that was frozen meanwhile, by a debugger or a container's pause, shows as one very long step: it counts
# as two of them.
_STEPS = 10
_CLOSE_PATIENCE_S = 2.0


class EngineRunner:
    """A `BatchRunner[ScoreItem, np.ndarray]` around an engine.

    `max_call_s` bounds every call while serving; `probe` is a photo that a sound engine scores without fail, and
    `check_scores`, once at the start, raises CheckpointError if its scores are not the right ones.
    """

    def __init__(
        self,
        engine: Engine,
        probe: ScoreItem,
        max_call_s: float,
        check_scores: Callable[[np.ndarray], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self._probe = probe
        self._check_scores = check_scores
        self._max_call_s = max_call_s
        self._clock = clock
        self._failures = 0
        self._is_lost = False
        self._device_threads = ThreadPoolExecutor(engine.parallel_batches, thread_name_prefix="engine")
        self._stacking_thread = ThreadPoolExecutor(1, thread_name_prefix="stack")

    async def start(self) -> None:
        """Load, warm up and check on device threads. Raises CheckpointError or StartUpError."""
        await self._on(self._device_threads, None, self.engine.load)
        await self._on(self._device_threads, None, self.engine.warm_up)
        if self._check_scores is not None:
            await self._on(self._device_threads, None, self._check, self._check_scores)

    async def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items while the device may be busy. Raises EngineError or EngineLostError."""
        return await self._on(self._stacking_thread, self._max_call_s, self.engine.prepare, items)

    async def run(self, prepared: PreparedBatch) -> Sequence[np.ndarray]:
        """Scores of each item, float32 (N,). Raises EngineError, EngineMemoryError or EngineLostError."""
        try:
            scores = await self._score(prepared)
        except EngineLostError:
            raise
        except EngineError:
            self._failures += 1
            if self._failures >= _FAILURES_BEFORE_PROBE:
                await self._score_probe()
            raise
        self._failures = 0
        return scores

    async def close(self) -> None:
        """Close the engine on a device thread, after what runs there; one that hangs or is lost is left as it is."""
        if not self._is_lost:
            try:
                await self._on(self._device_threads, _CLOSE_PATIENCE_S, self.engine.close)
            except EngineError:
                _log.warning("the engine did not close; it is left as it is")
        self._device_threads.shutdown(wait=False, cancel_futures=True)
        self._stacking_thread.shutdown(wait=False, cancel_futures=True)

    def _check(self, check_scores: Callable[[np.ndarray], None]) -> None:
        (scores,) = self.engine.score(self.engine.prepare([self._probe]))
        check_scores(scores)

    async def _score(self, prepared: PreparedBatch) -> list[np.ndarray]:
        return await self._on(self._device_threads, self._max_call_s, self.engine.score, prepared)

    async def _score_probe(self) -> None:
        try:
            await self._score(await self.prepare([self._probe]))
        except EngineError as error:
            self._is_lost = True
            raise EngineLostError(
                f"the engine failed {self._failures} times in a row, and on the reference photo"
            ) from error
        _log.warning("the engine failed %d times in a row, but it scores the reference photo", self._failures)
        self._failures = 0

    async def _on(
        self, executor: ThreadPoolExecutor, max_s: float | None, function: Callable[..., R], *arguments: object
    ) -> R:
        called = asyncio.get_running_loop().run_in_executor(executor, function, *arguments)
        try:
            if max_s is not None:
                await self._wait(called, max_s)
            if max_s is not None and not called.done():
                self._is_lost = True
                raise EngineLostError(f"the engine hangs: {function.__name__} took more than {max_s:g} s")
            return await called
        except VrnError:
            raise
        except Exception as error:
            _log.exception("the engine failed in %s", function.__name__)
            raise EngineError("the engine failed on this photo") from error
        finally:
            called.cancel()  # no effect on one that is done

    async def _wait(self, called: "asyncio.Future[R]", max_s: float) -> None:
        step_s, waited_s = max_s / _STEPS, 0.0
        while not called.done() and waited_s < max_s:
            began = self._clock()
            await asyncio.wait({called}, timeout=step_s)
            waited_s += min(self._clock() - began, 2 * step_s)
