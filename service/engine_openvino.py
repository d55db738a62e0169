"""The CPU engine: the exported graph on OpenVINO. Needs no torch.

Compiled models are kept in a cache folder, so that a second start only maps them. Threads follow the CPU
limit of the process, which OpenVINO itself would not see behind a container's quota.
"""

import logging
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino

from model.errors import CheckpointError
from model.exported import ExportInfo
from service.engine import VIEW_STEP, PreparedBatch, ScoreItem, split_scores, stack_items
from service.errors import EngineError

_log = logging.getLogger(__name__)
# The grid of a photo has at most 90 views; the list is padded to a multiple of VIEW_STEP.
_WARM_UP_VIEWS = -(-90 // VIEW_STEP) * VIEW_STEP


class OpenVinoEngine:
    """Scores on the CPU in f32."""

    device = "cpu"
    precision = "f32"
    # A single photo keeps all threads busy; larger batches only fall out of the cache and hold more memory.
    best_batch_size = 4

    def __init__(self, export: ExportInfo, *, threads: int, cache_dir: Path | None) -> None:
        self._export = export
        self._threads = threads
        self._cache_dir = cache_dir
        self._request: openvino.InferRequest | None = None

    def load(self) -> None:
        """Compile the graph, or take it from the cache. Raises CheckpointError."""
        core = openvino.Core()
        options = {
            "INFERENCE_NUM_THREADS": self._threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32",
            # Pinning fights with the decode threads and with other processes on the same cores.
            "ENABLE_CPU_PINNING": False,
        }
        if self._cache_dir is not None and _is_usable(self._cache_dir):
            options["CACHE_DIR"] = str(self._cache_dir)
        try:
            compiled = core.compile_model(self._export.path, "CPU", options)
        except RuntimeError as error:
            raise CheckpointError(f"{self._export.path} is not a graph that OpenVINO can run: {error}") from error
        names = {name for port in compiled.inputs for name in port.names}
        if not {"photos", "boxes_normalized"} <= names:
            raise CheckpointError(f"{self._export.path} is not an exported VRN: its inputs are {sorted(names)}")
        self._request = compiled.create_infer_request()

    def warm_up(self) -> None:
        """One photo of every input shape."""
        boxes = np.tile(np.array([0, 0, 1, 1], np.float32), (_WARM_UP_VIEWS, 1))
        for shape in self._export.input_shapes:
            item = ScoreItem(np.zeros((shape.height, shape.width, 3), np.uint8), boxes)
            self.score(self.prepare([item]))

    def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items of one input shape; see `stack_items`."""
        return stack_items(items)

    def score(self, batch: PreparedBatch) -> list[np.ndarray]:
        """Scores of each item, float32 (N,). Raises EngineError."""
        if self._request is None:
            raise EngineError("the engine is not loaded")
        try:
            outputs = self._request.infer(
                {"photos": batch.photos, "boxes_normalized": batch.boxes_normalized}, share_inputs=True
            )
        except RuntimeError as error:
            raise EngineError("the model failed on this photo") from error
        return split_scores(outputs["scores"], batch.view_counts)

    def memory_bytes(self) -> int | None:
        """None: a CPU has no memory of its own."""
        return None

    def close(self) -> None:
        """Drop the compiled model."""
        self._request = None


def _is_usable(cache_dir: Path) -> bool:
    """Make the cache folder; without one the service still starts, only slower."""
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        _log.warning("compiled models are not cached: VRN_MODEL_CACHE_DIR %s cannot be made (%s)", cache_dir, error)
        return False
    # A read-only folder that was filled when a container image was built still serves what it holds.
    return os.access(cache_dir, os.W_OK) or any(cache_dir.iterdir())
