"""The core of the service, free of any transport: bytes of a photo and options in, ranked crops out.

decode (pool) -> candidate views -> batcher -> rank (-> encode (pool)). Used by the HTTP routes and by the
command line. Knows nothing of HTTP, and nothing of which engine scores.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np

from vrn_cropper.model.photos.decode import DecodedPhoto, OpenedPhoto
from vrn_cropper.model.views.content import content_of
from vrn_cropper.model.views.crops import Crop, RankedCrops, ViewPlan, plan_views, rank_crops
from vrn_cropper.model.views.heads import NO_HEADS, HeadFinder, no_heads
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.model.views.own_boxes import BoxOptions, ScoredBoxes, plan_boxes, tell_boxes
from vrn_cropper.service.core.accepted_photos import Permit
from vrn_cropper.service.core.batcher import Batcher
from vrn_cropper.service.core.encode import EncodedPicture, check_total_pixels, encode_crop
from vrn_cropper.service.core.photo_decoder import PhotoDecoder
from vrn_cropper.service.core.photo_threads import DecodePool
from vrn_cropper.service.core.picture_request import PictureOptions
from vrn_cropper.service.core.pixel_limit import PixelHold, PixelLimit
from vrn_cropper.service.core.stages import Stages
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.errors import DeadlineError

R = TypeVar("R")
Plan = Callable[[DecodedPhoto], ViewPlan]
_TOO_LATE = "the deadline passed before the photo was decoded or encoded"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoResult:
    """How a photo's answer came about: its upright size in pixels, `seconds` by stage of `service.core.stages`."""

    width: int
    height: int
    source_format: str
    seconds: Mapping[str, float]
    batch_size: int
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CropResult(PhotoResult):
    """The ranked crops of a photo."""

    ranked: RankedCrops


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreResult(PhotoResult):
    """The scores of a caller's own boxes."""

    scored: ScoredBoxes


@dataclass(frozen=True, slots=True)
class PicturesResult:
    """The ranked crops, and the chosen ones cut out, in order."""

    result: CropResult
    chosen: tuple[Crop, ...]
    pictures: tuple[EncodedPicture, ...]


class CropService:
    """Crops photos with everything handed in ready.

    `decode_limit` bounds the pixels in decode, `held_limit` those of whole pictures kept for their crops.
    `find_heads` looks at the network's input for what no crop should cut.
    """

    def __init__(
        self,
        decoder: PhotoDecoder,
        pool: DecodePool,
        batcher: Batcher[ScoreItem, np.ndarray],
        decode_limit: PixelLimit,
        held_limit: PixelLimit,
        clock: Callable[[], float] = time.monotonic,
        find_heads: HeadFinder = no_heads,
    ) -> None:
        self._decoder = decoder
        self._pool = pool
        self._batcher = batcher
        self._decode_limit = decode_limit
        self._held_limit = held_limit
        self._clock = clock
        self._find_heads = find_heads

    @property
    def held_pixels(self) -> int:
        """Of whole pictures that are kept for their crops now."""
        return self._held_limit.held

    async def crop(
        self,
        photo: bytes,
        options: CropOptions,
        permit: Permit,
        deadline_at: float | None = None,
        stages: Stages | None = None,
    ) -> CropResult:
        """The crops of an uploaded photo; `deadline_at` is an instant of the clock. The time goes into `stages`.

        Raises PhotoError for an upload that cannot be cropped, CropRequestError for an option that this photo
        cannot fulfil, DeadlineError and EngineError. Cancelling it takes the photo out of the queue.
        """
        stages = stages or Stages("decode_wait", self._clock)
        decoded, plan = await self._take(photo, lambda taken: self._plan(taken, options), permit, stages, deadline_at)
        return await self._crops(decoded, plan, options, stages, deadline_at)

    async def score(
        self,
        photo: bytes,
        options: BoxOptions,
        permit: Permit,
        deadline_at: float | None = None,
        stages: Stages | None = None,
    ) -> ScoreResult:
        """The scores of a caller's own boxes; as `crop` otherwise. Raises CropRequestError for a box outside."""
        stages = stages or Stages("decode_wait", self._clock)
        decoded, plan = await self._take(
            photo, lambda taken: self._plan_boxes(taken, options), permit, stages, deadline_at
        )
        scores, batch_size = await self._scores(decoded, plan, stages, deadline_at)
        return ScoreResult(scored=tell_boxes(plan, scores), **_facts(decoded, stages, batch_size))

    async def crop_pictures(
        self,
        photo: bytes,
        options: CropOptions,
        picture: PictureOptions,
        choose: Callable[[RankedCrops], Sequence[Crop]],
        permit: Permit,
        deadline_at: float | None = None,
        stages: Stages | None = None,
        widths: Sequence[int] = (),
    ) -> PicturesResult:
        """As `crop`, and the crops that `choose` names cut from the full photo, which is decoded once.

        With `widths` each crop is cut once for each of them, instead of `picture.width`. Raises as `crop` does,
        whatever `choose` raises, and CropRequestError for more pixels than are cut from one photo.
        """
        permit.spend()
        stages = stages or Stages("decode_wait", self._clock)
        opened = await self._open(photo, stages, deadline_at, at_full_scale=True)
        async with AsyncExitStack() as stack:
            async with self._before(deadline_at):
                held = await stack.enter_async_context(self._held_limit.hold(opened.full_pixels))
            decoded, plan = await self._decode_and_plan(
                opened, lambda taken: self._plan(taken, options), stages, deadline_at, held
            )
            result = await self._crops(decoded, plan, options, stages, deadline_at)
            sizes = [replace(picture, width=width) for width in widths] or [picture]
            cuts = [(crop, size) for crop in choose(result.ranked) for size in sizes]
            check_total_pixels([(crop.box_xyxy, size) for crop, size in cuts])
            pictures = []
            for crop, size in cuts:  # each a turn of its own: other photos' threads are not kept, deadlines are
                cut = partial(encode_crop, opened.loaded_image, crop.box_xyxy, size)
                pictures.append(await self._in_pool("encode", stages, cut, deadline_at, held))
        chosen = tuple(crop for crop, _ in cuts)
        return PicturesResult(replace(result, seconds=stages.seconds()), chosen, tuple(pictures))

    async def _take(
        self, photo: bytes, plan: Plan, permit: Permit, stages: Stages, deadline_at: float | None
    ) -> tuple[DecodedPhoto, ViewPlan]:
        """The photo opened, decoded at the network's scale, and its candidate views."""
        permit.spend()
        opened = await self._open(photo, stages, deadline_at, at_full_scale=False)
        return await self._decode_and_plan(opened, plan, stages, deadline_at)

    async def _open(
        self, photo: bytes, stages: Stages, deadline_at: float | None, *, at_full_scale: bool
    ) -> OpenedPhoto:
        def open_photo() -> OpenedPhoto:
            return self._decoder.open(photo, at_full_scale=at_full_scale, seconds=self._seconds_left(deadline_at))

        return await self._in_pool("decode", stages, open_photo, deadline_at)

    async def _decode_and_plan(
        self,
        opened: OpenedPhoto,
        plan: Plan,
        stages: Stages,
        deadline_at: float | None,
        *held: PixelHold,
    ) -> tuple[DecodedPhoto, ViewPlan]:
        """The photo decoded, and its candidate views."""

        def decode_and_plan() -> tuple[DecodedPhoto, ViewPlan]:
            # On a pool thread, so that the event loop never works in proportion to the photo.
            decoded = self._decoder.decode(opened, self._seconds_left(deadline_at))
            return decoded, plan(decoded)

        stages.begin("decode_wait")
        async with AsyncExitStack() as stack:
            async with self._before(deadline_at):
                in_decode = await stack.enter_async_context(self._decode_limit.hold(opened.pixels))
            return await self._in_pool("decode", stages, decode_and_plan, deadline_at, in_decode, *held)

    def _plan(self, photo: DecodedPhoto, options: CropOptions) -> ViewPlan:
        heads = self._heads(photo, options.keeps_heads)
        return plan_views(photo.width, photo.height, options, heads, content_of(photo.model_input))

    def _plan_boxes(self, photo: DecodedPhoto, options: BoxOptions) -> ViewPlan:
        return plan_boxes(photo.width, photo.height, options, self._heads(photo, options.keeps_heads))

    def _heads(self, photo: DecodedPhoto, keeps_heads: bool) -> np.ndarray:
        return self._find_heads(photo.model_input) if keeps_heads else NO_HEADS

    async def _crops(
        self,
        decoded: DecodedPhoto,
        plan: ViewPlan,
        options: CropOptions,
        stages: Stages,
        deadline_at: float | None,
    ) -> CropResult:
        scores, batch_size = await self._scores(decoded, plan, stages, deadline_at)
        return CropResult(ranked=rank_crops(plan, scores, options), **_facts(decoded, stages, batch_size))

    async def _scores(
        self, decoded: DecodedPhoto, plan: ViewPlan, stages: Stages, deadline_at: float | None
    ) -> tuple[np.ndarray, int]:
        """One score a view, and the size of the batch that the photo was in. The stage `rank` begins."""
        stages.begin("queue")
        batched = await self._batcher.submit(
            ScoreItem(decoded.model_input, plan.boxes_normalized),
            group=decoded.input_shape,
            deadline_at=deadline_at,
        )
        stages.split("inference", batched.run_s)
        stages.begin("rank")
        return batched.value, batched.batch_size

    async def _in_pool(
        self, stage: str, stages: Stages, work: Callable[[], R], deadline_at: float | None, *held: PixelHold
    ) -> R:
        """The result of `work` on a thread of the pool. Raises DeadlineError.

        Its time there belongs to `stage`, the rest of the time until now to the waiting for that.
        The pixels that it uses stay taken until the thread is done with them, even if nobody waits any more.
        """

        def timed(work: Callable[[], R]) -> tuple[R, float]:
            started = self._clock()
            if deadline_at is not None and started >= deadline_at:
                raise DeadlineError(_TOO_LATE)
            return work(), self._clock() - started

        def end_uses() -> None:
            for hold in held:
                hold.end_use()

        stages.begin(f"{stage}_wait")
        for hold in held:
            hold.begin_use()
        async with self._before(deadline_at):
            result, seconds = await self._pool.run(timed, work, end_uses)
        stages.split(stage, seconds)
        return result

    def _seconds_left(self, deadline_at: float | None) -> float | None:
        return None if deadline_at is None else max(0.0, deadline_at - self._clock())

    @asynccontextmanager
    async def _before(self, deadline_at: float | None) -> AsyncIterator[None]:
        """Ends the block with DeadlineError when the time has come."""
        try:
            async with asyncio.timeout(self._seconds_left(deadline_at)):
                yield
        except TimeoutError:
            raise DeadlineError(_TOO_LATE) from None


def _facts(decoded: DecodedPhoto, stages: Stages, batch_size: int) -> dict[str, Any]:
    return {
        "width": decoded.width, "height": decoded.height, "source_format": decoded.format,
        "seconds": stages.seconds(), "batch_size": batch_size, "warnings": decoded.warnings,
    }  # fmt: skip
