"""A row of an evaluation: what a method crops, and how it scores given views, both asked in one pass.

A method that scores crops as the service does: candidate views, scores and ranking of `model.views.crops`. Numpy and
PIL alone; knows nothing of torch, data sets or measures.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from vrn_cropper.model.photos.reading import Photo, read_photo
from vrn_cropper.model.progress import track
from vrn_cropper.model.views.boxes import normalize_boxes, pairwise_iou
from vrn_cropper.model.views.candidates import largest_view_of_ratio
from vrn_cropper.model.views.content import content_of
from vrn_cropper.model.views.crops import plan_views, rank_crops
from vrn_cropper.model.views.heads import HeadFinder
from vrn_cropper.model.views.options import FREE, AspectRatio, CropOptions

# Far below any difference in IoU that matters: among equally near views the more central one comes first.
CENTRAL_TIE_WEIGHT = 1e-6
# Log-odds so large that the highest score is certain to be chosen.
DECIDED = 1e6
NO_VIEWS = np.zeros((0, 4), np.float32)
# The ratios at which crops are measured: portrait, square and wide, as they are asked for.
RATIOS = tuple(AspectRatio.parse(text) for text in ("1:1", "4:5", "9:16", "16:9", "3:1"))


class Scorer(Protocol):
    """Scores candidate views of a photo."""

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        """A photo (a file's path or bytes, or a picture) and boxes (N, 4) -> finite scores (N,), higher is better."""
        ...


class Cropper(Protocol):
    """Names the one box it would crop a photo to."""

    def crop(self, photo: Photo, ratio: float | None = None) -> np.ndarray:
        """A photo and a wanted width / height in pixels (None: any) -> box_normalized (4,)."""
        ...


@dataclass(frozen=True, eq=False)
class Question:
    """What a method is asked about one photo of `width` x `height` upright pixels.

    Its crop for each of `ratios`, the largest that the ratio allows where `largest`, and scores of `views_normalized`
    (N, 4).
    """

    photo: Photo
    width: int
    height: int
    ratios: tuple[AspectRatio, ...] = (FREE,)
    largest: bool = False
    views_normalized: np.ndarray = field(default_factory=lambda: NO_VIEWS)


class Answer(NamedTuple):
    """`crops` (R, 4), normalized, one row a ratio in the order asked; `scores` (N,) of the views asked about."""

    crops: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Method:
    """A scorer, and the cropper behind it where the method has a box of its own.

    With `find_heads` its crops keep heads whole and leave bars out, as the service's do; scores of given views are
    the scorer's own.
    `states_log_odds`: whether score differences are log-odds of a preference, by which free views are ranked; of
    other scores the highest comes first.
    """

    name: str
    scorer: Scorer
    cropper: Cropper | None = None
    find_heads: HeadFinder | None = None
    states_log_odds: bool = False

    @classmethod
    def of_cropper(cls, name: str, cropper: Cropper) -> "Method":
        """A cropper in both forms, each of whose boxes is found once in a run."""
        remembering = RememberingCropper(cropper)
        return cls(name, OverlapScorer(remembering), remembering)

    def answer(self, asked: Question) -> Answer:
        """The method's own boxes, or the best of the views that the service would offer it."""
        if self.cropper is not None:
            crops = [self.cropper.crop(asked.photo, ratio.value) for ratio in asked.ratios]
            scores = np.zeros(0)
            if len(asked.views_normalized):
                scores = self.scorer.score(asked.photo, asked.views_normalized)
            return Answer(np.array(crops).reshape(-1, 4), scores)
        if not asked.ratios:
            return Answer(np.zeros((0, 4)), self.scorer.score(asked.photo, asked.views_normalized))
        options = CropOptions(top_k=1, aspect_ratios=asked.ratios, min_scale=1.0 if asked.largest else None)
        if self.find_heads is None:
            plan = plan_views(asked.width, asked.height, options)
        else:
            pixels = read_photo(asked.photo).model_input
            plan = plan_views(asked.width, asked.height, options, self.find_heads(pixels), content_of(pixels))
        views = np.concatenate([plan.boxes_normalized, asked.views_normalized])
        scores = self.scorer.score(asked.photo, views)
        count = len(plan.boxes_normalized)
        ranked = rank_crops(plan, scores[:count] * (1 if self.states_log_odds else DECIDED), options)
        boxes_xyxy = np.array([crop.box_xyxy for crop in ranked.crops])
        return Answer(normalize_boxes(boxes_xyxy, asked.width, asked.height), scores[count:])


class RememberingCropper:
    """A cropper that looks at each file once for each ratio; other authors' take up to a second a photo."""

    def __init__(self, cropper: Cropper) -> None:
        self._cropper = cropper
        self._boxes: dict[tuple[str, float | None], np.ndarray] = {}

    def crop(self, photo: Photo, ratio: float | None = None) -> np.ndarray:
        if not isinstance(photo, str | os.PathLike):
            return self._cropper.crop(photo, ratio)
        key = (os.fspath(photo), ratio)
        if key not in self._boxes:
            self._boxes[key] = self._cropper.crop(photo, ratio)
        return self._boxes[key]


@dataclass(frozen=True)
class OverlapScorer:
    """Ranks candidate views by IoU with a cropper's box; ties go to the more central view."""

    cropper: Cropper

    def score(self, photo: Photo, boxes_normalized: np.ndarray) -> np.ndarray:
        overlaps = pairwise_iou(boxes_normalized, self.cropper.crop(photo))[:, 0]
        centres = (np.asarray(boxes_normalized[:, :2], np.float64) + boxes_normalized[:, 2:]) / 2
        return overlaps - CENTRAL_TIE_WEIGHT * np.linalg.norm(centres - 0.5, axis=1)


def centred_window(width: int, height: int, ratio: float) -> np.ndarray:
    """The largest box (4,) of a ratio in the middle of a photo, normalized."""
    sides = np.array(largest_view_of_ratio(width, height, ratio)) / (width, height)
    return np.concatenate([(1 - sides) / 2, (1 + sides) / 2])


def sliding_windows(width: int, height: int, ratio: float, steps: int) -> np.ndarray:
    """The largest boxes (steps, 4) of a ratio, normalized, evenly along the side that leaves room; centre first."""
    sides = np.array(largest_view_of_ratio(width, height, ratio)) / (width, height)
    shares = np.linspace(0, 1, steps)
    shares = shares[np.argsort(np.abs(shares - 0.5), kind="stable")]
    starts = shares[:, None] * (1 - sides)
    return np.concatenate([starts, starts + sides], axis=1)


def measure_all(methods: Sequence[Method], questions: Sequence[Question], label: str) -> list[list[Answer]]:
    """Every method's answers, [method][photo]; a bar runs over the photos."""
    answers: list[list[Answer]] = [[] for _ in methods]
    for question in track(questions, label):
        for method, given in zip(methods, answers, strict=True):
            given.append(method.answer(question))
    return answers
