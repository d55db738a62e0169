"""A caller's own boxes: what may be asked, the views that they are, and what their scores say. Numpy alone.

The same scores and comparisons as those of ranked crops (`model.views.crops`), for boxes of any place and size.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vrn_cropper.model.errors import CropOptionError, CropRequestError
from vrn_cropper.model.views.boxes import mark_fixed_ratio, normalize_boxes
from vrn_cropper.model.views.crops import FocalPoint, ViewGroup, ViewPlan, centre_view, focal_point, preference
from vrn_cropper.model.views.heads import NO_HEADS, head_costs
from vrn_cropper.model.views.options import BOX_PATTERN, FREE, MAX_BOXES, AspectRatio, parse_faces

_ROUNDING = 1e-6  # what a fraction such as 0.1 + 0.9 may be off by


@dataclass(frozen=True, slots=True)
class OwnBox:
    """A box with edges `x1`, `y1`, `x2`, `y2`: pixels of the upright photo, or with `is_normalized` fractions."""

    x1: float
    y1: float
    x2: float
    y2: float
    is_normalized: bool = False

    def __post_init__(self) -> None:
        edges = (self.x1, self.y1, self.x2, self.y2)
        if not np.isfinite(edges).all() or min(edges) < 0 or self.x2 <= self.x1 or self.y2 <= self.y1:
            raise CropOptionError(
                "a box to score has a width and a height above 0 and lies inside the photo; got edges"
                f" {', '.join(f'{edge:g}' for edge in edges)} (left, top, right, bottom)"
            )

    @classmethod
    def parse(cls, text: str) -> "OwnBox":
        """`x,y,width,height`; fractions of the photo's sides if all four are at most 1. Raises CropOptionError."""
        x, y, width, height = _numbers("box", "x,y,width,height", text)
        return cls(x, y, x + width, y + height, max(x, y, width, height) <= 1)

    @classmethod
    def parse_edges(cls, text: str) -> "OwnBox":
        """`x1,y1,x2,y2` in pixels. Raises CropOptionError."""
        return cls(*_numbers("box_xyxy", "x1,y1,x2,y2", text))


@dataclass(frozen=True, slots=True)
class BoxOptions:
    """The boxes of one request, 1 to `MAX_BOXES`. Raises CropOptionError if there are others.

    `aspect_ratio`: which crops the scores compare with, those that `CropOptions` with this ratio finds. It does not
    change the boxes. `keeps_heads`: as in `CropOptions`.
    """

    boxes: tuple[OwnBox, ...]
    aspect_ratio: AspectRatio = FREE
    keeps_heads: bool = True

    def __post_init__(self) -> None:
        if not 1 <= len(self.boxes) <= MAX_BOXES:
            raise CropOptionError(f"give 1 to {MAX_BOXES} boxes to score; got {len(self.boxes)}")

    @classmethod
    def parse(
        cls,
        box: Iterable[str] = (),
        box_xyxy: Iterable[str] = (),
        aspect_ratio: str | None = None,
        faces: str | None = None,
    ) -> "BoxOptions":
        """Options from a client's strings: the boxes of `box`, then those of `box_xyxy`. Raises CropOptionError."""
        by_size, by_edges = list(box), list(box_xyxy)
        if len(by_size) + len(by_edges) > MAX_BOXES:  # before each is read
            raise CropOptionError(f"give 1 to {MAX_BOXES} boxes to score; got {len(by_size) + len(by_edges)}")
        boxes = [*map(OwnBox.parse, by_size), *map(OwnBox.parse_edges, by_edges)]
        if not boxes:
            raise CropOptionError(
                "give the boxes to score: box=x,y,width,height, or box_xyxy=x1,y1,x2,y2; repeatable"
            )
        ratio = FREE if aspect_ratio is None else AspectRatio.parse(aspect_ratio)
        return cls(tuple(boxes), ratio, parse_faces(faces))


@dataclass(frozen=True, slots=True)
class ScoredBox:
    """One box in whole pixels of the upright photo, and what `model.views.crops.Crop` tells of a crop."""

    box_xyxy: tuple[int, int, int, int]
    score: float
    area_share: float
    focal_point: FocalPoint
    preferred_to_whole: float
    preferred_to_centre: float


@dataclass(frozen=True, slots=True)
class ScoredBoxes:
    """The boxes of a photo of `width` x `height` upright pixels, as asked, with their scores."""

    width: int
    height: int
    boxes: tuple[ScoredBox, ...]
    whole_frame_score: float

    @property
    def scores(self) -> np.ndarray:
        """The scores alone, float32 (N,): a difference of two is the log-odds that a person prefers the first."""
        return np.array([box.score for box in self.boxes], dtype=np.float32)


def plan_boxes(width: int, height: int, options: BoxOptions, heads_normalized: np.ndarray = NO_HEADS) -> ViewPlan:
    """The boxes as views of a photo, rounded to whole pixels, and what they cost the heads (F, 4) found in it.

    Raises CropRequestError if one reaches outside.
    """
    sides = np.array([width, height, width, height])
    edges = np.array([(box.x1, box.y1, box.x2, box.y2) for box in options.boxes], dtype=np.float64)
    is_normalized = np.array([[box.is_normalized] for box in options.boxes])
    fractions = np.where(is_normalized, edges, edges / sides)
    if (outside := (fractions > 1 + _ROUNDING).any(axis=1)).any():
        first = int(np.argmax(outside))
        x1, y1, x2, y2 = (float(edge) for edge in edges[first])
        raise CropRequestError(
            f"box {first + 1} of {len(edges)} (edges {x1:g}, {y1:g}, {x2:g}, {y2:g}) reaches outside the"
            f" {width} x {height} photo; boxes are in pixels of the upright photo"
        )
    boxes_xyxy = _whole_pixels(fractions * sides, width, height)
    whole = np.array([[0, 0, width, height]], dtype=np.int64)
    ratio = options.aspect_ratio.value
    centre = whole if ratio is None else centre_view(width, height, ratio)
    views = normalize_boxes(np.concatenate([boxes_xyxy, centre]), width, height)
    if ratio is not None:
        views = mark_fixed_ratio(views)
    all_xyxy = np.concatenate([boxes_xyxy, centre, whole])
    return ViewPlan(
        width,
        height,
        all_xyxy,
        np.concatenate([views, normalize_boxes(whole, width, height)]),
        (ViewGroup(options.aspect_ratio, 0, len(boxes_xyxy), len(boxes_xyxy)),),
        head_costs(normalize_boxes(all_xyxy, width, height), heads_normalized),
    )


def tell_boxes(plan: ViewPlan, scores: np.ndarray) -> ScoredBoxes:
    """What the network's scores (N,) of a plan's views say of its boxes, in order."""
    scores = scores - plan.costs
    (group,) = plan.groups
    boxes = []
    for (x1, y1, x2, y2), score in zip(plan.boxes_xyxy[: group.stop].tolist(), scores[: group.stop], strict=True):
        boxes.append(
            ScoredBox(
                (x1, y1, x2, y2),
                float(score),
                (x2 - x1) * (y2 - y1) / (plan.width * plan.height),
                focal_point((x1, y1, x2, y2), plan.width, plan.height),
                preference(score - scores[-1]),
                preference(score - scores[group.centre]),
            )
        )
    return ScoredBoxes(plan.width, plan.height, tuple(boxes), float(scores[-1]))


def _whole_pixels(edges: np.ndarray, width: int, height: int) -> np.ndarray:
    """Edges (N, 4) in pixels at the nearest whole ones, int64; a side that would vanish keeps one pixel."""
    limits = np.array([width, height, width, height], dtype=np.int64)
    boxes = np.clip(np.rint(edges).astype(np.int64), 0, limits)
    boxes[:, :2] = np.minimum(boxes[:, :2], limits[:2] - 1)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return boxes


def _numbers(name: str, order: str, text: str) -> tuple[float, float, float, float]:
    match = re.match(BOX_PATTERN, text)
    if not match:
        raise CropOptionError(f"{name} is {order}, four numbers such as '120,80,420,280'; got {text[:60]!r}")
    first, second, third, fourth = (float(number) for number in match.groups())
    return first, second, third, fourth
