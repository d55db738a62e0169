"""The trained network as a `Scorer`: the reading and the scoring that serve, on one photo at a time.

Knows nothing of data sets or metrics.
"""

from dataclasses import dataclass

import numpy as np
import torch

from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.input_shapes import gaic_input_shape
from vrn_cropper.model.photos.orientation import orientation_of, upright_size
from vrn_cropper.model.photos.reading import Photo, open_photo, read_photo
from vrn_cropper.model.views.boxes import flip_boxes


@dataclass(frozen=True)
class VrnScorer:
    """Scores views by `vrn`; with `mirror` the mean over the photo and its mirror image (twice the work).

    `free_shapes`: the photo at GAIC's own input shape, for a network trained with --free-shapes, which is not served.
    """

    vrn: Vrn
    device: torch.device
    mirror: bool = False
    free_shapes: bool = False

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        pixels = self._pixels(photo)[None]
        boxes = np.asarray(boxes_normalized, dtype=np.float32)[None]
        if self.mirror:
            pixels = np.concatenate([pixels, pixels[:, :, ::-1]])
            boxes = np.concatenate([boxes, flip_boxes(boxes[0])[None]])
        with torch.inference_mode():
            scores = self.vrn.score_views(
                torch.from_numpy(np.array(pixels)).to(self.device), torch.from_numpy(boxes).to(self.device)
            )
        return scores.mean(dim=0).cpu().numpy()

    def _pixels(self, photo: Photo) -> np.ndarray:
        if not self.free_shapes:
            return read_photo(photo).model_input
        stored = open_photo(photo)
        size = upright_size(stored.full_size, orientation_of(stored.image))
        return read_photo(stored, (gaic_input_shape(*size),)).model_input
