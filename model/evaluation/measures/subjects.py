"""Heads and main subjects that a crop of a given ratio cuts although it could have kept them.

Main subjects are boxes of `judgements.jsonl`; heads are boxes of an offline face detector (`evaluation.faces`). Only
what would fit counts: a box no larger than the largest crop of the ratio. Crops are those that the service gives, at
any size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vrn_cropper.model.evaluation.methods import RATIOS, Answer, Method, Question, measure_all
from vrn_cropper.model.evaluation.tables import Column, Row, Table
from vrn_cropper.model.views.candidates import largest_view_of_ratio
from vrn_cropper.model.views.heads import kept_shares

COLUMNS = tuple(Column(ratio.label, 100, 1) for ratio in RATIOS)


@dataclass(frozen=True)
class Subjects:
    """A photo with boxes (S, 4), normalized, that a crop should not cut."""

    path: Path
    width: int
    height: int
    boxes_normalized: np.ndarray


def would_fit(photo: Subjects, ratio: float) -> np.ndarray:
    """Which subjects (S,) some crop of the ratio holds whole."""
    largest = np.array(largest_view_of_ratio(photo.width, photo.height, ratio)) / (photo.width, photo.height)
    return (photo.boxes_normalized[:, 2:] - photo.boxes_normalized[:, :2] <= largest + 1e-6).all(axis=1)


def subjects_table(
    methods: Sequence[Method], photos: Sequence[Subjects], title: str, noun: str, least_kept: float
) -> Table:
    """Percent of the subjects that would fit of which less than `least_kept` is kept, by ratio."""
    photos = [photo for photo in photos if len(photo.boxes_normalized)]
    questions = [Question(photo.path, photo.width, photo.height, RATIOS) for photo in photos]
    answers = measure_all(methods, questions, title)
    rows = [_row(method.name, photos, given, least_kept) for method, given in zip(methods, answers, strict=True)]
    counts = ", ".join(
        f"{ratio.label} {sum(int(would_fit(photo, ratio.value or 1).sum()) for photo in photos)}" for ratio in RATIOS
    )
    text = (
        f"{len(photos)} photos with {noun}. Percent of those that would fit ({counts}) of which a crop keeps less"
        f" than {least_kept:.0%}"
    )
    return Table(title, text, COLUMNS, rows)


def _row(name: str, photos: Sequence[Subjects], answers: Sequence[Answer], least_kept: float) -> Row:
    values, weights = [], []
    for photo, answer in zip(photos, answers, strict=True):
        cut, count = [], []
        for ratio, box in zip(RATIOS, answer.crops, strict=True):
            fitting = photo.boxes_normalized[would_fit(photo, ratio.value or 1)]
            cut.append(float((kept_shares(box[None], fitting) < least_kept).mean()) if len(fitting) else 0.0)
            count.append(len(fitting))
        values.append(cut)
        weights.append(count)
    shape = (len(photos), len(RATIOS))  # also where no photo has a subject
    return Row(name, np.reshape(values, shape), np.reshape(weights, shape))
