"""The CUDA engine: the checkpoint on torch, half precision, a CUDA graph for each (shape, batch size).

Host memory is pinned, copies are asynchronous; photos travel as uint8 and are normalised there. It runs
on torch's CPU device as well, without graphs: that is how it is tested where there is no GPU.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from vrn_cropper.model.network.checkpoint import load_checkpoint
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.service.engines.contract import VIEW_STEP, PreparedBatch, ScoreItem, split_scores, stack_items
from vrn_cropper.service.errors import EngineError, EngineMemoryError, StartUpError

_DTYPES = {"f32": torch.float32, "f16": torch.float16}
# The grid has at most 90 views. Longer lists (several aspect ratios) run without a graph.
_GRAPH_VIEWS = -(-90 // VIEW_STEP) * VIEW_STEP


class _GraphKey(NamedTuple):
    height: int
    width: int
    batch_size: int


class _Graph(NamedTuple):
    """A captured run: its inputs are overwritten, `replay` runs it, its output is read."""

    photos: torch.Tensor
    boxes: torch.Tensor
    scores: torch.Tensor
    replay: Callable[[], None]


class TorchEngine:
    """Scores on a CUDA device, or on torch's CPU device in tests."""

    best_batch_size = 32
    parallel_batches = 1  # a GPU has one queue

    def __init__(
        self,
        export: ExportInfo,
        *,
        device: str,
        precision: str,
        max_batch_size: int,
        max_memory_share: float,
    ) -> None:
        self.device = device
        self.precision = precision
        self._export = export
        self._max_memory_share = max_memory_share
        self._is_cuda = device.startswith("cuda")
        self._batch_sizes = batch_buckets(max_batch_size or self.best_batch_size)
        self._vrn: Any = None
        self._graphs: dict[_GraphKey, _Graph] = {}
        self._pool: Any = None  # memory that all graphs share: they never run at once

    def load(self) -> None:
        """Read the checkpoint beside the export and put it on the device. Raises CheckpointError."""
        checkpoint = self._export.checked_checkpoint()
        if self._is_cuda:
            index = torch.device(self.device).index or 0
            torch.cuda.set_device(index)
            self._pool = torch.cuda.graph_pool_handle()
            torch.cuda.set_per_process_memory_fraction(self._max_memory_share, index)
        vrn = load_checkpoint(checkpoint, self.device)
        self._vrn = vrn.to(dtype=_DTYPES[self.precision]).to(memory_format=torch.channels_last).eval()

    def warm_up(self) -> None:
        """Capture, or on the CPU run once, every input shape at every batch size. Raises StartUpError."""
        try:
            # Largest first: the graphs share one pool, and smaller ones then fit into what it holds.
            for batch_size in reversed(self._batch_sizes):
                for shape in self._export.input_shapes:
                    self._warm_up_shape(shape, batch_size)
        except torch.OutOfMemoryError:
            raise StartUpError(
                f"{self.device} has too little memory: lower VRN_MAX_BATCH_SIZE or raise VRN_MAX_GPU_MEMORY_SHARE"
            ) from None

    def prepare(self, items: Sequence[ScoreItem]) -> PreparedBatch:
        """Stack items of one input shape in pinned memory, filled up to a batch size that is warm."""
        wanted = next((size for size in self._batch_sizes if size >= len(items)), len(items))
        stacked = stack_items(items, batch_size=wanted)
        photos, boxes = torch.from_numpy(stacked.photos), torch.from_numpy(stacked.boxes_normalized)
        if self._is_cuda:
            photos, boxes = photos.pin_memory(), boxes.pin_memory()
        return PreparedBatch(photos, boxes, stacked.view_counts)

    @torch.inference_mode()
    def score(self, batch: PreparedBatch) -> list[np.ndarray]:
        """Scores of each item, float32 (N,). Raises EngineMemoryError or EngineError."""
        if self._vrn is None:
            raise EngineError("the engine is not loaded")
        try:
            scores = self._run(batch.photos, batch.boxes_normalized)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise EngineMemoryError("the device's memory is full") from None
        return split_scores(scores.float().cpu().numpy(), batch.view_counts)

    def memory_bytes(self) -> int | None:
        """Device memory that this process holds; None on a CPU."""
        return torch.cuda.memory_reserved(self.device) if self._is_cuda else None

    def close(self) -> None:
        """Drop graphs and weights."""
        self._graphs.clear()
        self._vrn = None
        if self._is_cuda:
            torch.cuda.empty_cache()

    def _run(self, photos: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        graph = self._graphs.get(_GraphKey(photos.shape[1], photos.shape[2], photos.shape[0]))
        if graph is None or boxes.shape[1] > _GRAPH_VIEWS:
            return self._forward(photos.to(self.device, non_blocking=True), boxes.to(self.device, non_blocking=True))
        graph.photos.copy_(photos, non_blocking=True)
        graph.boxes[:, : boxes.shape[1]].copy_(boxes, non_blocking=True)
        graph.replay()
        return graph.scores

    def _forward(self, photos: torch.Tensor, boxes: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self._vrn.score_views(photos, boxes.to(_DTYPES[self.precision]))
        return scores

    @torch.inference_mode()
    def _warm_up_shape(self, shape: InputShape, batch_size: int) -> None:
        photos = torch.zeros((batch_size, shape.height, shape.width, 3), dtype=torch.uint8, device=self.device)
        whole_frame = torch.tensor([0.0, 0.0, 1.0, 1.0], device=self.device)
        boxes = whole_frame.expand(batch_size, _GRAPH_VIEWS, 4).contiguous()
        if not self._is_cuda:
            self._forward(photos, boxes)
            return
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # libraries choose their algorithms before the capture
            for _ in range(2):
                self._forward(photos, boxes)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            scores = self._forward(photos, boxes)
        key = _GraphKey(shape.height, shape.width, batch_size)
        self._graphs[key] = _Graph(photos, boxes, scores, graph.replay)


def batch_buckets(max_batch_size: int) -> tuple[int, ...]:
    """Batch sizes that are kept warm: powers of two, and the largest itself."""
    powers = (2**exponent for exponent in range(max_batch_size.bit_length()))
    return tuple(sorted({size for size in powers if size < max_batch_size} | {max_batch_size}))
