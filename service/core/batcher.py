"""Dynamic micro-batching for one device: single items in, batches to a runner, each item's result back.

Generic and asyncio only: knows nothing of photos, HTTP, torch or threads. `docs/batching.md` tells how it
behaves.

A batch is items of one group. It leaves when it is full, when its window ends, or when the runner has room for
one more, so at low load nobody waits for a timer. The window opens with the group's first item and ends when the
first of the running batches is expected to end (measured seconds per item), at most `max_wait_s` after it opened;
one batch is prepared ahead. The group whose first item waits longest goes first. Every submitted item ends exactly
once: with its result, with a named error, or cancelled.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from vrn_cropper.service.core.batch_contract import Batched, BatchLimits, BatchObserver, BatchRunner
from vrn_cropper.service.errors import DeadlineError, EngineError, EngineLostError, EngineMemoryError

T = TypeVar("T")
R = TypeVar("R")
_SMOOTHING = 0.2  # weight of the newest measurement in the seconds per item


@dataclass(slots=True, eq=False)
class _Entry(Generic[T, R]):
    item: T
    group: Hashable
    future: "asyncio.Future[Batched[R]]"
    deadline_at: float | None
    queued_at: float

    def is_wanted(self, now: float) -> bool:
        return not self.future.done() and (self.deadline_at is None or now < self.deadline_at)


class Batcher(Generic[T, R]):
    """Collects items into batches. `run()` is the loop, one task; `submit()` from the same event loop."""

    def __init__(
        self,
        runner: BatchRunner[T, R],
        limits: BatchLimits,
        observer: BatchObserver,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runner = runner
        self._limits = limits
        self._observer = observer
        self._clock = clock
        self._queues: dict[Hashable, deque[_Entry[T, R]]] = {}
        self._depth = 0
        self._taken: set[_Entry[T, R]] = set()
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], float] = {}  # batch: when it is expected to end
        self._run_s_per_item = 0.0
        self._is_alive = True

    @property
    def depth(self) -> int:
        """Items that wait for a batch."""
        return self._depth

    @property
    def is_alive(self) -> bool:
        """False once the loop has ended; nothing is accepted any more."""
        return self._is_alive

    @property
    def seconds_per_item(self) -> float:
        """Measured time in which a busy runner gets through one item, smoothed; 0 before the first batch."""
        return self._run_s_per_item / self._limits.parallel_batches

    async def submit(self, item: T, *, group: Hashable, deadline_at: float | None = None) -> Batched[R]:
        """The result of `item`, batched with others of its `group`. `deadline_at` is an instant of the clock.

        Raises DeadlineError when the deadline passes, EngineError if the item failed or the loop has ended.
        Cancelling the caller takes the item out of the queue. Whoever submits bounds how many items wait.
        """
        if not self._is_alive:
            raise EngineError("the engine has stopped; the service must be restarted")
        now = self._clock()
        entry = _Entry(item, group, asyncio.get_running_loop().create_future(), deadline_at, now)
        self._push(entry)
        try:
            async with asyncio.timeout(None if deadline_at is None else max(0.0, deadline_at - now)):
                return await entry.future
        except TimeoutError:
            self._observer.item_dropped("deadline")
            raise DeadlineError("the deadline passed while the photo waited for its scores") from None
        except asyncio.CancelledError:
            self._observer.item_dropped("disconnected")
            raise
        finally:
            entry.future.cancel()  # no effect on one that is done
            self._remove(entry)

    async def run(self) -> None:
        """Form and run batches until cancelled. However it ends, no submitted item is left waiting."""
        try:
            while True:
                await self._until_a_batch_is_due()
                entries = self._pop_batch()
                prepared = await self._prepare(entries)
                while not self._has_room():
                    await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
                wanted = self._still_wanted(entries)
                if not wanted:
                    continue
                if len(wanted) < len(entries):
                    prepared = None  # someone left meanwhile: the engine must not see their items
                now = self._clock()
                # Before the first measurement only `max_wait_s` ends a window.
                expected_s = self._run_s_per_item * len(wanted) if self._run_s_per_item else math.inf
                task = asyncio.create_task(self._run_batch(wanted, prepared, now))
                task.add_done_callback(lambda _: self._wake.set())
                self._running[task] = now + expected_s
        finally:
            self._is_alive = False
            for task in self._running:
                task.cancel()
            self._fail_everything()

    # ---- forming -------------------------------------------------------------------------------------------

    async def _until_a_batch_is_due(self) -> None:
        while True:
            has_room = self._has_room()
            wait_s = None
            queue = self._oldest_queue()
            if queue is not None:
                wait_s = self._closes_at(queue) - self._clock()
                if has_room or len(queue) >= self._limits.max_batch_size or wait_s <= 0:
                    return
            self._wake.clear()
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                pass  # the window ended

    def _has_room(self) -> bool:
        for task in [task for task in self._running if task.done()]:
            del self._running[task]
            task.result()  # an error here is a bug in the loop: let it end the loop
        return len(self._running) < self._limits.parallel_batches

    def _closes_at(self, queue: deque[_Entry[T, R]]) -> float:
        opened_at = queue[0].queued_at
        free_at = min(self._running.values(), default=opened_at)
        return min(opened_at + self._limits.max_wait_s, max(opened_at, free_at))

    def _oldest_queue(self) -> deque[_Entry[T, R]] | None:
        return min(self._queues.values(), key=lambda queue: queue[0].queued_at, default=None)

    def _pop_batch(self) -> list[_Entry[T, R]]:
        queue = self._oldest_queue()
        assert queue is not None  # a batch was due, and nothing ran since
        now = self._clock()
        opened_at = queue[0].queued_at
        entries = list(queue)[: self._limits.max_batch_size]
        for entry in entries:
            self._remove(entry)
            self._taken.add(entry)
        wanted = self._still_wanted(entries)
        if wanted:
            self._observer.batch_formed(len(wanted), now - opened_at)
        return wanted

    def _still_wanted(self, entries: list[_Entry[T, R]]) -> list[_Entry[T, R]]:
        now = self._clock()
        wanted = [entry for entry in entries if entry.is_wanted(now)]
        self._taken.difference_update(set(entries) - set(wanted))
        return wanted

    def _push(self, entry: _Entry[T, R]) -> None:
        self._queues.setdefault(entry.group, deque()).append(entry)
        self._depth += 1
        self._wake.set()

    def _remove(self, entry: _Entry[T, R]) -> None:
        queue = self._queues.get(entry.group)
        if queue is None or entry not in queue:
            return
        queue.remove(entry)
        if not queue:
            del self._queues[entry.group]
        self._depth -= 1

    # ---- running -------------------------------------------------------------------------------------------

    async def _prepare(self, entries: list[_Entry[T, R]]) -> Any:
        """A batch ready to run, or None if it must be prepared again: whoever fails then fails alone."""
        if not entries:
            return None
        try:
            return await self._runner.prepare([entry.item for entry in entries])
        except EngineLostError:
            raise
        except Exception:
            return None

    async def _run_batch(self, entries: list[_Entry[T, R]], prepared: Any, started_at: float) -> None:
        try:
            if prepared is None:
                prepared = await self._runner.prepare([entry.item for entry in entries])
            run_at = self._clock()
            values = await self._runner.run(prepared)
            run_s = self._clock() - run_at
            if len(values) != len(entries):
                raise EngineError(f"the engine answered {len(values)} of {len(entries)} items")
        except EngineLostError:
            raise  # ends the loop, and with it everything that waits
        except Exception as error:
            await self._retry_smaller(entries, error, started_at)
            return
        self._measure(len(entries), run_s)
        self._taken.difference_update(entries)
        for entry, value in zip(entries, values, strict=True):
            if not entry.future.done():
                queue_s = started_at - entry.queued_at
                entry.future.set_result(Batched(value, queue_s, run_s, len(entries)))

    async def _retry_smaller(self, entries: list[_Entry[T, R]], error: Exception, started_at: float) -> None:
        """Halves when memory was short, else one by one, so that a poison item fails alone."""
        if len(entries) == 1:
            self._taken.discard(entries[0])
            if not entries[0].future.done():
                entries[0].future.set_exception(error)
            return
        step = len(entries) // 2 if isinstance(error, EngineMemoryError) else 1
        for start in range(0, len(entries), step):
            part = self._still_wanted(entries[start : start + step])
            if part:
                await self._run_batch(part, None, started_at)

    def _measure(self, size: int, run_s: float) -> None:
        self._observer.batch_ran(size, run_s)
        newest = run_s / size
        known = self._run_s_per_item
        self._run_s_per_item = newest if known == 0 else known + _SMOOTHING * (newest - known)

    def _fail_everything(self) -> None:
        waiting = [entry for queue in self._queues.values() for entry in queue]
        self._queues.clear()
        self._depth = 0
        for entry in [*waiting, *self._taken]:
            if not entry.future.done():
                entry.future.set_exception(EngineError("the engine has stopped; the service must be restarted"))
        self._taken.clear()
