"""Every number that the service exposes, in one class. Knows Prometheus and nothing of HTTP.

Names have the prefix `vrn_`, times are in seconds. No label value comes from a client: outcomes, routes and
reasons are closed sets, and anything else counts as `other`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    make_asgi_app,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from vrn_cropper.service.core.batch_contract import DropReason
from vrn_cropper.service.core.crop_service import PhotoResult
from vrn_cropper.service.core.stages import STAGES
from vrn_cropper.service.error_codes import OUTCOMES

# From 1 ms to the default deadline of 10 s, closest between 10 and 150 ms, where most requests end.
SECONDS_BUCKETS = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.02,
    0.035,
    0.05,
    0.075,
    0.1,
    0.15,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)
# Forming and queueing end within a few batches: their interesting part begins below a millisecond.
SHORT_SECONDS_BUCKETS = (0.0001, 0.0005, *SECONDS_BUCKETS)
BATCH_SIZE_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)
BYTES_BUCKETS = (1e4, 1e5, 5e5, 1e6, 2e6, 5e6, 1e7, 2e7, 5e7)
PIXELS_BUCKETS = (1e5, 5e5, 1e6, 2e6, 5e6, 1.2e7, 2.4e7, 5e7, 1e8)

BATCH_ROUTE = "/crop/batch"
CROP_ROUTES = ("/crop", BATCH_ROUTE, "/crop/image", "/crop/images", "/score")
# The page's files stay `other`: one visit is a handful of them.
ROUTES = frozenset({*CROP_ROUTES, "/", "/healthz", "/readyz", "/metrics", "/version"})
# Why a connection was refused or cut below any route (`service.http.connection`).
CUT_REASONS = frozenset(
    {
        "bad_request", "large_head", "slow_head", "slow_upload", "slow_reader", "unsent_limit",
        "too_many_connections", "failed",
    }
)  # fmt: skip


class Metrics:
    """Counters, gauges and histograms on `registry`. Also the batcher's observer."""

    def __init__(
        self, registry: CollectorRegistry, version: str = "unknown", routes: frozenset[str] = ROUTES
    ) -> None:
        disable_created_metrics()  # a second series for each, which nobody reads; for the whole process
        self._registry = registry
        ProcessCollector(registry=registry)  # start time (restarts), memory, CPU seconds, open files
        self._routes = routes

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"vrn_{name}", text, buckets=buckets, registry=registry)

        self._requests = Counter(
            "vrn_requests_total",
            "Requests answered, by route and outcome.",
            ["route", "outcome"],
            registry=registry,
        )
        self._total = Histogram(
            "vrn_request_seconds",
            "Seconds from a request's head to the end of its answer, by route and outcome.",
            ["route", "outcome"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self._stages = Histogram(
            "vrn_stage_seconds",
            "Seconds of a request in one stage; the stages add up to vrn_request_seconds.",
            ["stage"],
            buckets=SHORT_SECONDS_BUCKETS,
            registry=registry,
        )
        self._photos = Counter(
            "vrn_photos_total", "Photos sent to be cropped, by outcome.", ["outcome"], registry=registry
        )
        Gauge("vrn_build_info", "The service that runs.", ["version"], registry=registry).labels(version).set(1)
        self._decode = histogram("decode_seconds", "Seconds to decode one photo.", SECONDS_BUCKETS)
        self._encode = histogram("encode_seconds", "Seconds to cut and encode one picture.", SECONDS_BUCKETS)
        self._queue = histogram("queue_seconds", "Seconds from decoded to running.", SHORT_SECONDS_BUCKETS)
        self._formation = histogram(
            "batch_formation_seconds",
            "Seconds from a batch's first item to its close.",
            SHORT_SECONDS_BUCKETS,
        )
        self._inference = histogram("inference_seconds", "Seconds that one batch ran.", SECONDS_BUCKETS)
        self._batch_size = histogram("batch_size", "Photos in a batch.", BATCH_SIZE_BUCKETS)
        self._bytes = histogram("upload_bytes", "Bytes of an upload.", BYTES_BUCKETS)
        self._pixels = histogram("photo_pixels", "Pixels of a source image.", PIXELS_BUCKETS)
        self._dropped = Counter(
            "vrn_dropped_total",
            "Items that left the queue unscored, by reason.",
            ["reason"],
            registry=registry,
        )
        self._cut = Counter(
            "vrn_connections_cut_total", "Connections refused or cut, by reason.", ["reason"], registry=registry
        )
        self._connections = Gauge("vrn_connections", "Open connections.", registry=registry)
        self._accepted = Gauge("vrn_accepted_photos", "Accepted and unanswered photos.", registry=registry)
        self._in_flight = Gauge("vrn_in_flight", "Requests being answered.", registry=registry)
        self._ready = Gauge("vrn_ready", "1 if the service takes work.", registry=registry)
        self._engine = Gauge(
            "vrn_engine_info", "The engine.", ["device", "precision", "model", "version"], registry=registry
        )
        self._gpu_memory = Gauge("vrn_gpu_memory_bytes", "GPU memory held; 0 without a GPU.", registry=registry)
        for reason in get_args(DropReason):
            self._dropped.labels(reason)
        for reason in CUT_REASONS:
            self._cut.labels(reason)
        for outcome in OUTCOMES:
            self._photos.labels(outcome)
            for route in CROP_ROUTES:
                self._requests.labels(route, outcome)

    # ---- the batcher's observer ----------------------------------------------------------------------------

    def item_dropped(self, reason: DropReason) -> None:
        """An item left the queue unscored."""
        self._dropped.labels(reason).inc()

    def batch_formed(self, size: int, formation_s: float) -> None:
        """A batch closed `formation_s` after its first item came."""
        self._batch_size.observe(size)
        self._formation.observe(formation_s)

    def batch_ran(self, size: int, run_s: float) -> None:
        """A batch of `size` ran."""
        self._inference.observe(run_s)

    # ---- connections ---------------------------------------------------------------------------------------

    def connection_cut(self, reason: str) -> None:
        """A connection was refused or cut below any route."""
        self._cut.labels(reason if reason in CUT_REASONS else "other").inc()

    # ---- requests ------------------------------------------------------------------------------------------

    def request_began(self) -> None:
        """A request arrived."""
        self._in_flight.inc()

    def request_ended(
        self, route: str, outcome: str, total_s: float, stages: Mapping[str, float], trace_id: str | None = None
    ) -> None:
        """A request was answered, or its client left; `stages` are seconds by stage."""
        self._in_flight.dec()
        route = route if route in self._routes else "other"
        outcome = outcome if outcome in OUTCOMES else "other"
        self._requests.labels(route, outcome).inc()
        if route in CROP_ROUTES:
            self._total.labels(route, outcome).observe(total_s, {"trace_id": trace_id} if trace_id else None)
            for stage, seconds in stages.items():
                self._stages.labels(stage if stage in STAGES else "other").observe(seconds)
            if route != BATCH_ROUTE:
                self.photo_ended(outcome)

    def photo_cropped(self, result: PhotoResult, upload_bytes: int) -> None:
        """A photo went the whole path."""
        self._decode.observe(result.seconds["decode"])
        self._queue.observe(result.seconds["queue"])
        if "encode" in result.seconds:
            self._encode.observe(result.seconds["encode"])
        self._bytes.observe(upload_bytes)
        self._pixels.observe(result.width * result.height)

    def photo_ended(self, outcome: str) -> None:
        """A photo of a batch request came to its end; one that is a request of its own ends with that."""
        self._photos.labels(outcome if outcome in OUTCOMES else "other").inc()

    def engine_loaded(self, device: str, precision: str, model: str, version: str) -> None:
        """Which engine serves."""
        self._engine.labels(device, precision, model, version).set(1)

    def watch(
        self,
        *,
        is_ready: Callable[[], bool],
        accepted_photos: Callable[[], int],
        gpu_memory_bytes: Callable[[], int | None],
        connections: Callable[[], int],
    ) -> None:
        """Where the gauges are read at each scrape."""
        self._accepted.set_function(lambda: float(accepted_photos()))
        self._connections.set_function(lambda: float(connections()))
        self._ready.set_function(lambda: float(is_ready()))
        self._gpu_memory.set_function(lambda: float(gpu_memory_bytes() or 0))

    def watch_log(self, dropped_lines: Callable[[], int]) -> None:
        """Where the count of lost log lines is read at each scrape."""
        self._registry.register(_LostLines(dropped_lines))

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """What Prometheus scrapes, and its media type: OpenMetrics, with exemplars, where `accept` asks for it."""
        encode, media_type = choose_encoder(accept)
        return encode(self._registry), media_type

    def application(self) -> Callable[..., Any]:
        """The text as an ASGI application of its own."""
        return make_asgi_app(self._registry)


class _LostLines(Collector):
    """A counter that another thread keeps."""

    def __init__(self, dropped_lines: Callable[[], int]) -> None:
        self._dropped_lines = dropped_lines

    def collect(self) -> Iterable[Metric]:
        """At each scrape."""
        yield CounterMetricFamily(
            "vrn_log_lines_dropped", "Log lines lost, as standard error was not read.", self._dropped_lines()
        )
