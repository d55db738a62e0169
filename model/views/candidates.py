"""Candidate views of a photo: GAIC's grid, and views of one exact aspect ratio. Pure geometry, no pixels.

Source: H. Zeng et al., "Grid Anchor based Image Cropping" (CVPR 2019), and `generate_bboxes` of its code.
"""

import math
from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.views import boxes

GRID_BINS = 12
MIN_AREA_SHARE = 0.4999  # GAIC's "at least half", with the slack of its code
ASPECT_LIMITS = (0.5, 2.0)  # width / height in pixels, both exclusive
# Below this many views GAIC's aspect limits leave no real choice (3:1 has 3 views, 4:1 none).
MIN_GRID_VIEWS = 10

RATIO_MIN_AREA = 0.4  # smallest fixed-ratio view, as a share of the largest possible one
RATIO_SCALES = 5  # sides shrink in equal steps from the largest possible view to RATIO_MIN_AREA
RATIO_POSITIONS = 5  # positions along each side that leaves room
LARGEST_POSITIONS = 13  # of the largest possible view, which has one such side
# Free views: how far each edge may lie from the photo's, as a share of its side. Edges are among them: 72 % of
# people's crops touch one. Chosen on validation photos of FCDB (model/EXPERIMENTS.md).
FREE_MARGINS = (0.0, 0.12, 0.28)
FREE_MIN_AREA = 0.3
FREE_MIN_SIDE = 0.45
ROOM_STEPS = 4  # places of each edge where the options leave too few of the grid's views


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


def edge_views(width: int, height: int) -> np.ndarray:
    """Views whose edges lie at `FREE_MARGINS`, the whole photo first: integer `boxes_xyxy` (N, 4).

    At least `FREE_MIN_AREA` of the photo and within GAIC's aspect limits, which long strips and tiny photos are
    spared. The mirrored photo has the mirrored views.
    """
    sides = []
    for side in (width, height):
        near = np.unique(np.floor(np.array(FREE_MARGINS) * side + 0.5).astype(np.int64))
        pairs = [(a, side - b) for a in near for b in near if side - b - a >= max(FREE_MIN_SIDE * side, 1)]
        sides.append(np.array(pairs))
    xs, ys = sides
    column, row = (index.ravel() for index in np.meshgrid(np.arange(len(xs)), np.arange(len(ys))))
    views = np.stack([xs[column, 0], ys[row, 0], xs[column, 1], ys[row, 1]], axis=1)
    views = views[boxes.area(views) >= FREE_MIN_AREA * width * height]
    view_sides = views[:, 2:] - views[:, :2]
    aspect = view_sides[:, 0] / view_sides[:, 1]
    legal = (aspect > ASPECT_LIMITS[0]) & (aspect < ASPECT_LIMITS[1])
    legal[0] = True  # the whole photo, whatever its shape
    return views[legal] if legal.sum() >= MIN_GRID_VIEWS else views


def largest_view_of_ratio(width: int, height: int, ratio: float) -> tuple[float, float]:
    """Width and height, in pixels, of the largest box of `ratio` = width / height inside the photo."""
    return (width, width / ratio) if ratio * height >= width else (ratio * height, height)


def free_views(
    width: int, height: int, keep_xyxy: Sequence[int] | None = None, min_scale: float | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Candidate views of any shape: integer `boxes_xyxy` (N, 4), and `boxes_normalized` float32 (N, 4).

    Without either option these are `edge_views`. With `keep_xyxy` (whole pixels inside the photo) every view
    contains it, and with `min_scale` both sides are at least that share of the photo's. Where that leaves fewer than
    `MIN_GRID_VIEWS` of them, views whose edges lie in the room that is left are added; the whole photo is among
    them, so there is always one.
    """
    boxes_xyxy = edge_views(width, height)
    if keep_xyxy is None and min_scale is None:
        return boxes_xyxy, boxes.normalize_boxes(boxes_xyxy, width, height)
    keep = keep_xyxy or (width // 2, height // 2, width // 2, height // 2)
    least = [math.ceil((min_scale or 0) * side - 1e-6) for side in (width, height)]
    boxes_xyxy = boxes_xyxy[
        _contains(boxes_xyxy, keep) & (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2] >= least).all(axis=1)
    ]
    if len(boxes_xyxy) < MIN_GRID_VIEWS:
        boxes_xyxy = _unique(np.concatenate([boxes_xyxy, _views_in_the_room(width, height, keep, least)]))
    return boxes_xyxy, boxes.normalize_boxes(boxes_xyxy, width, height)


def _views_in_the_room(width: int, height: int, keep: Sequence[int], least: Sequence[int]) -> np.ndarray:
    """Views (N, 4) between the largest and the smallest that the options and the grid's own limits allow."""
    edges = []
    for side, near, far, least_side in zip((width, height), keep[:2], keep[2:], least, strict=True):
        last_near = min(near, side - least_side, round(3.5 / GRID_BINS * side))
        first_far = max(far, least_side, round(8.5 / GRID_BINS * side), 1)
        edges.append((_spread(0, last_near, ROOM_STEPS), _spread(first_far, side, ROOM_STEPS)[::-1]))
    (xs1, xs2), (ys1, ys2) = edges
    y1, x1, y2, x2 = (a.ravel() for a in np.meshgrid(ys1, xs1, ys2, xs2, indexing="ij"))
    views = np.stack([x1, y1, x2, y2], axis=1)
    sides = views[:, 2:] - views[:, :2]
    return views[
        (sides >= np.maximum(least, 1)).all(axis=1) & (sides.prod(axis=1) >= MIN_AREA_SHARE * width * height)
    ]


def fixed_ratio_views(
    width: int,
    height: int,
    ratio: float,
    keep_xyxy: Sequence[int] | None = None,
    min_scale: float | None = None,
) -> np.ndarray:
    """Candidate views that all have `ratio` = width / height in source pixels: integer `boxes_xyxy` (N, 4).

    Scales run from the largest possible view down to `RATIO_MIN_AREA` of its area, each at a grid of
    positions; the largest possible view is the first. The longer side is whole and the shorter one is rounded
    to the nearest pixel, and duplicates (tiny photos) are removed. `keep_xyxy` (whole pixels inside the photo)
    lies in every view. `min_scale` is the least share of the largest possible view's sides, to within a pixel.

    Raises ValueError unless `ratio` is a positive finite number, and CropRequestError if the photo is so
    small that the shorter side of every view would round to nothing, or if no view can hold `keep_xyxy`.
    """
    if not (math.isfinite(ratio) and ratio > 0):
        raise ValueError(f"an aspect ratio is a positive finite number, not {ratio}")
    full_w, full_h = largest_view_of_ratio(width, height, ratio)
    keep = keep_xyxy or (width, height, 0, 0)
    keep_w, keep_h = keep[2] - keep[0], keep[3] - keep[1]
    least_scale = min(1.0, max(math.sqrt(RATIO_MIN_AREA), min_scale or 0, keep_w / full_w, keep_h / full_h))
    views, largest = [], None
    for scale in np.linspace(1.0, least_scale, RATIO_SCALES):
        sides = _whole_sides(full_w * scale, full_h * scale, ratio)
        largest = largest or sides
        if sides is None or sides[0] < keep_w or sides[1] < keep_h:
            continue
        # Rounding the longer side down may take more than a pixel off the shorter one.
        if min_scale is not None and (sides[0] < min_scale * full_w - 1 or sides[1] < min_scale * full_h - 1):
            continue
        view_w, view_h = sides
        steps = LARGEST_POSITIONS if scale == 1.0 else RATIO_POSITIONS
        xs = _spread(max(0, keep[2] - view_w), min(keep[0], width - view_w), steps)
        ys = _spread(max(0, keep[3] - view_h), min(keep[1], height - view_h), steps)
        # Centre first, so that ties in score fall to the most central view.
        xs = xs[np.argsort(np.abs(xs - (width - view_w) / 2), kind="stable")]
        ys = ys[np.argsort(np.abs(ys - (height - view_h) / 2), kind="stable")]
        views += [(x, y, x + view_w, y + view_h) for y in ys for x in xs]
    if largest is None:
        raise CropRequestError(f"no crop of a {width} x {height} photo has the aspect ratio {ratio:g}")
    if not views:
        raise CropRequestError(
            f"no crop of aspect ratio {ratio:g} can keep {keep_w} x {keep_h} pixels: the largest in this"
            f" {width} x {height} photo is {largest[0]} x {largest[1]}; keep less, or take another ratio or 'free'"
        )
    return _unique(np.array(views, dtype=np.int64))


def _spread(first: int, last: int, steps: int) -> np.ndarray:
    """Up to `steps` different whole numbers from `first` to `last`, both included, the same from either end."""
    ahead = np.floor(np.linspace(0, last - first, steps) + 0.5).astype(np.int64)[: (steps + 1) // 2]
    return np.unique(np.concatenate([first + ahead, last - ahead]))


def _contains(boxes_xyxy: np.ndarray, keep: Sequence[int]) -> np.ndarray:
    starts_before, ends_after = boxes_xyxy[:, :2] <= keep[:2], boxes_xyxy[:, 2:] >= keep[2:]
    return np.logical_and(starts_before.all(axis=1), ends_after.all(axis=1))


def _unique(boxes_xyxy: np.ndarray) -> np.ndarray:
    """Each box once, in the order of its first place."""
    return np.array(list(dict.fromkeys(map(tuple, boxes_xyxy.tolist()))), dtype=np.int64).reshape(-1, 4)


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
