"""People's crops and votes (FCDB): IoU and BDE of the top-1 crop, and how often a method prefers what people do."""

from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.data.fcdb import VotedPhoto
from vrn_cropper.model.evaluation.calibration import VoteCounts
from vrn_cropper.model.evaluation.methods import Answer, Method, Question, measure_all
from vrn_cropper.model.evaluation.metrics import compare_with_crops
from vrn_cropper.model.evaluation.tables import Column, Row, Table

CLEAR_MARGIN = 3  # votes; of five voters 4 : 1 and 5 : 0
COLUMNS = (
    Column("IoU"),
    Column("BDE"),
    *(Column(f"votes agreed with{which}", 100, 1) for which in (", all", ", 3:2", ", 4:1", ", 5:0", ", clear")),
)


def ask_voted(photos: Sequence[VotedPhoto]) -> list[Question]:
    """Each photo's free crop, and scores of both crops of all its pairs."""
    return [
        Question(
            photo.human_crops.path,
            photo.human_crops.width,
            photo.human_crops.height,
            views_normalized=photo.pairs_normalized.reshape(-1, 4),
        )
        for photo in photos
    ]


def voted_table(
    methods: Sequence[Method], photos: Sequence[VotedPhoto], title: str
) -> tuple[Table, list[list[Answer]]]:
    """The table, and the answers [method][photo] for the calibration."""
    answers = measure_all(methods, ask_voted(photos), title)
    rows = [_row(method.name, photos, given) for method, given in zip(methods, answers, strict=True)]
    rows.append(_one_voter(photos))
    count = sum(len(photo.votes) for photo in photos)
    text = (
        f"{len(photos)} photos, one human crop and ten pairs of crops each ({count} pairs, five voters). Votes agreed"
        " with: percent of the pairs in which the crop that most voters prefer scores higher; clear: 4:1 and 5:0"
    )
    return Table(title, text, COLUMNS, rows, 0), answers


def vote_counts(photos: Sequence[VotedPhoto], answers: Sequence[Answer]) -> list[VoteCounts]:
    """What calibration needs of each photo: score differences of its pairs and the votes."""
    return [
        VoteCounts(np.subtract(*answer.scores.reshape(-1, 2).T), photo.votes)
        for photo, answer in zip(photos, answers, strict=True)
    ]


def _row(name: str, photos: Sequence[VotedPhoto], answers: Sequence[Answer]) -> Row:
    values, weights = [], []
    for photo, answer in zip(photos, answers, strict=True):
        found = compare_with_crops(answer.crops[0], photo.human_crops.boxes_normalized)
        agreed = agreement(np.subtract(*answer.scores.reshape(-1, 2).T), photo.margins)
        shares, counts = by_margin(agreed, photo.margins)
        values.append([found.iou, found.bde, *shares])
        weights.append([1, 1, *counts])
    return Row(name, np.array(values), np.array(weights))


def agreement(score_differences: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """1 where the preferred crop scores higher, 0.5 where both score alike, 0 otherwise: (P,)."""
    return 0.5 + 0.5 * np.sign(score_differences) * np.sign(margins)


def by_margin(agreed: np.ndarray, margins: np.ndarray) -> tuple[list[float], list[int]]:
    """Mean of `agreed` and number of pairs: all that are no draw, margin 1, 3 and 5, and clear ones."""
    size = np.abs(margins)
    groups = [size > 0, size == 1, size == 3, size == 5, size >= CLEAR_MARGIN]
    shares = [float(agreed[group].mean()) if group.any() else 0.0 for group in groups]
    return shares, [int(group.sum()) for group in groups]


def _one_voter(photos: Sequence[VotedPhoto]) -> Row:
    """How often a single voter is with the majority, of which that voter is one."""
    values, weights = [], []
    for photo in photos:
        shares, counts = by_margin(photo.votes.max(axis=1) / photo.votes.sum(axis=1), photo.margins)
        values.append([np.nan, np.nan, *shares])
        weights.append([1, 1, *counts])
    return Row("one voter", np.array(values), np.array(weights))
