"""The photos of the second stage and those that validate it. Reads and checks everything before the first step.

The validation part is `SPLIT=validation` of the evaluation: FCDB's and OSIE's own, and the rated photos' (for the
subjects that a crop cuts). No photo of it is trained on with any label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vrn_cropper.model.data.attention import ViewedPhoto, read_attention, split_attention
from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.fcdb import VotedPhoto, read_fcdb, split_fcdb
from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.data.judgements import JudgedRegions, read_judgements
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.evaluation.report import RATED_SEED, RATED_SHARE, find_data
from vrn_cropper.model.training.recalibration import recalibrated


@dataclass(frozen=True, eq=False)
class PeoplePhotos:
    """`points` float64 (F, 3) of every viewer by photo name, for some of `rated`; `judged` by name without suffix."""

    voted: Sequence[VotedPhoto]
    rated: Sequence[RatedPhoto]
    judged: Mapping[str, JudgedRegions]
    points: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class ValidationPhotos:
    """Photos that no step sees."""

    voted: Sequence[VotedPhoto]
    viewed: Sequence[ViewedPhoto]
    rated: Sequence[RatedPhoto]
    judged: Mapping[str, JudgedRegions]


def read_people(root: Path) -> tuple[PeoplePhotos, ValidationPhotos]:
    """Both parts of a folder of data sets, with recalibrated ratings. Raises DataError for what is not there."""
    data = find_data(root)
    if data.voted is None or data.rated is None or data.viewed is None:
        raise DataError(f"{root}: needs photos with votes (fcdb), with ratings (crops) and with viewing points")
    voted, held_voted = split_fcdb(read_fcdb(data.voted / "train"))
    viewed, held_viewed = split_attention(read_attention(data.viewed, data.rated, "train"))
    rated, held_rated = split_validation(read_gaicd(data.rated, "train"), seed=RATED_SEED, share=RATED_SHARE)
    judged = read_judgements(data.rated)
    held_names = {photo.name for photo in held_viewed}
    rated = recalibrated([photo for photo in rated if photo.name not in held_names], judged)
    names = {photo.name for photo in rated}
    points = {photo.name: photo.points() for photo in viewed if photo.name in names}
    missing = [photo.name for photo in rated if Path(photo.name).stem not in judged]
    if missing:
        raise DataError(f"{data.rated}: no judgement of the photo {missing[0]}")
    return PeoplePhotos(voted, rated, judged, points), ValidationPhotos(held_voted, held_viewed, held_rated, judged)
