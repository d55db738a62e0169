"""Scores candidate views of photos on one device, for `Cropper`. Knows arrays and graphs, no photos' files.

The service has engines of its own (`service.engines`), made for a stream of requests: they warm up every shape first,
and hold memory for that. Here a script asks, and what it does not use costs nothing.
"""

import threading
from collections.abc import Sequence
from typing import Protocol

import numpy as np
import openvino

from vrn_cropper.model.cpu_flags import cpu_precision
from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import ExportInfo

# A photo as the network takes it, uint8 (H, W, 3), and its boxes_normalized, float32 (N, 4), N at least 1.
PhotoViews = tuple[np.ndarray, np.ndarray]
# Above this a stream more on a CPU costs memory (some 70 MiB) and no longer gains.
_MOST_STREAMS = 8


class ViewScorer(Protocol):
    """Scores views on `device`; may be called from several threads, which take turns."""

    device: str
    best_batch_size: int

    def score(self, photos: Sequence[PhotoViews]) -> list[np.ndarray]:
        """One score a box, float32 (N,), for each photo; a photo's scores do not depend on the others."""


class OpenVinoScorer:
    """The exported graph on the CPU. A lone photo gets all threads; of many, each core takes one at a time."""

    device = "cpu"

    def __init__(self, export: ExportInfo, *, threads: int, precision: str) -> None:
        """Compiles the graph for lone photos; for many it is compiled when many come. Raises CheckpointError."""
        self._export = export
        self._threads = threads
        self._precision = cpu_precision(precision)
        self._lone = self._compile("LATENCY").create_infer_request()
        self._side_by_side: openvino.AsyncInferQueue | None = None
        self._turn = threading.Lock()
        self.best_batch_size = 2 * _MOST_STREAMS

    def score(self, photos: Sequence[PhotoViews]) -> list[np.ndarray]:
        """As `ViewScorer`."""
        with self._turn:
            if len(photos) == 1:
                return [np.array(self._lone.infer(_inputs(photos[0]))["scores"][0])]
            queue = self._queue()
            scores: list[np.ndarray] = [np.empty(0)] * len(photos)
            queue.set_callback(lambda request, index: scores.__setitem__(index, _scores_of(request)))
            for index, photo in enumerate(photos):
                queue.start_async(_inputs(photo), index)
            queue.wait_all()
            return scores

    def _queue(self) -> openvino.AsyncInferQueue:
        if self._side_by_side is None:
            compiled = self._compile("THROUGHPUT")
            streams = min(int(compiled.get_property("NUM_STREAMS")), _MOST_STREAMS)
            self._side_by_side = openvino.AsyncInferQueue(compiled, streams)
        return self._side_by_side

    def _compile(self, hint: str) -> openvino.CompiledModel:
        options = {
            "PERFORMANCE_HINT": hint,
            "INFERENCE_PRECISION_HINT": self._precision,
            **({"INFERENCE_NUM_THREADS": self._threads} if self._threads else {}),
        }
        try:
            return openvino.Core().compile_model(self._export.path, "CPU", options)
        except RuntimeError as error:
            raise CheckpointError(f"{self._export.path} is not a graph that OpenVINO can run: {error}") from error


def _inputs(photo: PhotoViews) -> dict[str, np.ndarray]:
    return {"photos": photo[0][None], "boxes_normalized": photo[1][None]}


def _scores_of(request: openvino.InferRequest) -> np.ndarray:
    return np.array(request.get_tensor("scores").data[0])
