"""What the network is compared with: croppers and scorers that look at little or nothing. Numpy alone.

Those of other authors are in `other_croppers`. Knows nothing of torch or files.
"""

from dataclasses import dataclass

import numpy as np

from vrn_cropper.model.data.gaicd import load_upright_rgb
from vrn_cropper.model.evaluation.geometry_prior import GeometryPrior
from vrn_cropper.model.evaluation.methods import Method, OverlapScorer, centred_window
from vrn_cropper.model.photos.reading import Photo


class WholeFrame:
    """Crops nothing, whatever the ratio. Among candidate views its overlap is the area: the widest crop."""

    def crop(self, photo: Photo, ratio: float | None = None) -> np.ndarray:
        return np.array([0.0, 0.0, 1.0, 1.0])


@dataclass(frozen=True)
class CentreCrop:
    """The middle of the photo; sides in shares of the photo's, and for a given ratio the largest window."""

    view_width: float
    view_height: float

    def crop(self, photo: Photo, ratio: float | None = None) -> np.ndarray:
        if ratio is not None:
            return centred_window(*load_upright_rgb(photo).size, ratio)
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


def whole_frame() -> Method:
    """The photo as it is: a baseline where no ratio is given."""
    return Method.of_cropper("whole frame", WholeFrame())


def own_baselines(prior: GeometryPrior) -> list[Method]:
    """Random ranking, widest crop, centre crop, geometry-only prior; the prior also gives the centre crop's size."""
    return [
        Method("random ranking", RandomScorer()),
        # No box of its own: the widest crop is a candidate view, the whole frame is no crop.
        Method("widest crop", OverlapScorer(WholeFrame())),
        centre_crop(prior),
        Method("geometry-only prior", GeometryScorer(prior)),
    ]


def centre_crop(prior: GeometryPrior) -> Method:
    """The middle of the photo at the size of the prior's best views."""
    return Method.of_cropper("centre crop", CentreCrop(prior.view_width, prior.view_height))
