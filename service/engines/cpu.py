"""The CPU engine: the exported graph on OpenVINO. Needs no torch.

The graph is compiled twice. A lone photo gets all threads at once, for latency. The photos of a batch run side
by side, each on a stream of its own: one photo's layers fit the caches that a larger batch's do not, and one
thread waits for no other after each layer. Two batches run at once, so that no stream is idle while the other
ends its batch or the next one is on its way. A photo is always scored alone, so its scores cannot depend on its
batch-mates.

Compiled models are kept in a cache folder, so that a second start only maps them. Threads follow the CPU
limit of the process, which OpenVINO itself would not see behind a container's quota.
"""

import logging
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import openvino

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.service.engines.contract import VIEW_STEP, PreparedBatch, ScoreItem, split_scores, stack_items
from vrn_cropper.service.errors import EngineError

_log = logging.getLogger(__name__)
# The grid of a photo has at most 90 views; the list is padded to a multiple of VIEW_STEP.
_WARM_UP_VIEWS = -(-90 // VIEW_STEP) * VIEW_STEP
# Each stream holds some 70 MiB, so on many cores a stream gets more than one thread.
_MOST_STREAMS = 8


class OpenVinoEngine:
    """Scores on the CPU, in f32 or where the CPU has instructions for it in bf16."""

    device = "cpu"
    parallel_batches = 2

    def __init__(self, export: ExportInfo, *, threads: int, cache_dir: Path | None, precision: str = "f32") -> None:
        self._export = export
        self.precision = precision
        self._threads = threads
        self._cache_dir = cache_dir
        self._streams = min(threads, _MOST_STREAMS)
        # Two photos a stream and batch.
        self.best_batch_size = max(4, 2 * self._streams)
        self._lone: openvino.InferRequest | None = None
        self._lock = threading.Lock()
        self._running = 0
        self._free: SimpleQueue[openvino.InferRequest] = SimpleQueue()
        self._threads_of_streams = ThreadPoolExecutor(self._streams, thread_name_prefix="stream")

    def load(self) -> None:
        """Compile the graph, or take it from the cache. Raises CheckpointError."""
        lone = self._compile("LATENCY", streams=1)
        names = {name for port in lone.inputs for name in port.names}
        if not {"photos", "boxes_normalized"} <= names:
            raise CheckpointError(f"{self._export.path} is not an exported VRN: its inputs are {sorted(names)}")
        self._lone = lone.create_infer_request()
        if self._streams == 1:
            self._free.put(self._lone)
            return
        streams = self._compile("THROUGHPUT", streams=self._streams)
        for _ in range(self._streams):
            self._free.put(streams.create_infer_request())

    def _compile(self, hint: str, *, streams: int) -> openvino.CompiledModel:
        options = {
            "INFERENCE_NUM_THREADS": self._threads,
            "PERFORMANCE_HINT": hint,
            "NUM_STREAMS": streams,
            "INFERENCE_PRECISION_HINT": self.precision,
            # Pinning fights with the decode threads and with other processes on the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        if self._cache_dir is not None and _is_usable(self._cache_dir):
            options["CACHE_DIR"] = str(self._cache_dir)
        try:
            return openvino.Core().compile_model(self._export.path, "CPU", options)
        except RuntimeError as error:
            raise CheckpointError(f"{self._export.path} is not a graph that OpenVINO can run: {error}") from error

    def warm_up(self) -> None:
        """Every input shape on every stream, and alone; the largest first, as buffers that grow leave holes."""
        boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (_WARM_UP_VIEWS, 1))
        for shape in sorted(self._export.input_shapes, key=lambda shape: -shape.height * shape.width):
            item = ScoreItem(np.zeros((shape.height, shape.width, 3), np.uint8), boxes)
            for count in {1, self._streams}:
                self.score(self.prepare([item] * count))

    def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items of one input shape; see `stack_items`."""
        return stack_items(items)

    def score(self, batch: PreparedBatch) -> list[np.ndarray]:
        """Scores of each item, float32 (N,). Raises EngineError. May be called from several threads."""
        if self._lone is None:
            raise EngineError("the engine is not loaded")
        with self._lock:
            has_all_threads = self._running == 0 and len(batch.view_counts) == 1 and self._streams > 1
            self._running += 1
        try:
            scores = [_infer(self._lone, batch, 0)] if has_all_threads else self._infer_side_by_side(batch)
        except RuntimeError as error:
            raise EngineError("the model failed on this photo") from error
        finally:
            with self._lock:
                self._running -= 1
        return split_scores(np.concatenate(scores), batch.view_counts)

    def _infer_side_by_side(self, batch: PreparedBatch) -> list[np.ndarray]:
        rows = range(len(batch.view_counts))
        running = [self._threads_of_streams.submit(self._infer_on_a_stream, batch, row) for row in rows]
        wait(running)  # all of them, so that after a failure none still reads the batch
        return [future.result() for future in running]

    def _infer_on_a_stream(self, batch: PreparedBatch, row: int) -> np.ndarray:
        request = self._free.get()
        try:
            return _infer(request, batch, row)
        finally:
            self._free.put(request)

    def memory_bytes(self) -> int | None:
        """None: a CPU has no memory of its own."""
        return None

    def close(self) -> None:
        """Drop the compiled models."""
        self._threads_of_streams.shutdown()
        self._lone = None
        self._free = SimpleQueue()


def _infer(request: openvino.InferRequest, batch: PreparedBatch, row: int) -> np.ndarray:
    """Scores (1, N) of one photo of a batch; a copy, as the request is used again. Raises RuntimeError."""
    one = slice(row, row + 1)
    inputs = {"photos": batch.photos[one], "boxes_normalized": batch.boxes_normalized[one]}
    return request.infer(inputs, share_inputs=True)["scores"].copy()


def _is_usable(cache_dir: Path) -> bool:
    """Make the cache folder; without one the service still starts, only slower."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled models are not cached: VRN_MODEL_CACHE_DIR %s cannot be made (%s)", cache_dir, error)
        return False
    # A read-only folder that was filled when a container image was built still serves what it holds.
    return os.access(cache_dir, os.W_OK) or any(cache_dir.iterdir())
