"""The composition root: settings -> every object of the process, each handed what it needs. Nothing else
builds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata

import numpy as np
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from vrn_cropper.model.network.export_info import ExportInfo, read_export_info
from vrn_cropper.service.core.allocator import give_large_blocks_back
from vrn_cropper.service.core.batcher import Batcher, BatchLimits
from vrn_cropper.service.core.crop_service import CropService
from vrn_cropper.service.core.decode import DecodeLimits, Decoder
from vrn_cropper.service.core.photo_threads import DecodePool
from vrn_cropper.service.core.pixel_limit import PixelReserve
from vrn_cropper.service.engines.choice import EngineWishes, choose_engine
from vrn_cropper.service.engines.contract import Engine, ScoreItem
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.engines.runner import EngineRunner
from vrn_cropper.service.http.admission import Admission
from vrn_cropper.service.http.app import build_app
from vrn_cropper.service.http.auth import ApiKeys
from vrn_cropper.service.http.envelope import OnRequest
from vrn_cropper.service.http.page_files import read_page_files
from vrn_cropper.service.http.serving import RouteLimits, Serving
from vrn_cropper.service.lifecycle import Lifecycle, State
from vrn_cropper.service.metrics import Metrics
from vrn_cropper.service.settings import Settings

# Decoded photos that one more second of work may hide behind: the estimate before anything was measured.
_FIRST_GUESS_S = 0.02


@dataclass(frozen=True, slots=True)
class Core:
    """The transport-free part: what a command line needs as well."""

    crops: CropService
    batcher: Batcher[ScoreItem, np.ndarray]
    runner: EngineRunner
    pool: DecodePool
    export: ExportInfo


@dataclass(frozen=True, slots=True)
class Process:
    """Everything that `service.server` runs."""

    settings: Settings
    app: ASGIApp
    core: Core
    lifecycle: Lifecycle
    admission: Admission
    metrics: Metrics


def build_core(
    settings: Settings,
    metrics: Metrics,
    engine: Engine | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Core:
    """Decoder, batcher and engine; nothing is loaded or started yet.

    Raises CheckpointError or StartUpError.
    """
    give_large_blocks_back()
    export = read_export_info(settings.model_path)
    engine = engine or choose_engine(
        export,
        EngineWishes(
            device=settings.device,
            precision=settings.precision,
            threads=settings.engine_threads,
            cache_dir=settings.model_cache_dir.expanduser(),
            max_batch_size=settings.max_batch_size,
            max_gpu_memory_share=settings.max_gpu_memory_share,
        ),
    )
    runner = EngineRunner(engine)
    limits = BatchLimits(
        settings.max_batch_size or engine.best_batch_size,
        settings.max_queue_size,
        settings.max_wait_s,
        engine.parallel_batches,
    )
    batcher: Batcher[ScoreItem, np.ndarray] = Batcher(runner, limits, metrics, clock)
    decoder = Decoder(
        DecodeLimits(settings.max_photo_pixels, settings.max_photo_side_px, settings.max_decode_pixels),
        export.input_shapes,
    )
    pool = DecodePool(settings.decode_threads or available_cpus())
    crops = CropService(decoder, pool, batcher, PixelReserve(settings.max_held_pixels), clock)
    return Core(crops, batcher, runner, pool, export)


def build_process(settings: Settings, engine: Engine | None = None, on_request: OnRequest | None = None) -> Process:
    """The whole process; `engine` replaces the chosen one in tests. Raises CheckpointError or
    StartUpError.
    """
    metrics = Metrics(CollectorRegistry())
    core = build_core(settings, metrics, engine)
    lifecycle = Lifecycle()

    def estimate_s(items: int) -> float:
        return items * (core.batcher.seconds_per_item or _FIRST_GUESS_S)

    admission = Admission(settings.max_queue_size, settings.max_buffered_bytes, estimate_s)
    metrics.watch(is_ready=lambda: lifecycle.state is State.READY, gpu_memory_bytes=core.runner.engine.memory_bytes)
    serving = Serving(
        crops=core.crops,
        admission=admission,
        batcher=core.batcher,
        engine=core.runner.engine,
        export=core.export,
        lifecycle=lifecycle,
        metrics=metrics,
        limits=RouteLimits(
            settings.max_upload_bytes, settings.max_files, settings.max_files_bytes, settings.request_timeout_s
        ),
        version=service_version(),
        serves_metrics=settings.metrics_port is None,
        page=read_page_files(settings.max_upload_bytes),
    )
    api_keys = ApiKeys.parse(settings.api_keys.get_secret_value()) if settings.api_keys else None
    return Process(settings, build_app(serving, on_request, api_keys), core, lifecycle, admission, metrics)


def service_version() -> str:
    """The installed package's version; a checkout that is not installed says so."""
    try:
        return metadata.version("vrn-cropper")
    except metadata.PackageNotFoundError:
        return "0+checkout"
