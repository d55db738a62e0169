"""Every number that the service exposes, in one class. Knows Prometheus and nothing of HTTP.

Names have the prefix `vrn_`, times are in seconds. No label value comes from a client: outcomes, routes and
reasons are closed sets, and anything else counts as `other`.
"""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    start_http_server,
)

from vrn_cropper.service.core.crop_service import CropResult
from vrn_cropper.service.error_codes import OUTCOMES

# One more than doubling from 1 ms to 10 s: a warm small photo takes about 15 ms, a deadline is at 10 s.
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

CROP_ROUTES = ("/crop", "/crop/batch", "/crop/image")
# The page's files stay `other`: one visit is a handful of them.
ROUTES = frozenset({*CROP_ROUTES, "/", "/healthz", "/readyz", "/metrics", "/version"})
DROP_REASONS = frozenset({"deadline", "disconnected"})


class Metrics:
    """Counters, gauges and histograms on `registry`. Also the batcher's observer."""

    def __init__(self, registry: CollectorRegistry, routes: frozenset[str] = ROUTES) -> None:
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
        self._total = histogram("request_seconds", "Seconds from the first byte to the answer.", SECONDS_BUCKETS)
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
        self._depth = Gauge("vrn_queue_depth", "Decoded photos that wait for a batch.", registry=registry)
        self._in_flight = Gauge("vrn_in_flight", "Requests being answered.", registry=registry)
        self._ready = Gauge("vrn_ready", "1 if the service takes work.", registry=registry)
        self._engine = Gauge(
            "vrn_engine_info", "The engine.", ["device", "precision", "model", "version"], registry=registry
        )
        self._gpu_memory = Gauge("vrn_gpu_memory_bytes", "GPU memory held; 0 without a GPU.", registry=registry)
        for reason in DROP_REASONS:
            self._dropped.labels(reason)
        for outcome in OUTCOMES:
            for route in CROP_ROUTES:
                self._requests.labels(route, outcome)

    # ---- the batcher's observer ----------------------------------------------------------------------------

    def queue_changed(self, depth: int) -> None:
        """Decoded photos that wait now."""
        self._depth.set(depth)

    def item_dropped(self, reason: str) -> None:
        """An item left the queue unscored."""
        self._dropped.labels(reason if reason in DROP_REASONS else "other").inc()

    def batch_formed(self, size: int, formation_s: float) -> None:
        """A batch closed `formation_s` after its first item came."""
        self._batch_size.observe(size)
        self._formation.observe(formation_s)

    def batch_ran(self, size: int, run_s: float) -> None:
        """A batch of `size` ran."""
        self._inference.observe(run_s)

    # ---- requests ------------------------------------------------------------------------------------------

    def request_began(self) -> None:
        """A request arrived."""
        self._in_flight.inc()

    def request_ended(self, route: str, outcome: str, total_s: float) -> None:
        """A request was answered, or its client left."""
        self._in_flight.dec()
        route = route if route in self._routes else "other"
        self._requests.labels(route, outcome if outcome in OUTCOMES else "other").inc()
        if route in CROP_ROUTES:
            self._total.observe(total_s)

    def photo_cropped(self, result: CropResult, upload_bytes: int) -> None:
        """A photo went the whole path."""
        self._decode.observe(result.timings.decode_s)
        self._queue.observe(result.timings.queue_s)
        if result.timings.encode_s:
            self._encode.observe(result.timings.encode_s)
        self._bytes.observe(upload_bytes)
        self._pixels.observe(result.width * result.height)

    def engine_loaded(self, device: str, precision: str, model: str, version: str) -> None:
        """Which engine serves."""
        self._engine.labels(device, precision, model, version).set(1)

    def watch(self, *, is_ready: Callable[[], bool], gpu_memory_bytes: Callable[[], int | None]) -> None:
        """Where readiness and GPU memory are read at each scrape."""
        self._ready.set_function(lambda: float(is_ready()))
        self._gpu_memory.set_function(lambda: float(gpu_memory_bytes() or 0))

    def render(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self._registry)

    def serve(self, host: str, port: int) -> Callable[[], None]:
        """Serve the text on a port of its own, from a thread; the function returned stops that."""
        server, thread = start_http_server(port, addr=host, registry=self._registry)

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return stop
