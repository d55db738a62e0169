"""The core of the service, free of any transport: bytes of a photo and wishes in, ranked crops out.

decode (pool) -> candidate views -> batcher -> rank. Used by the HTTP routes, and by anything else that runs
in this process. Knows nothing of HTTP, and nothing of which engine scores.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model.boxes import normalize_boxes, round_to_pixels
from model.candidates import fixed_ratio_views, grid_views
from model.ranking import rank_views
from service.batcher import Batcher
from service.decode import DecodedPhoto, Decoder
from service.decode_pool import DecodePool
from service.engine import ScoreItem
from service.errors import DeadlineError
from service.options import AspectRatio, CropOptions


@dataclass(frozen=True, slots=True)
class ViewGroup:
    """The candidate views of one wanted ratio: rows `start` to `stop` of a plan's boxes."""

    aspect_ratio: AspectRatio
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """Every candidate view of a request in one list, so that one pass through the network scores them all.

    `boxes_xyxy` int64 (N, 4) are what a client gets; `boxes_normalized` float32 (N, 4) are what is scored.
    """

    boxes_xyxy: np.ndarray
    boxes_normalized: np.ndarray
    groups: tuple[ViewGroup, ...]


@dataclass(frozen=True, slots=True)
class Crop:
    """One ranked crop box, in pixels of the upright source image. `rank` counts from 1 inside its ratio."""

    rank: int
    aspect_ratio: AspectRatio
    score: float
    box_xyxy: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds of one photo's path. `queue_s` includes the forming of its batch."""

    decode_s: float
    queue_s: float
    inference_s: float
    rank_s: float


@dataclass(frozen=True, slots=True)
class CropResult:
    """The crops of a photo of `width` x `height` upright pixels: best first inside each ratio, ratios as
    asked.
    """

    width: int
    height: int
    source_format: str
    crops: tuple[Crop, ...]
    timings: Timings
    batch_size: int


def plan_views(width: int, height: int, options: CropOptions) -> ViewPlan:
    """The candidate views of a photo for these wishes. Raises CropRequestError if a ratio is impossible."""
    pixels, fractions, groups, start = [], [], [], 0
    for aspect_ratio in options.aspect_ratios:
        if aspect_ratio.value is None:
            boxes_normalized = grid_views(width, height)
            boxes_xyxy = round_to_pixels(boxes_normalized, width, height)
        else:
            boxes_xyxy = fixed_ratio_views(width, height, aspect_ratio.value)
            boxes_normalized = normalize_boxes(boxes_xyxy, width, height)
        pixels.append(boxes_xyxy)
        fractions.append(boxes_normalized)
        groups.append(ViewGroup(aspect_ratio, start, start + len(boxes_xyxy)))
        start += len(boxes_xyxy)
    return ViewPlan(np.concatenate(pixels), np.concatenate(fractions), tuple(groups))


def rank_crops(plan: ViewPlan, scores: np.ndarray, options: CropOptions) -> tuple[Crop, ...]:
    """The top-K crops of each ratio, from one score (N,) a view of the plan."""
    crops = []
    for group in plan.groups:
        boxes, group_scores = plan.boxes_xyxy[group.start : group.stop], scores[group.start : group.stop]
        for rank, index in enumerate(rank_views(group_scores, boxes, options.top_k), start=1):
            x1, y1, x2, y2 = (int(edge) for edge in boxes[index])
            crops.append(Crop(rank, group.aspect_ratio, float(group_scores[index]), (x1, y1, x2, y2)))
    return tuple(crops)


class CropService:
    """Crops photos with everything handed in ready."""

    def __init__(
        self,
        decoder: Decoder,
        pool: DecodePool,
        batcher: Batcher[ScoreItem, np.ndarray],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decoder = decoder
        self._pool = pool
        self._batcher = batcher
        self._clock = clock

    async def crop(self, photo: bytes, options: CropOptions, deadline_s: float | None = None) -> CropResult:
        """The crops of an uploaded photo; `deadline_s` is a time of the clock.

        Raises PhotoError for an upload that cannot be cropped, CropRequestError for a wish that this photo
        cannot fulfil, OverloadedError, DeadlineError and EngineError. Cancelling it takes the photo out of
        the queue.
        """

        def decode_and_plan(encoded: bytes) -> tuple[DecodedPhoto, ViewPlan, float]:
            # On a pool thread, so that the event loop never works in proportion to the photo.
            if deadline_s is not None and self._clock() >= deadline_s:
                raise DeadlineError("the deadline passed before the photo was decoded")
            started = self._clock()
            decoded = self._decoder.decode(encoded)
            plan = plan_views(decoded.width, decoded.height, options)
            return decoded, plan, self._clock() - started

        try:
            async with asyncio.timeout(None if deadline_s is None else max(0.0, deadline_s - self._clock())):
                decoded, plan, decode_s = await self._pool.run(decode_and_plan, photo)
        except TimeoutError:
            raise DeadlineError("the deadline passed before the photo was decoded") from None
        batched = await self._batcher.submit(
            ScoreItem(decoded.model_input, plan.boxes_normalized),
            group=decoded.input_shape,
            deadline_s=deadline_s,
        )
        ranking_from = self._clock()
        crops = rank_crops(plan, batched.value, options)
        timings = Timings(decode_s, batched.queue_s, batched.run_s, self._clock() - ranking_from)
        return CropResult(decoded.width, decoded.height, decoded.format, crops, timings, batched.batch_size)
