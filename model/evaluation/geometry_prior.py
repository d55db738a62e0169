"""What the position and size of a view alone say about its MOS, fitted on rated photos. Numpy alone, no
pixels.

The prior is the floor that a cropper has to beat: it looks at no photo. Knows nothing of the network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from vrn_cropper.model.data.gaicd import RatedPhoto

RIDGE = 0.1  # far below the data's own weight; it only keeps the fit defined for a handful of views


@dataclass(frozen=True)
class GeometryPrior:
    """View-wise MOS as a quadratic of centre (from the photo's middle) and sides, all in shares of the photo.

    `weights` belong to `view_features`; `view_width` and `view_height` are the mean sides of the photos' best
    views.
    """

    weights: tuple[float, ...]
    view_width: float
    view_height: float

    def predict(self, boxes_normalized: np.ndarray) -> np.ndarray:
        """Boxes (N, 4) -> scores float64 (N,) on the mean-subtracted MOS scale, up to a constant for each
        photo.
        """
        return view_features(boxes_normalized) @ np.array(self.weights)


def view_features(boxes_normalized: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) -> (N, 14): centre x, centre y, width, height, and their ten products."""
    boxes = np.asarray(boxes_normalized, dtype=np.float64)
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5
    base = [*centres.T, *sides.T]
    products = [a * b for a, b in combinations_with_replacement(base, 2)]
    return np.stack(base + products, axis=1)


def fit_prior(photos: Sequence[RatedPhoto]) -> GeometryPrior:
    """Least squares of view-wise MOS (mean-subtracted per photo) on `view_features` of all views of `photos`.

    The mean of the best view's sides averages over tied best views first, then over photos.
    """
    features, targets, best_sides = [], [], []
    for photo in photos:
        own = view_features(photo.boxes_normalized)
        features.append(own - own.mean(axis=0))
        targets.append(photo.mos.astype(np.float64) - photo.mos.mean(dtype=np.float64))
        best = photo.boxes_normalized[photo.mos == photo.mos.max()].astype(np.float64)
        best_sides.append((best[:, 2:] - best[:, :2]).mean(axis=0))
    design, target = np.concatenate(features), np.concatenate(targets)
    # Features differ in spread, so the ridge is put on standardised ones.
    spread = design.std(axis=0)
    spread[spread == 0] = 1
    design /= spread
    weights = np.linalg.solve(design.T @ design + RIDGE * np.eye(design.shape[1]), design.T @ target) / spread
    view_width, view_height = np.mean(best_sides, axis=0)
    return GeometryPrior(tuple(weights.tolist()), float(view_width), float(view_height))


# `fit_prior` of GAICD's 1,036 training photos (human MOS), for data sets without rated training photos.
GAICD_PRIOR = GeometryPrior(
    weights=(
        3.28711,
        1.04302,
        -1.60326,
        1.01865,
        -22.9788,
        0.159428,
        -3.1202,
        -2.21854,
        -26.357,
        -2.19521,
        0.425027,
        -0.301834,
        4.63375,
        -2.0245,
    ),
    view_width=0.8089,
    view_height=0.7684,
)
