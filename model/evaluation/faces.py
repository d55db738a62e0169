"""Heads in a photo, looked for more closely than serving can: an offline oracle for what a crop should not cut.

The detector that serves (`model.network.face_finder`) on the full photo, whole and in four overlapping quarters, so
that smaller faces are found too, and by a stricter score. Knows nothing of crops.
"""

from dataclasses import dataclass

import numpy as np

from vrn_cropper.model.network.face_finder import ABOVE, FaceFinder, strongest
from vrn_cropper.model.photos.reading import Photo, read_upright

LEAST_SCORE, LONG_SIDE_PX = 0.7, 192
TILES = (
    (0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 0.6, 0.6), (0.4, 0.0, 1.0, 0.6), (0.0, 0.4, 0.6, 1.0), (0.4, 0.4, 1.0, 1.0),
)  # fmt: skip


@dataclass(frozen=True)
class HeadOracle:
    """The detector behind it."""

    finder: FaceFinder

    def heads(self, photo: Photo) -> np.ndarray:
        """Boxes of heads (F, 4), normalized, most certain first: the face and what is above it, inside the photo."""
        pixels = np.asarray(read_upright(photo))
        boxes, scores = zip(*(self._look(pixels, tile) for tile in TILES), strict=True)
        heads = strongest(np.concatenate(boxes), np.concatenate(scores))
        heads[:, 1] -= ABOVE * (heads[:, 3] - heads[:, 1])
        return np.clip(heads, 0, 1)

    def _look(self, pixels: np.ndarray, tile: tuple[float, float, float, float]) -> tuple[np.ndarray, np.ndarray]:
        """Boxes (A, 4) normalized to the whole photo, and scores (A,), of one part of it."""
        height, width = pixels.shape[:2]
        x1, y1, x2, y2 = np.rint(np.array(tile) * (width, height, width, height)).astype(int).tolist()
        boxes, scores = self.finder.faces(pixels[y1:y2, x1:x2], LEAST_SCORE, LONG_SIDE_PX)
        inside = boxes * np.tile((x2 - x1, y2 - y1), 2) + np.tile((x1, y1), 2)
        return inside / (width, height, width, height), scores
