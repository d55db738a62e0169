"""The composition root of the HTTP process: settings -> every object of it, each handed what it needs. Nothing else
builds; the part that crops comes from `service.core.build`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata

from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from vrn_cropper.service.core.build import Core, build_core
from vrn_cropper.service.core.url_options import URL_CROP_OPTIONS, URL_PICTURE_OPTIONS
from vrn_cropper.service.core.wait_estimate import WaitEstimate
from vrn_cropper.service.descriptors import room_for
from vrn_cropper.service.engines.contract import Engine
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.http.admission import Admission
from vrn_cropper.service.http.app import build_app
from vrn_cropper.service.http.auth import ApiKeys
from vrn_cropper.service.http.connection_watch import ConnectionLimits, ConnectionWatch
from vrn_cropper.service.http.envelope import Envelope
from vrn_cropper.service.http.intake import Intake, RouteLimits
from vrn_cropper.service.http.origins import frame_ancestors, read_origins, share_with
from vrn_cropper.service.http.pace import PaceLimits
from vrn_cropper.service.http.page_files import read_page_files
from vrn_cropper.service.http.request_record import OnRequest
from vrn_cropper.service.http.routes_by_url import PATHS, url_routes
from vrn_cropper.service.http.routes_crop import crop_routes
from vrn_cropper.service.http.routes_image import image_routes
from vrn_cropper.service.http.routes_images import images_routes
from vrn_cropper.service.http.routes_page import page_routes
from vrn_cropper.service.http.routes_score import score_routes
from vrn_cropper.service.http.routes_state import metrics_routes, probe_routes, version_routes
from vrn_cropper.service.http.url_requests import UrlRules
from vrn_cropper.service.key_text import key_text
from vrn_cropper.service.lifecycle import Lifecycle, State
from vrn_cropper.service.metrics import Metrics
from vrn_cropper.service.settings import Settings
from vrn_cropper.service.sources.addresses import parse_networks
from vrn_cropper.service.sources.connections import CheckedBackend
from vrn_cropper.service.sources.fetch import Fetcher, FetchLimits
from vrn_cropper.service.sources.presets import Presets
from vrn_cropper.service.sources.rules import SourceRules
from vrn_cropper.service.sources.signatures import UrlSignatures


@dataclass(frozen=True, slots=True)
class Process:
    """Everything that `service.server` runs."""

    settings: Settings
    app: ASGIApp
    core: Core
    lifecycle: Lifecycle
    admission: Admission
    connections: ConnectionWatch
    metrics: Metrics
    fetcher: Fetcher | None


def build_process(
    settings: Settings,
    engine: Engine | None = None,
    on_request: OnRequest | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Process:
    """The whole process; `engine` replaces the chosen one in tests. Raises CheckpointError or
    StartUpError.
    """
    metrics = Metrics(CollectorRegistry(), service_version())
    core = build_core(settings, metrics, engine, clock)
    lifecycle = Lifecycle()

    threads = settings.decode_threads or available_cpus()
    waits = WaitEstimate(threads + core.runner.engine.parallel_batches)
    admission = Admission(core.accepted, settings.max_buffered_bytes, waits, clock)
    connections = ConnectionWatch(
        ConnectionLimits(
            max_connections=room_for(settings.max_connections),
            max_head_bytes=settings.max_head_bytes,
            head_timeout_s=settings.head_timeout_s,
            idle_timeout_s=settings.idle_timeout_s,
            transfer=PaceLimits(settings.min_bytes_per_s, settings.stall_timeout_s),
            max_unsent_bytes=settings.max_unsent_bytes,
        ),
        metrics.connection_cut,
        clock,
    )
    metrics.watch(
        is_ready=lambda: lifecycle.state is State.READY,
        accepted_photos=lambda: core.accepted.count,
        gpu_memory_bytes=core.runner.engine.memory_bytes,
        connections=lambda: connections.count,
    )
    envelope = partial(
        Envelope,
        metrics=metrics,
        lifecycle=lifecycle,
        model_version=core.export.version,
        on_request=on_request,
        clock=clock,
    )
    given = settings.api_keys.get_secret_value() if settings.api_keys else None
    api_keys = ApiKeys.of(given, settings.api_keys_file)
    origins = read_origins("VRN_ALLOW_ORIGINS", settings.allow_origins)
    frames = read_origins("VRN_FRAME_ANCESTORS", settings.frame_ancestors, takes_self=True)
    limits = RouteLimits(
        settings.max_upload_bytes,
        settings.max_files,
        settings.max_files_bytes,
        settings.request_timeout_s,
        PaceLimits(settings.min_bytes_per_s, settings.stall_timeout_s, settings.upload_timeout_s),
    )
    intake = Intake(lifecycle, admission, limits, clock)
    sources = _sources(settings, core.export.version)
    routers = [
        crop_routes(intake, core.crops, metrics, core.export),
        image_routes(intake, core.crops, metrics),
        images_routes(intake, core.crops, metrics, core.export),
        score_routes(intake, core.crops, metrics, core.export),
        *([url_routes(intake, core.crops, metrics, core.export, *sources)] if sources else []),
        probe_routes(lifecycle, core.batcher, admission),
        version_routes(core.runner.engine, core.export, service_version()),
        *([metrics_routes(metrics)] if settings.metrics_port is None else []),
        page_routes(read_page_files(settings.max_upload_bytes), frame_ancestors(frames)),
    ]
    is_signed = sources is not None and sources[0].signatures is not None
    inner = build_app(routers, envelope, service_version(), api_keys, PATHS if is_signed else frozenset())
    app = share_with(inner, origins)
    fetcher = sources[1] if sources else None
    return Process(settings, app, core, lifecycle, admission, connections, metrics, fetcher)


def _sources(settings: Settings, model_version: str) -> tuple[UrlRules, Fetcher] | None:
    """What answers photos by URL, where the operator names sources. Raises StartUpError."""
    given = settings.url_keys.get_secret_value() if settings.url_keys else None
    signatures = UrlSignatures.parse(key_text(given, settings.url_keys_file, "VRN_URL_KEYS") or "")
    rules = SourceRules.parse(settings.sources or "", is_signed=signatures is not None)
    networks = parse_networks(settings.source_networks or "")
    presets = Presets.parse(settings.presets or "", URL_CROP_OPTIONS.keys() | URL_PICTURE_OPTIONS.keys())
    if not rules.rules:
        return None
    limits = FetchLimits(settings.max_upload_bytes, settings.source_timeout_s)
    fetcher = Fetcher(rules, limits, CheckedBackend(networks))
    return UrlRules(presets, signatures, model_version, settings.url_max_age_s), fetcher


def service_version() -> str:
    """The installed package's version; a checkout that is not installed says so."""
    try:
        return metadata.version("vrn-cropper")
    except metadata.PackageNotFoundError:
        return "0+checkout"
