"""Ratings of candidate views: the field's protocol (GAIC, VRN paper), on the views that were rated."""

from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.data.gaicd import RatedPhoto
from vrn_cropper.model.evaluation.methods import Method, Question, measure_all
from vrn_cropper.model.evaluation.metrics import PhotoMetrics, evaluate_photo
from vrn_cropper.model.evaluation.tables import Column, Row, Table

COLUMNS = (
    *(Column(title, 100, 1) for title in ("Acc_1/5", "Acc_5", "Acc_1/10", "Acc_10")),
    *(Column(title, 100, 1) for title in ("weighted Acc_5", "weighted Acc_10")),
    Column("SRCC"),
    Column("PCC"),
)
COMPARED = PhotoMetrics._fields.index("srcc")


def mos_table(methods: Sequence[Method], photos: Sequence[RatedPhoto], title: str) -> Table:
    """`PhotoMetrics` of every method; the first is what the others are compared with."""
    questions = [
        Question(photo.path, photo.width, photo.height, ratios=(), views_normalized=photo.boxes_normalized)
        for photo in photos
        if photo.path is not None
    ]
    rows = []
    for method, answers in zip(methods, measure_all(methods, questions, title), strict=True):
        found = [evaluate_photo(a.scores, photo.mos) for a, photo in zip(answers, photos, strict=True)]
        rows.append(Row(method.name, np.array(found)))
    count = sum(len(photo.mos) for photo in photos)
    text = f"{len(photos)} photos, {count} rated views. Acc in percent, ties count as hits"
    return Table(title, text, COLUMNS, rows, COMPARED)
