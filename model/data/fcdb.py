"""Photos with a human crop each and pairs of crops that people voted on (FCDB). Knows nothing of torch or training.

Layout: that of `model.data.human_crops`, and beside it `pairs.json` `{name: [{"boxes_xyxy": [A, B], "votes": [for A,
for B]}, ...]}`, source pixels. Source: Y.-L. Chen et al., "Quantitative Analysis of Automatic Image Cropping
Algorithms: A Dataset and Comparative Study" (WACV 2017).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vrn_cropper.model.data.checks import box_fault, read_all, read_json, split_validation
from vrn_cropper.model.data.human_crops import DRAWN_SLACK, HumanCrops, read_human_crops
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.views.boxes import normalize_boxes

PAIRS = "pairs.json"
# Which photos of `train` validate: a hash of this seed and the photo's name below this share. With FCDB's 1,200
# photos these are VALIDATION_COUNT (tests/model/data/test_fcdb.py holds it); `test` is for tables alone.
VALIDATION_SEED, VALIDATION_SHARE, VALIDATION_COUNT = 0, 0.15, 196


@dataclass(frozen=True, eq=False)
class VotedPhoto:
    """A photo with what people drew on it and how they voted.

    `human_crops`: the crops that people drew. `pairs_normalized` float32 (P, 2, 4): crops A and B of each pair;
    `votes` int64 (P, 2): how many people preferred A, and B; at least one in every pair.
    """

    human_crops: HumanCrops
    pairs_normalized: np.ndarray
    votes: np.ndarray

    @property
    def name(self) -> str:
        """The photo's file name."""
        return self.human_crops.name

    @property
    def margins(self) -> np.ndarray:
        """By how many votes A is ahead of B: int64 (P,), below 0 where B is; 0 is a draw."""
        return self.votes[:, 0] - self.votes[:, 1]


def read_fcdb(root: Path | str) -> list[VotedPhoto]:
    """All photos that `annotations.json` lists, by name, with their pairs.

    Raises DataError as `read_human_crops` does, and for a photo without pairs, a pair of another form, a box that is
    no box of the photo, and pairs of a photo that is not listed.
    """
    root = Path(root)
    source = root / PAIRS
    entries = read_json(source)
    photos = read_human_crops(root)
    if unknown := sorted(entries.keys() - {photo.name for photo in photos}):
        raise DataError(f"{source}: {unknown[0]}: not among the photos of annotations.json")
    return read_all(lambda photo: _with_pairs(source, photo, entries.get(photo.name)), photos)


def split_fcdb(photos: list[VotedPhoto]) -> tuple[list[VotedPhoto], list[VotedPhoto]]:
    """(training, validation) photos of `train`, the same for every run: what is chosen is chosen on the second."""
    return split_validation(photos, seed=VALIDATION_SEED, share=VALIDATION_SHARE)


def _with_pairs(source: Path, photo: HumanCrops, entry: Any) -> VotedPhoto:
    if not isinstance(entry, list) or not entry:
        raise DataError(f"{source}: {photo.name}: needs a list of pairs")
    boxes, votes = zip(*(_pair(source, photo, index, pair) for index, pair in enumerate(entry)), strict=True)
    normalized = np.clip(normalize_boxes(np.stack(boxes), photo.width, photo.height), 0, 1)
    return VotedPhoto(photo, normalized, np.array(votes, dtype=np.int64))


def _pair(source: Path, photo: HumanCrops, index: int, pair: Any) -> tuple[np.ndarray, tuple[int, int]]:
    """Boxes (2, 4) in source pixels, and the votes for either."""
    where = f"{source}: {photo.name}: pair {index}"
    try:
        boxes_xyxy = np.array(pair["boxes_xyxy"], dtype=np.float64)
        for_a, for_b = pair["votes"]
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{where}: needs boxes_xyxy and votes, two of each ({error!r})") from error
    if boxes_xyxy.shape != (2, 4) or not np.isfinite(boxes_xyxy).all():
        raise DataError(f"{where}: boxes_xyxy must be two boxes [x1, y1, x2, y2]")
    whole = all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in (for_a, for_b))
    if not whole or for_a + for_b == 0:
        raise DataError(f"{where}: votes must be two whole numbers, at least one above 0, not {pair['votes']}")
    for box in boxes_xyxy:
        if fault := box_fault(box, photo.width, photo.height, DRAWN_SLACK * max(photo.width, photo.height)):
            raise DataError(f"{where}: {fault}")
    return boxes_xyxy, (for_a, for_b)
