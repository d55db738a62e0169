"""Candidate views of a photo: GAIC's grid, and views of one exact aspect ratio. Pure geometry, no pixels.

Source: H. Zeng et al., "Grid Anchor based Image Cropping" (CVPR 2019), and `generate_bboxes` of its code.
"""

import math

import numpy as np

from model import boxes
from model.errors import CropRequestError

GRID_BINS = 12
MIN_AREA_SHARE = 0.4999  # GAIC's "at least half", with the slack of its code
ASPECT_LIMITS = (0.5, 2.0)  # width / height in pixels, both exclusive
# Below this many views GAIC's aspect limits leave no real choice (3:1 has 3 views, 4:1 none).
MIN_GRID_VIEWS = 10

RATIO_MIN_AREA = 0.4  # smallest fixed-ratio view, as a share of the largest possible one
RATIO_SCALES = 5  # sides shrink in equal steps from the largest possible view to RATIO_MIN_AREA
RATIO_POSITIONS = 5  # positions along each side that leaves room


def grid_views(width: int, height: int) -> np.ndarray:
    """GAIC's candidate views of a photo of `width` x `height` pixels: `boxes_normalized`, float32 (N, 4).

    Corners are bin centres of a 12 x 12 grid: x1, y1 in {0.5 .. 3.5} / 12 and x2, y2 in {8.5 .. 11.5} / 12,
    kept if they cover more than 0.4999 of the photo and 0.5 < width / height < 2 in pixels. Order is GAIC's:
    x1 of its code (our y1) outermost.

    GAIC's rule leaves few or no views in a long strip. Where it leaves fewer than `MIN_GRID_VIEWS` the aspect
    limits are dropped: the views then keep roughly the shape of the photo, as a panorama's crop should. That
    set (always 90) contains the few that GAIC's rule kept.

    Raises ValueError for a photo without pixels.
    """
    if width < 1 or height < 1:
        raise ValueError(f"a photo has at least 1 x 1 pixels, not {width} x {height}")
    near, far = np.arange(0, 4) + 0.5, np.arange(8, 12) + 0.5
    y1, x1, y2, x2 = (a.ravel() for a in np.meshgrid(near, near, far, far, indexing="ij"))
    views = np.stack([x1, y1, x2, y2], axis=1)
    views = views[boxes.area(views) > MIN_AREA_SHARE * GRID_BINS**2]
    sides = views[:, 2:] - views[:, :2]
    aspect = sides[:, 0] * width / (sides[:, 1] * height)
    legal = (aspect > ASPECT_LIMITS[0]) & (aspect < ASPECT_LIMITS[1])
    if legal.sum() >= MIN_GRID_VIEWS:
        views = views[legal]
    return (views / GRID_BINS).astype(np.float32)


def largest_view_of_ratio(width: int, height: int, ratio: float) -> tuple[float, float]:
    """Width and height, in pixels, of the largest box of `ratio` = width / height inside the photo."""
    return (width, width / ratio) if ratio * height >= width else (ratio * height, height)


def fixed_ratio_views(width: int, height: int, ratio: float) -> np.ndarray:
    """Candidate views that all have `ratio` = width / height in source pixels: integer `boxes_xyxy` (N, 4).

    Scales run from the largest possible view down to `RATIO_MIN_AREA` of its area, each at a grid of
    positions; the largest possible view is the first. The longer side is whole and the shorter one is rounded
    to the nearest pixel, and duplicates (tiny photos) are removed.

    Raises ValueError unless `ratio` is a positive finite number, and CropRequestError if the photo is so
    small that the shorter side of every view would round to nothing.
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"an aspect ratio is a positive finite number, not {ratio}")
    full_w, full_h = largest_view_of_ratio(width, height, ratio)
    views = []
    for scale in np.linspace(1.0, math.sqrt(RATIO_MIN_AREA), RATIO_SCALES):
        sides = _whole_sides(full_w * scale, full_h * scale, ratio)
        if sides is None:
            continue
        view_w, view_h = sides
        xs = np.unique(np.rint(np.linspace(0, width - view_w, RATIO_POSITIONS)).astype(np.int64))
        ys = np.unique(np.rint(np.linspace(0, height - view_h, RATIO_POSITIONS)).astype(np.int64))
        # Centre first, so that ties in score fall to the most central view.
        xs = xs[np.argsort(np.abs(xs - (width - view_w) / 2), kind="stable")]
        ys = ys[np.argsort(np.abs(ys - (height - view_h) / 2), kind="stable")]
        views += [(x, y, x + view_w, y + view_h) for y in ys for x in xs]
    if not views:
        raise CropRequestError(f"no crop of a {width} x {height} photo has the aspect ratio {ratio:g}")
    return np.array(list(dict.fromkeys(views)), dtype=np.int64)


def _whole_sides(view_w: float, view_h: float, ratio: float) -> tuple[int, int] | None:
    """Whole-pixel sides near `view_w` x `view_h`; the longer one leads, only the shorter one is rounded.

    None where the shorter side would round to nothing.
    """
    if ratio >= 1:
        w = max(math.floor(view_w + 1e-6), 1)
        h = w / ratio
        return (w, max(round(h), 1)) if h >= 0.5 else None
    sides = _whole_sides(view_h, view_w, 1 / ratio)
    return sides[::-1] if sides else None
