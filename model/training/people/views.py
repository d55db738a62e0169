"""Random views of the second stage: of any shape, of one ratio, and windows of one size. Numpy alone.

All are normalized float64 (N, 4), drawn from the generator that is handed in.
"""

import numpy as np

from vrn_cropper.model.views.boxes import normalize_boxes
from vrn_cropper.model.views.candidates import edge_views, largest_view_of_ratio

LEAST_SIDE, LEAST_AREA = 0.4, 0.22  # of views of any shape
AT_AN_EDGE = 0.2  # how often a view touches either edge of a side, and how often it takes the whole side
LEAST_AREA_OF_RATIO = 0.35  # of the largest view of a ratio
WINDOW_RATIOS = (0.3, 3.3)  # width / height, drawn on a log scale
LEAST_CUT = 0.1  # a window's ratio differs from the photo's by this much at least, in logarithms
LARGEST_WINDOWS = 0.7  # how often windows have the largest size of their ratio


def views_of_any_shape(rng: np.random.Generator, count: int) -> np.ndarray:
    """Views anywhere, of any size from `LEAST_AREA`; many touch an edge, as people's crops do."""
    views: list[tuple[float, float, float, float]] = []
    while len(views) < count:
        sides = np.where(rng.random(2) < AT_AN_EDGE, 1.0, rng.uniform(LEAST_SIDE, 1, 2))
        if sides.prod() < LEAST_AREA:
            continue
        draw = rng.random(2)
        starts = np.select([draw < AT_AN_EDGE, draw < 2 * AT_AN_EDGE], [0.0, 1 - sides], rng.random(2) * (1 - sides))
        views.append((starts[0], starts[1], starts[0] + sides[0], starts[1] + sides[1]))
    return np.array(views)


def served_views(rng: np.random.Generator, count: int, width: int, height: int) -> np.ndarray:
    """Some of the free views that serving offers for a photo of this size, in random order, repeated if too few."""
    views = normalize_boxes(edge_views(width, height), width, height)
    return views[np.resize(rng.permutation(len(views)), count)].astype(np.float64)


def views_of_ratio(rng: np.random.Generator, count: int, ratio: float, width: float, height: float) -> np.ndarray:
    """Views of one ratio = width / height anywhere, a third of them of the largest size."""
    scales = np.sqrt(rng.uniform(LEAST_AREA_OF_RATIO, 1, count))
    scales[: count // 3] = 1
    sides = scales[:, None] * _largest_sides(ratio, width, height)
    starts = rng.random((count, 2)) * (1 - sides)
    return np.concatenate([starts, starts + sides], axis=1)


def windows(rng: np.random.Generator, count: int, width: float, height: float) -> np.ndarray:
    """Windows of one random ratio and one size, spread over the room that they have, both ends included."""
    own = np.log(width / height)
    ratio = own
    while abs(ratio - own) <= LEAST_CUT:
        ratio = rng.uniform(*np.log(WINDOW_RATIOS))
    scale = 1.0 if rng.random() < LARGEST_WINDOWS else np.sqrt(rng.uniform(0.5, 1))
    sides = scale * _largest_sides(float(np.exp(ratio)), width, height)
    along = (np.arange(count) + rng.random(count)) / count
    along[0], along[-1] = 0, 1
    starts = np.stack([along, rng.permutation(along)], axis=1) * (1 - sides)
    return np.concatenate([starts, starts + sides], axis=1)


def _largest_sides(ratio: float, width: float, height: float) -> np.ndarray:
    return np.array(largest_view_of_ratio(width, height, ratio)) / (width, height)  # type: ignore[arg-type]
