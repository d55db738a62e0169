"""Scores candidate views of photos on one device, for `Cropper`. Knows arrays and graphs, no photos' files.

The service has engines of its own (`service.engines`), made for a stream of requests. Here a script asks, and what it
does not use costs nothing.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.network.inference import Graph, choose_precision, open_graph
from vrn_cropper.model.network.reference import check_reference, reference_input

# A photo as the network takes it, uint8 (H, W, 3), and its boxes_normalized, float32 (N, 4), N at least 1.
PhotoViews = tuple[np.ndarray, np.ndarray]


class ViewScorer(Protocol):
    """Scores views on `device`; may be called from several threads."""

    device: str
    best_batch_size: int

    def score(self, photos: Sequence[PhotoViews]) -> list[np.ndarray]:
        """One score a box, float32 (N,), for each photo; a photo's scores do not depend on the others."""


class CpuScorer:
    """The exported graph on the CPU. A lone photo gets all threads; of many, each thread takes one at a time."""

    device = "cpu"

    def __init__(self, export: ExportInfo, *, threads: int, precision: str) -> None:
        """`threads` 0 means all. The graph for many photos is loaded when many come. Raises CheckpointError."""
        self._export = export
        self._threads = threads or _cpus()
        self._precision = choose_precision(precision)
        self._lone = open_graph(export.path, self._precision, threads=self._threads)
        self._side_by_side: Graph | None = None
        self._lock = threading.Lock()
        self.best_batch_size = 2 * self._threads
        photo, boxes = reference_input(export.input_shapes[0])
        check_reference(export, self._precision, self._lone(photo[None], boxes[None])[0])

    def score(self, photos: Sequence[PhotoViews]) -> list[np.ndarray]:
        """As `ViewScorer`."""
        if len(photos) == 1:
            return [_scores(self._lone, photos[0])]
        with self._lock:
            if self._side_by_side is None:
                self._side_by_side = open_graph(
                    self._export.path, self._precision, threads=self._threads, streams=self._threads
                )
            graph = self._side_by_side
        with ThreadPoolExecutor(self._threads) as threads:
            return list(threads.map(lambda photo: _scores(graph, photo), photos))


def _scores(graph: Graph, photo: PhotoViews) -> np.ndarray:
    pixels, boxes_normalized = photo
    return np.asarray(graph(pixels[None], boxes_normalized[None])[0])


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
