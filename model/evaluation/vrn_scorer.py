"""The trained network as a `Scorer`: the transform and the scoring that serve, on one photo at a time.

Knows nothing of data sets or metrics.
"""

from dataclasses import dataclass

import numpy as np
import torch

from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.reading import Photo, read_photo
from vrn_cropper.model.views.boxes import flip_boxes


@dataclass(frozen=True)
class VrnScorer:
    """Scores views by `vrn`; with `mirror` the mean over the photo and its mirror image (twice the work)."""

    vrn: Vrn
    device: torch.device
    mirror: bool = False

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        pixels = read_photo(photo).model_input[None]
        boxes = np.asarray(boxes_normalized, dtype=np.float32)[None]
        if self.mirror:
            pixels = np.concatenate([pixels, pixels[:, :, ::-1]])
            boxes = np.concatenate([boxes, flip_boxes(boxes[0])[None]])
        with torch.inference_mode():
            scores = self.vrn.score_views(
                torch.from_numpy(np.array(pixels)).to(self.device), torch.from_numpy(boxes).to(self.device)
            )
        return scores.mean(dim=0).cpu().numpy()
