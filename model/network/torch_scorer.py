"""The checkpoint on a torch device, for `Cropper` on a GPU: half precision there, photos of one shape together."""

import threading
from collections.abc import Sequence

import numpy as np
import torch

from vrn_cropper.model.errors import CheckpointError, DeviceError
from vrn_cropper.model.network.checkpoint import load_checkpoint
from vrn_cropper.model.network.export_info import ExportInfo

_WHOLE_FRAME = np.array([0, 0, 1, 1], dtype=np.float32)


class TorchScorer:
    """A `model.scoring.ViewScorer` on CUDA, or on torch's CPU, where it is tested."""

    best_batch_size = 32

    def __init__(self, export: ExportInfo, *, device: str, precision: str = "auto") -> None:
        """`precision` is f16, f32 or auto: f16 on CUDA. Raises CheckpointError, and DeviceError for a device that
        torch does not see.
        """
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise DeviceError("torch sees no CUDA device; install an NVIDIA driver and a CUDA build of torch")
        checkpoint = export.path.with_suffix(".safetensors")
        if not checkpoint.is_file():
            raise CheckpointError(
                f"a GPU needs the weights {checkpoint.name} beside {export.path}; a wheel does not hold them:"
                " take them from the repository and name the graph beside them in load(path)"
            )
        half = precision == "f16" or (precision == "auto" and device.startswith("cuda"))
        self._dtype = torch.float16 if half else torch.float32
        self.device = device
        self._turn = threading.Lock()
        try:
            vrn = load_checkpoint(checkpoint, device)
        except RuntimeError as error:  # such as cuda:9 on a machine with fewer
            raise DeviceError(f"{device}: {error}") from error
        self._vrn = vrn.to(dtype=self._dtype).to(memory_format=torch.channels_last).eval()

    def score(self, photos: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        """As `ViewScorer`."""
        of_shape: dict[tuple[int, ...], list[int]] = {}
        for index, (pixels, _) in enumerate(photos):
            of_shape.setdefault(pixels.shape, []).append(index)
        scores: list[np.ndarray] = [np.empty(0)] * len(photos)
        for indices in of_shape.values():
            for start in range(0, len(indices), self.best_batch_size):
                batch = indices[start : start + self.best_batch_size]
                for index, found in zip(batch, self._score([photos[i] for i in batch]), strict=True):
                    scores[index] = found
        return scores

    @torch.inference_mode()
    def _score(self, photos: Sequence[tuple[np.ndarray, np.ndarray]]) -> list[np.ndarray]:
        """Photos of one shape; the lists of boxes are padded, as scores are per box."""
        longest = max(len(boxes) for _, boxes in photos)
        boxes = np.tile(_WHOLE_FRAME, (len(photos), longest, 1))
        for row, (_, own) in enumerate(photos):
            boxes[row, : len(own)] = own
        pixels = torch.from_numpy(np.stack([pixels for pixels, _ in photos])).to(self.device)
        with self._turn:
            scores = self._vrn.score_views(pixels, torch.from_numpy(boxes).to(self.device, self._dtype))
        found = scores.float().cpu().numpy()
        return [found[row, : len(own)] for row, (_, own) in enumerate(photos)]
