"""What the network is compared with, and the two forms in which a cropper can be evaluated. Numpy and PIL
alone.

A `Scorer` scores given candidate views; a `Cropper` (every rule-based one) names one box of its own. So that
both stand in one table, `OverlapScorer` ranks candidate views by their IoU with a cropper's box, the nearest
first. Knows nothing of torch, files or of croppers from other
packages (those are in `model.evaluation.other_croppers`).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from vrn_cropper.model.evaluation.geometry_prior import GeometryPrior
from vrn_cropper.model.photos.reading import Photo
from vrn_cropper.model.views.boxes import pairwise_iou

# Far below any difference in IoU that matters: among equally near views the more central one comes first.
CENTRAL_TIE_WEIGHT = 1e-6


class Scorer(Protocol):
    """Scores candidate views of a photo."""

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        """A photo (a file's path, or a picture) and boxes (N, 4) -> finite scores (N,), higher is better."""
        ...


class Cropper(Protocol):
    """Names the one box it would crop a photo to."""

    def crop(self, photo: Photo) -> np.ndarray:
        """A photo (a file's path, or a picture) -> box_normalized (4,)."""
        ...


@dataclass(frozen=True)
class Method:
    """A row of an evaluation: a scorer, and the cropper behind it where the method has a box of its own."""

    name: str
    scorer: Scorer
    cropper: Cropper | None = None

    @classmethod
    def of_cropper(cls, name: str, cropper: Cropper) -> "Method":
        """A cropper in both forms."""
        return cls(name, OverlapScorer(cropper), cropper)


@dataclass(frozen=True)
class OverlapScorer:
    """Ranks candidate views by IoU with a cropper's box; ties go to the more central view."""

    cropper: Cropper

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        overlaps = pairwise_iou(boxes_normalized, self.cropper.crop(photo))[:, 0]
        centres = (np.asarray(boxes_normalized[:, :2], np.float64) + boxes_normalized[:, 2:]) / 2
        return overlaps - CENTRAL_TIE_WEIGHT * np.linalg.norm(centres - 0.5, axis=1)


class WholeFrame:
    """Crops nothing. Among candidate views its overlap is the area: the widest crop."""

    def crop(self, photo: Photo) -> np.ndarray:
        return np.array([0.0, 0.0, 1.0, 1.0])


@dataclass(frozen=True)
class CentreCrop:
    """The middle of the photo; sides in shares of the photo's."""

    view_width: float
    view_height: float

    def crop(self, photo: Photo) -> np.ndarray:
        left, top = (1 - self.view_width) / 2, (1 - self.view_height) / 2
        return np.array([left, top, 1 - left, 1 - top])


@dataclass(frozen=True)
class GeometryScorer:
    """The geometry-only prior: it scores position and size and never looks at the photo."""

    prior: GeometryPrior

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        return self.prior.predict(boxes_normalized)


class RandomScorer:
    """Random scores from one seeded stream: the same photos in the same order give the same scores."""

    def __init__(self, seed: int = 0) -> None:
        self._random = np.random.default_rng(seed)

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        return self._random.random(len(boxes_normalized))


def own_baselines(prior: GeometryPrior) -> list[Method]:
    """Random ranking, widest crop, centre crop, geometry-only prior; the prior also gives the centre crop's
    size.
    """
    return [
        Method("random ranking", RandomScorer()),
        # No box of its own: the widest crop is a candidate view, the whole frame is no crop.
        Method("widest crop", OverlapScorer(WholeFrame())),
        Method.of_cropper("centre crop", CentreCrop(prior.view_width, prior.view_height)),
        Method("geometry-only prior", GeometryScorer(prior)),
    ]
