"""What one photo is asked: its list of views, and the targets of each loss for them. Numpy alone.

A list has the parts of its kind, in the order of `VOTED_PARTS` or `RATED_PARTS`; views of the last part have a given
ratio. Boxes and targets are those of the part of the photo that is shown.
"""

from typing import NamedTuple

import numpy as np

from vrn_cropper.model.data.fcdb import VotedPhoto
from vrn_cropper.model.data.gaicd import RatedPhoto
from vrn_cropper.model.data.judgements import JudgedRegions
from vrn_cropper.model.network.backbone import MAP_STRIDE
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.training.losses import viewing
from vrn_cropper.model.training.losses.human_crops import JUDGE_WEIGHTS, crop_targets
from vrn_cropper.model.training.losses.listwise import soft_targets
from vrn_cropper.model.training.losses.subjects import TEMPERATURE as SUBJECT_TEMPERATURE
from vrn_cropper.model.training.losses.subjects import kept_subjects
from vrn_cropper.model.training.people.views import served_views, views_of_any_shape, views_of_ratio, windows
from vrn_cropper.model.training.region_maps import region_maps
from vrn_cropper.model.views.boxes import crop_boxes

PAIRS = 10
VOTED_PARTS = (2 * PAIRS, 48, 20)  # views of pairs, of any shape (the human crops among them), of the crop's ratio
RATED_PARTS = (48, 24, 24)  # rated views, views of any shape, windows


class Shown(NamedTuple):
    """The part of a photo that is shown: where it lies (normalized), its size in source pixels, the input's shape."""

    kept_normalized: np.ndarray
    width: float
    height: float
    shape: InputShape

    def move(self, boxes_normalized: np.ndarray) -> np.ndarray:
        """Boxes of the whole photo in the coordinates of this part."""
        return crop_boxes(boxes_normalized, self.kept_normalized)


class PhotoTargets(NamedTuple):
    """Views float (N, 4), and targets by the names of `LossWeights`, float arrays."""

    boxes_normalized: np.ndarray
    targets: dict[str, np.ndarray]


def voted_targets(photo: VotedPhoto, shown: Shown, temperature: float, rng: np.random.Generator) -> PhotoTargets:
    """Pairs with the share of votes for the first of each, and how near views are to the human crops."""
    chosen = np.resize(rng.permutation(len(photo.votes)), PAIRS)
    pairs = shown.move(photo.pairs_normalized[chosen].reshape(-1, 4))
    crops = shown.move(photo.human_crops.boxes_normalized)
    _, free, of_ratio = VOTED_PARTS
    drawn, served = crops[: free // 4], free // 2
    any_shape = np.concatenate([
        drawn, served_views(rng, served, round(shown.width), round(shown.height)),
        views_of_any_shape(rng, free - served - len(drawn)),
    ])  # fmt: skip
    one = crops[rng.integers(len(crops))]
    ratio = (one[2] - one[0]) * shown.width / max((one[3] - one[1]) * shown.height, 1.0)
    same_ratio = np.concatenate([one[None], views_of_ratio(rng, of_ratio - 1, ratio, shown.width, shown.height)])
    votes = photo.votes[chosen]
    targets = {
        "votes": votes[:, 0] / votes.sum(axis=1),
        "human_crops": crop_targets(any_shape, crops, temperature),
        "human_crops_of_ratio": crop_targets(same_ratio, one[None], temperature),
    }
    return PhotoTargets(np.concatenate([pairs, any_shape, same_ratio]), targets)


def rated_targets(
    photo: RatedPhoto,
    judged: JudgedRegions,
    points: np.ndarray | None,
    shown: Shown,
    temperature: float,
    rng: np.random.Generator,
) -> PhotoTargets:
    """Ratings, the judge's best views, and windows by what people looked at and what a judge called subjects."""
    rated, free, count = RATED_PARTS
    chosen = np.resize(rng.permutation(len(photo.mos)), rated)
    views = shown.move(photo.boxes_normalized[chosen])
    any_shape, spread = views_of_any_shape(rng, free), windows(rng, count, shown.width, shown.height)
    subjects, strengths, disturbances = (shown.move(judged[0]), judged[1], shown.move(judged[2]))
    rows, columns = shown.shape.height // MAP_STRIDE, shown.shape.width // MAP_STRIDE
    targets = {
        "rating": photo.mos[chosen] - photo.mos.mean(),
        "judge_crops": _judge_targets(
            np.concatenate([views, any_shape]), shown.move(judged.best_views_normalized), temperature
        ),
        "subjects": soft_targets(kept_subjects(spread, subjects, strengths), SUBJECT_TEMPERATURE),
        "region_maps": region_maps(subjects, strengths, disturbances, rows, columns),
        **_viewing_targets(points, shown, spread, rows, columns),
    }
    return PhotoTargets(np.concatenate([views, any_shape, spread]), targets)


def _judge_targets(views: np.ndarray, best_views: np.ndarray, temperature: float) -> np.ndarray:
    if not len(best_views):
        return np.full(len(views), 1 / len(views), np.float32)
    return crop_targets(views, best_views[: len(JUDGE_WEIGHTS)], temperature, JUDGE_WEIGHTS)


def _viewing_targets(
    points: np.ndarray | None, shown: Shown, spread: np.ndarray, rows: int, columns: int
) -> dict[str, np.ndarray]:
    """Zeros, which count nothing, where nobody looked."""
    if points is not None:
        x1, y1, x2, y2 = shown.kept_normalized
        moved = points.copy()
        moved[:, :2] = (points[:, :2] - (x1, y1)) / (x2 - x1, y2 - y1)
        moved = moved[((moved[:, :2] >= 0) & (moved[:, :2] <= 1)).all(axis=1)]
    if points is None or not len(moved):
        return {"viewing": np.zeros(len(spread)), "viewing_map": np.zeros((rows, columns))}
    return {
        "viewing": soft_targets(viewing.kept_times(spread, moved), viewing.TEMPERATURE),
        "viewing_map": viewing.viewing_map(moved, shown.width / shown.height, rows, columns),
    }
