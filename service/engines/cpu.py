"""The CPU engine: the exported graph, one photo at a time on each core. Needs no torch.

Photos are not scored as a batch: one photo's layers fit the caches that a batch's do not, and one thread waits for no
other after each layer (docs/benchmarks.md). As many photos as there are threads are scored side by side, each on the
thread that asks; one that finds the engine idle gets all threads, for its latency. Threads follow the CPU limit of
the process.
"""

import threading
from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.network.inference import Graph, GraphError, open_graph
from vrn_cropper.service.engines.contract import PreparedBatch, ScoreItem, split_scores, stack_items
from vrn_cropper.service.errors import EngineError


class CpuEngine:
    """Scores on the CPU, in `f32` or `bf16`."""

    device = "cpu"
    best_batch_size = 1

    def __init__(self, export: ExportInfo, *, threads: int, precision: str = "f32") -> None:
        self._export = export
        self.precision = precision
        self.parallel_batches = threads
        self._threads = threads
        self._graph: Graph | None = None  # for photos side by side, a thread each
        self._lone: Graph | None = None  # for one photo on all threads
        self._lock = threading.Lock()
        self._running = 0

    def load(self) -> None:
        """Read the graph. Raises CheckpointError."""
        path, precision = self._export.path, self.precision
        self._graph = self._lone = open_graph(path, precision, threads=self._threads, streams=self._threads)
        if self._threads > 1 and precision == "f32":  # of bf16 a second one costs 100 MiB, and it is fast as it is
            self._lone = open_graph(path, precision, threads=self._threads)

    def warm_up(self) -> None:
        """The largest input shape, alone and side by side; in bf16 all, as OpenVINO compiles for each."""
        assert self._graph is not None  # load() came before
        assert self._lone is not None
        boxes = np.array([[[0, 0, 1, 1]]], np.float32)
        shapes = sorted(self._export.input_shapes, key=lambda shape: -shape.height * shape.width)
        for shape in shapes if self.precision == "bf16" else shapes[:1]:
            for graph in {self._graph, self._lone}:
                graph(np.zeros((1, shape.height, shape.width, 3), np.uint8), boxes)

    def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items of one input shape; see `stack_items`."""
        return stack_items(items)

    def score(self, batch: PreparedBatch) -> list[np.ndarray]:
        """Scores of each item, float32 (N,), one after the other. Raises EngineError. Any thread."""
        if self._graph is None or self._lone is None:
            raise EngineError("the engine is not loaded")
        with self._lock:
            graph = self._lone if self._running == 0 else self._graph
            self._running += 1
        try:
            # Cut to its own views, as every padded one would cost as much as they do.
            return [
                split_scores(
                    graph(batch.photos[row : row + 1], batch.boxes_normalized[row : row + 1, :count]), (count,)
                )[0]
                for row, count in enumerate(batch.view_counts)
            ]
        except GraphError as error:
            raise EngineError("the model failed on this photo") from error
        finally:
            with self._lock:
                self._running -= 1

    def memory_bytes(self) -> int | None:
        """None: a CPU has no memory of its own."""
        return None

    def close(self) -> None:
        """Drop the graphs."""
        self._graph = self._lone = None
