"""What the batcher and those around it agree on: who runs batches, who is told, the limits, an item's result."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, Protocol, TypeVar

R = TypeVar("R")
ItemT = TypeVar("ItemT", contravariant=True)
ResultT = TypeVar("ResultT", covariant=True)
# Why an item left the queue without a result: its time was up, or whoever submitted it was cancelled.
DropReason = Literal["deadline", "disconnected"]


class BatchRunner(Protocol[ItemT, ResultT]):
    """What runs batches. `prepare` may overlap with `run`; at most `parallel_batches` runs overlap."""

    async def prepare(self, items: Sequence[ItemT]) -> Any:
        """Make a batch ready for the device."""

    async def run(self, prepared: Any) -> Sequence[ResultT]:
        """One result an item, in order.

        Raises EngineMemoryError if a smaller batch may pass, EngineLostError if no batch will pass again.
        """


class BatchObserver(Protocol):
    """Told what happens, for metrics; must not raise."""

    def item_dropped(self, reason: DropReason) -> None: ...
    def batch_formed(self, size: int, formation_s: float) -> None: ...
    def batch_ran(self, size: int, run_s: float) -> None: ...


class SilentObserver:
    """For callers that count nothing."""

    def item_dropped(self, reason: DropReason) -> None:
        """Ignored."""

    def batch_formed(self, size: int, formation_s: float) -> None:
        """Ignored."""

    def batch_ran(self, size: int, run_s: float) -> None:
        """Ignored."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """`max_wait_s`: longest time that a batch stays open while `parallel_batches` others keep the runner busy."""

    max_batch_size: int
    max_wait_s: float
    parallel_batches: int = 1


@dataclass(frozen=True, slots=True)
class Batched(Generic[R]):
    """An item's result, the seconds it waited and ran, and how many items shared its batch."""

    value: R
    queue_s: float
    run_s: float
    batch_size: int
