"""From options to candidate views, and from their scores to ranked crops: what server, command line and
`Cropper` share. Knows nothing of engines and transports, and of pixels only how to show its crops.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.photos.given import GivenPhoto, read_given_upright
from vrn_cropper.model.views.boxes import mark_fixed_ratio, normalize_boxes
from vrn_cropper.model.views.candidates import fixed_ratio_views, free_views, largest_view_of_ratio
from vrn_cropper.model.views.content import WHOLE, PhotoContent
from vrn_cropper.model.views.drawing import MAX_SIDE_PX, draw_crops, sketch_html
from vrn_cropper.model.views.heads import NO_HEADS, head_costs
from vrn_cropper.model.views.options import AspectRatio, CropOptions, KeepBox
from vrn_cropper.model.views.ranking import expected_overlaps, nearness_to_centre, rank_views

_ROUNDING = 1e-6  # of a pixel: what a fraction such as 0.1 x 300 may be off by
_WHOLE_FRAME = np.array([[0, 0, 1, 1]], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class ViewGroup:
    """The candidate views of one wanted ratio: rows `start` to `stop` of a plan's boxes.

    `centre` is the row of the largest centred view of that ratio; for free crops that is the whole photo.
    """

    aspect_ratio: AspectRatio
    start: int
    stop: int
    centre: int


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """Every candidate view of a request in one list, so that one pass through the network scores them all.

    `boxes_xyxy` int64 (N, 4) are what a caller gets; `boxes_normalized` float32 (N, 4) are what is scored:
    views of a given ratio are marked (`mark_fixed_ratio`). The last row is the whole frame, in no group, and before
    it lie the centred views: crops are compared with them. `costs` (N,) are taken off the network's scores: what each
    view does to the heads in the photo (`model.views.heads`). `is_flat`: the photo has one colour, so scores say
    nothing and crops are centred.
    """

    width: int
    height: int
    boxes_xyxy: np.ndarray
    boxes_normalized: np.ndarray
    groups: tuple[ViewGroup, ...]
    costs: np.ndarray
    is_flat: bool = False


@dataclass(frozen=True, slots=True)
class FocalPoint:
    """Where a container of the crop's ratio should look at the whole photo: fractions, as CSS has them.

    With `object-fit: cover` and this `object-position`, a box of the crop's aspect ratio shows the largest
    part of the photo of that ratio that contains the crop and lies nearest to its centre. As in CSS, x is the
    share of the *spare* width that is cut off on the left, not the crop's centre; 0.5 where none is spare.
    """

    x: float
    y: float

    @property
    def object_position(self) -> str:
        """The CSS value, such as `37.5% 50%`."""
        return f"{round(self.x * 100, 2):g}% {round(self.y * 100, 2):g}%"


@dataclass(frozen=True, slots=True)
class Crop:
    """One ranked crop box, in pixels of the upright source image. `rank` counts from 1 inside its ratio.

    `score` is comparable inside one photo and ratio only: the difference of two is the log-odds that a person prefers
    one crop to the other. `area_share` is the share of the photo that is kept. `preferred_to_whole` and
    `preferred_to_centre` are the shares of people expected to prefer this crop to the whole photo, and to the largest
    centred crop of its ratio (of a free crop: to the whole photo).
    """

    rank: int
    aspect_ratio: AspectRatio
    score: float
    box_xyxy: tuple[int, int, int, int]
    area_share: float
    focal_point: FocalPoint
    preferred_to_whole: float
    preferred_to_centre: float

    def to_dict(self, width: int, height: int) -> dict[str, Any]:
        """Plain values for JSON, by the names of the API's answer, for a photo of `width` x `height` pixels."""
        x1, y1, x2, y2 = self.box_xyxy
        focus, size = self.focal_point, {"width": x2 - x1, "height": y2 - y1}
        return {
            "rank": self.rank,
            "aspect_ratio": self.aspect_ratio.label,
            "score": self.score,
            "box": {"x": x1, "y": y1, **size},
            "box_normalized": {
                "x": x1 / width, "y": y1 / height,
                "width": size["width"] / width, "height": size["height"] / height,
            },
            "area_share": self.area_share,
            "preferred_to_whole": self.preferred_to_whole,
            "preferred_to_centre": self.preferred_to_centre,
            "focal_point": {"x": focus.x, "y": focus.y, "object_position": focus.object_position},
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class RankedCrops:
    """The crops of a photo of `width` x `height` upright pixels: best first inside each ratio, ratios as
    asked. `whole_frame_score` is the uncropped photo's, from the same pass.
    """

    width: int
    height: int
    crops: tuple[Crop, ...]
    whole_frame_score: float

    @property
    def gain(self) -> float:
        """How much better the best crop scores than the whole frame: log-odds that a person prefers it."""
        return max(crop.score for crop in self.crops) - self.whole_frame_score

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, by the names of the API's answer: `image`, `crops` and `whole_image`."""
        return {
            "image": {"width": self.width, "height": self.height},
            "crops": [crop.to_dict(self.width, self.height) for crop in self.crops],
            "whole_image": {"score": self.whole_frame_score, "best_crop_gain": self.gain},
        }

    def cut(self, photo: GivenPhoto) -> list[Image.Image]:
        """The crops cut from the photo that they are of: upright, RGB in sRGB, in the order of `crops`.

        Raises PhotoError for a photo that cannot be read, CropRequestError for one of another size.
        """
        upright = read_given_upright(photo)
        if upright.size != (self.width, self.height):
            raise CropRequestError(
                f"the crops are of a photo of {self.width} x {self.height} pixels;"
                f" this one has {upright.width} x {upright.height}"
            )
        return [upright.crop(crop.box_xyxy) for crop in self.crops]

    def draw(self, photo: GivenPhoto, max_side_px: int = MAX_SIDE_PX) -> Image.Image:
        """The best crop of the first ratio over the dimmed photo, with lines of thirds, the other ratios' best as
        outlines, and the scores: RGB, at most `max_side_px` a side. Raises PhotoError.
        """
        size = (self.width, self.height)
        return draw_crops(read_given_upright(photo), size, self.crops, self.whole_frame_score, max_side_px)

    def _repr_html_(self) -> str:
        """What a notebook shows: a sketch of the boxes and a table."""
        return sketch_html((self.width, self.height), self.crops)


def plan_views(
    width: int,
    height: int,
    options: CropOptions,
    heads_normalized: np.ndarray = NO_HEADS,
    content: PhotoContent = WHOLE,
) -> ViewPlan:
    """The candidate views of a photo for these options, and what they cost the heads (F, 4) found in it. Views lie
    inside its `content`, unless a box to keep reaches outside.

    Raises CropRequestError if an option is impossible for this photo.
    """
    keep_xyxy = hull_of_keep_boxes(options.keep, width, height)
    left, top, inner_w, inner_h, keep_xyxy = content.room(width, height, keep_xyxy)
    shift = np.array([left, top, left, top])
    pixels, fractions, groups, start = [], [], [], 0
    centres, centre_fractions = [], []
    for aspect_ratio in options.aspect_ratios:
        if aspect_ratio.value is None:
            boxes_xyxy = free_views(inner_w, inner_h, keep_xyxy, options.min_scale)[0] + shift
            boxes_normalized = normalize_boxes(boxes_xyxy, width, height)
        else:
            boxes_xyxy = fixed_ratio_views(inner_w, inner_h, aspect_ratio.value, keep_xyxy, options.min_scale) + shift
            boxes_normalized = mark_fixed_ratio(normalize_boxes(boxes_xyxy, width, height))
            centres.append(centre_view(width, height, aspect_ratio.value))
            centre_fractions.append(mark_fixed_ratio(normalize_boxes(centres[-1], width, height)))
        pixels.append(boxes_xyxy)
        fractions.append(boxes_normalized)
        groups.append((aspect_ratio, start, start + len(boxes_xyxy)))
        start += len(boxes_xyxy)
    whole = start + len(centres)
    rows = iter(range(start, whole))
    all_xyxy = np.concatenate([*pixels, *centres, np.array([[0, 0, width, height]], dtype=np.int64)])
    return ViewPlan(
        width,
        height,
        all_xyxy,
        np.concatenate([*fractions, *centre_fractions, _WHOLE_FRAME]),
        tuple(ViewGroup(*group, whole if group[0].value is None else next(rows)) for group in groups),
        head_costs(normalize_boxes(all_xyxy, width, height), heads_normalized),
        content.is_flat,
    )


def centre_view(width: int, height: int, ratio: float) -> np.ndarray:
    """The largest centred view of a ratio, int64 (1, 4). Raises CropRequestError if the photo has none."""
    return fixed_ratio_views(width, height, ratio, min_scale=1.0)[:1]


def rank_crops(plan: ViewPlan, scores: np.ndarray, options: CropOptions) -> RankedCrops:
    """The top-K crops of each ratio, from the network's score (N,) of each view of the plan.

    Of a given ratio the highest scores come first; of free crops those that people are expected to agree with most
    (`expected_overlaps`), which are seldom the very highest; of a photo of one colour the most central.
    """
    scores = np.zeros_like(scores) if plan.is_flat else scores - plan.costs
    crops = []
    for group in plan.groups:
        boxes, group_scores = plan.boxes_xyxy[group.start : group.stop], scores[group.start : group.stop]
        order = group_scores
        if plan.is_flat:
            order = nearness_to_centre(boxes, plan.width, plan.height)
        elif group.aspect_ratio.value is None:
            # A view's cost counts beside what its neighbours say for it: a cut head stays cut.
            order = expected_overlaps(group_scores, boxes) - plan.costs[group.start : group.stop]
        indices = rank_views(order, boxes, options.top_k, options.max_overlap)
        for rank, index in enumerate(indices, start=1):
            x1, y1, x2, y2 = (int(edge) for edge in boxes[index])
            crops.append(
                Crop(
                    rank,
                    group.aspect_ratio,
                    float(group_scores[index]),
                    (x1, y1, x2, y2),
                    (x2 - x1) * (y2 - y1) / (plan.width * plan.height),
                    focal_point((x1, y1, x2, y2), plan.width, plan.height),
                    preference(group_scores[index] - scores[-1]),
                    preference(group_scores[index] - scores[group.centre]),
                )
            )
    return RankedCrops(plan.width, plan.height, tuple(crops), float(scores[-1]))


def preference(score_difference: float) -> float:
    """The share of people expected to prefer the first of two crops: scores are log-odds (model/EXPERIMENTS.md)."""
    return 1 / (1 + math.exp(-min(max(float(score_difference), -50.0), 50.0)))


def hull_of_keep_boxes(keep: tuple[KeepBox, ...], width: int, height: int) -> tuple[int, int, int, int] | None:
    """The whole-pixel box x1 y1 x2 y2 around all boxes to keep, rounded outwards; None if there is none.

    Raises CropRequestError if one reaches outside the photo.
    """
    edges = []
    for box in keep:
        across, down = (width, height) if box.is_normalized else (1, 1)
        x1, y1 = math.floor(box.x * across + _ROUNDING), math.floor(box.y * down + _ROUNDING)
        x2 = math.ceil((box.x + box.width) * across - _ROUNDING)
        y2 = math.ceil((box.y + box.height) * down - _ROUNDING)
        # A box thinner than the rounding still stands for the pixel that it lies in.
        x2, y2 = max(x2, x1 + 1), max(y2, y1 + 1)
        if box.is_normalized:  # only rounding can lead outside
            x1, y1, x2, y2 = min(x1, width - 1), min(y1, height - 1), min(x2, width), min(y2, height)
        if x2 > width or y2 > height:
            raise CropRequestError(
                f"keep {box.x:g},{box.y:g},{box.width:g},{box.height:g} reaches outside the {width} x {height} photo;"
                " boxes are x,y,width,height of the upright photo"
            )
        edges.append((x1, y1, x2, y2))
    if not edges:
        return None
    lefts, tops, rights, bottoms = zip(*edges, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def focal_point(box_xyxy: tuple[int, int, int, int], width: int, height: int) -> FocalPoint:
    """The focal point of a crop box for a container of the box's own ratio; see `FocalPoint`."""
    x1, y1, x2, y2 = box_xyxy
    full_w, full_h = largest_view_of_ratio(width, height, (x2 - x1) / (y2 - y1))
    return FocalPoint(_position((x1 + x2) / 2, full_w, width), _position((y1 + y2) / 2, full_h, height))


def _position(centre: float, window: float, side: int) -> float:
    """The share of the spare length that lies before a window of length `window` centred on `centre`."""
    spare = side - window
    if spare < _ROUNDING:
        return 0.5
    return round(min(max((centre - window / 2) / spare, 0.0), 1.0), 4)
