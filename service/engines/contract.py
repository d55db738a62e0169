"""What every engine is: items of one input shape in, one score per candidate view out. Synchronous.

One thread owns a device: `load`, `warm_up`, `score` and `close` run on it; `prepare` may run on another
thread while the device works. An engine that takes `parallel_batches` above 1 has its `score` called from as
many threads. Knows nothing of asyncio, HTTP or queues.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vrn_cropper.service.errors import EngineError


@dataclass(frozen=True, slots=True)
class ScoreItem:
    """One photo and its candidate views: uint8 (H, W, 3) and float32 (N, 4), N >= 1."""

    photo: np.ndarray
    boxes_normalized: np.ndarray


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """Items stacked for the device: `photos` (B, H, W, 3), `boxes_normalized` (B, N, 4), N the longest list.

    Numpy arrays, or host tensors of an engine that wants its own; `view_counts` are the items' own N.
    """

    photos: Any
    boxes_normalized: Any
    view_counts: tuple[int, ...]


class Engine(Protocol):
    """Scores candidate views on one device."""

    device: str
    precision: str
    best_batch_size: int  # above it throughput no longer grows: the default of `max_batch_size`
    parallel_batches: int  # calls of `score` that may run at once

    def load(self) -> None:
        """Read and compile the model. Raises CheckpointError or StartUpError."""

    def warm_up(self) -> None:
        """Run what a first request would otherwise wait for. Must pass before the service is ready."""

    def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items of one input shape. May run on any thread."""

    def score(self, batch: PreparedBatch) -> list[np.ndarray]:
        """Scores of each item, float32 (N,), in order. Raises EngineError or EngineMemoryError."""

    def memory_bytes(self) -> int | None:
        """Device memory held now, where the device has its own."""

    def close(self) -> None:
        """Let the device go. The engine is not used again."""


# Box lists are padded to multiples of this, so that the device sees few different shapes.
VIEW_STEP = 32
# Scores are per view, so the padding cannot change those that are kept; the whole frame is always a valid
# view.
_PADDING_BOX = np.array([0, 0, 1, 1], dtype=np.float32)


def stack_items(items: Sequence[ScoreItem], batch_size: int | None = None) -> PreparedBatch:
    """Stack items of one shape, padding the box lists to one length and, with `batch_size`, the photos to it.

    Raises EngineError if the items' shapes or types differ from what an engine takes.
    """
    shape = items[0].photo.shape
    for item in items:
        if item.photo.shape != shape or item.photo.dtype != np.uint8 or item.photo.ndim != 3:
            raise EngineError("a batch holds uint8 photos of one shape (H, W, 3)")
        if item.boxes_normalized.ndim != 2 or item.boxes_normalized.shape[1] != 4 or not len(item.boxes_normalized):
            raise EngineError("candidate views are boxes (N, 4), at least one")
    counts = tuple(len(item.boxes_normalized) for item in items)
    rows = max(batch_size or 0, len(items))
    photos = np.empty((rows, *shape), dtype=np.uint8)
    boxes = np.empty((rows, -(-max(counts) // VIEW_STEP) * VIEW_STEP, 4), dtype=np.float32)
    boxes[:] = _PADDING_BOX
    for row, item in enumerate(items):
        photos[row] = item.photo
        boxes[row, : counts[row]] = item.boxes_normalized
    photos[len(items) :] = 0
    return PreparedBatch(photos, boxes, counts)


def split_scores(scores: np.ndarray, view_counts: Sequence[int]) -> list[np.ndarray]:
    """Cut (B, N) scores back to each item's own views, and check that they are numbers.

    Raises EngineError if any kept score is not finite.
    """
    kept = [np.array(scores[row, :count], dtype=np.float32) for row, count in enumerate(view_counts)]
    if not all(np.isfinite(item).all() for item in kept):
        raise EngineError("the model gave scores that are not numbers")
    return kept
