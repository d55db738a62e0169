"""Builds the core from the settings: decoder, batcher, engine, crop service. For the HTTP process, the command line
and the image's warm-up alike; knows no transport and no metrics.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np

from vrn_cropper.model.network.export_info import ExportInfo, read_export_info
from vrn_cropper.model.network.face_finder import FaceFinder
from vrn_cropper.model.network.reference import check_reference, reference_input
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.service.core.accepted_photos import AcceptedPhotos
from vrn_cropper.service.core.allocator import give_large_blocks_back
from vrn_cropper.service.core.batch_contract import BatchLimits, BatchObserver, SilentObserver
from vrn_cropper.service.core.batcher import Batcher
from vrn_cropper.service.core.crop_service import CropService
from vrn_cropper.service.core.photo_decoder import PhotoDecoder
from vrn_cropper.service.core.photo_threads import DecodePool
from vrn_cropper.service.core.pixel_limit import PixelLimit
from vrn_cropper.service.core.workers.pool import WorkerPool, are_workers_possible
from vrn_cropper.service.engines.choice import EngineOptions, choose_engine
from vrn_cropper.service.engines.contract import Engine, ScoreItem
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.engines.runner import EngineRunner
from vrn_cropper.service.settings import Settings


@dataclass(frozen=True, slots=True)
class Core:
    """Everything that crops photos, whoever hands them in."""

    accepted: AcceptedPhotos
    crops: CropService
    batcher: Batcher[ScoreItem, np.ndarray]
    runner: EngineRunner
    pool: DecodePool
    workers: WorkerPool | None
    export: ExportInfo

    @asynccontextmanager
    async def running(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Crops photos while the block runs: the engine is loaded and warm, and everything is closed at the end.

        The block is given the batch loop, a task that ends before the block only by a failure; nothing is cropped
        after that. Raises CheckpointError or StartUpError.
        """
        try:
            await self.runner.start()
            batch_loop = asyncio.create_task(self.batcher.run(), name="batch loop")
            try:
                yield batch_loop
            finally:
                batch_loop.cancel()
                await asyncio.gather(batch_loop, return_exceptions=True)
        finally:
            await self.runner.close()
            self.pool.close()
            if self.workers is not None:
                self.workers.close()


def build_core(
    settings: Settings,
    observer: BatchObserver | None = None,
    engine: Engine | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Core:
    """The core, nothing of it loaded or started yet. `engine` replaces the one that the settings choose.

    Raises CheckpointError or StartUpError.
    """
    give_large_blocks_back()
    export = read_export_info(settings.model_path)
    engine = engine or choose_engine(
        export,
        EngineOptions(
            device=settings.device,
            precision=settings.precision,
            threads=settings.engine_threads,
            max_batch_size=settings.max_batch_size,
            max_gpu_memory_share=settings.max_gpu_memory_share,
        ),
    )
    reference = ScoreItem(*reference_input(export.input_shapes[0]))
    check = partial(check_reference, export, engine.precision) if export.reference_scores else None
    runner = EngineRunner(engine, reference, settings.engine_timeout_s, check)
    limits = BatchLimits(
        settings.max_batch_size or engine.best_batch_size,
        settings.max_wait_s,
        engine.parallel_batches,
    )
    batcher: Batcher[ScoreItem, np.ndarray] = Batcher(runner, limits, observer or SilentObserver(), clock)
    decode_limits = DecodeLimits(settings.max_photo_pixels, settings.max_photo_side_px)
    workers = _decode_workers(decode_limits, export.input_shapes) if are_workers_possible() else None
    decoder = PhotoDecoder(Decoder(decode_limits, export.input_shapes), workers)
    pool = DecodePool(settings.decode_threads or available_cpus())
    limits_px = PixelLimit(settings.max_decode_pixels), PixelLimit(settings.max_held_pixels)
    crops = CropService(decoder, pool, batcher, *limits_px, clock, FaceFinder.load())
    return Core(AcceptedPhotos(settings.max_queue_size), crops, batcher, runner, pool, workers, export)


def _decode_workers(limits: DecodeLimits, input_shapes: Sequence[InputShape]) -> WorkerPool:
    """None runs before the first photo that needs one."""
    options = {**asdict(limits), "input_shapes": [list(shape) for shape in input_shapes]}
    return WorkerPool("vrn_cropper.service.core.workers.photos", "answerer", options)
