"""Puts a synchronous engine behind the batcher: as many threads as batches may run at once, and one that stacks
the next batch.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from vrn_cropper.model.errors import VrnError
from vrn_cropper.service.engines.contract import Engine, PreparedBatch, ScoreItem
from vrn_cropper.service.errors import EngineError

_log = logging.getLogger(__name__)
R = TypeVar("R")


class EngineRunner:
    """A `BatchRunner[ScoreItem, np.ndarray]` around an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._device_threads = ThreadPoolExecutor(engine.parallel_batches, thread_name_prefix="engine")
        self._stacking_thread = ThreadPoolExecutor(1, thread_name_prefix="stack")

    async def start(self) -> None:
        """Load and warm up on the thread that owns the device. Raises CheckpointError or StartUpError."""
        await self._on(self._device_threads, self.engine.load)
        await self._on(self._device_threads, self.engine.warm_up)

    async def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items while the device may be busy. Raises EngineError."""
        return await self._on(self._stacking_thread, self.engine.prepare, items)

    async def run(self, prepared: PreparedBatch) -> Sequence[np.ndarray]:
        """Scores of each item, float32 (N,). Raises EngineError or EngineMemoryError."""
        return await self._on(self._device_threads, self.engine.score, prepared)

    async def close(self) -> None:
        """Close the engine on its own thread, after what runs there."""
        await self._on(self._device_threads, self.engine.close)
        self._device_threads.shutdown(wait=False)
        self._stacking_thread.shutdown(wait=False)

    async def _on(self, executor: ThreadPoolExecutor, function: Callable[..., R], *arguments: object) -> R:
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, function, *arguments)
        except VrnError:
            raise
        except Exception as error:
            _log.exception("the engine failed in %s", function.__name__)
            raise EngineError("the engine failed on this photo") from error
