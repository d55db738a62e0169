"""Crops that several people drew of each photo (FLMS): the nearest of them, and all of them.

The nearest one is saturated: a person against the others does no better than the whole frame. The mean tells more.
"""

from collections.abc import Sequence

import numpy as np

from vrn_cropper.model.data.human_crops import HumanCrops
from vrn_cropper.model.evaluation.methods import Method, Question, measure_all
from vrn_cropper.model.evaluation.metrics import compare_with_crops
from vrn_cropper.model.evaluation.tables import Column, Row, Table
from vrn_cropper.model.views.crops import plan_views
from vrn_cropper.model.views.options import CropOptions

COLUMNS = (Column("nearest IoU"), Column("nearest BDE"), Column("mean IoU"))
COMPARED = 2  # the mean


def human_crops_table(methods: Sequence[Method], photos: Sequence[HumanCrops], title: str) -> Table:
    """Every method's top-1 crop of any shape, people themselves, and the best that any ranking could reach."""
    questions = [Question(photo.path, photo.width, photo.height) for photo in photos]
    rows = []
    for method, answers in zip(methods, measure_all(methods, questions, title), strict=True):
        found = [
            compare_with_crops(answer.crops[0], photo.boxes_normalized)
            for answer, photo in zip(answers, photos, strict=True)
        ]
        rows.append(Row(method.name, np.array(found)))
    if all(len(photo.boxes_normalized) > 1 for photo in photos):
        rows.append(people(photos))
    rows.append(best_possible(photos))
    count = sum(len(photo.boxes_normalized) for photo in photos)
    return Table(
        title, f"{len(photos)} photos, {count} human crops; top-1 crop of any shape", COLUMNS, rows, COMPARED
    )


def people(photos: Sequence[HumanCrops]) -> Row:
    """Each human crop of a photo against the others of it, averaged: what a person reaches."""
    values = []
    for photo in photos:
        boxes = photo.boxes_normalized
        own = [compare_with_crops(box, np.delete(boxes, index, axis=0)) for index, box in enumerate(boxes)]
        values.append(np.mean(own, axis=0))
    return Row("a person, judged by the others", np.array(values))


def best_possible(photos: Sequence[HumanCrops]) -> Row:
    """What no ranking of the service's candidate views can pass: the best value of each measure of any view."""
    values = []
    for photo in photos:
        views = plan_views(photo.width, photo.height, CropOptions(top_k=1)).boxes_normalized
        found = np.array([compare_with_crops(view, photo.boxes_normalized) for view in views])
        values.append((found[:, 0].max(), found[:, 1].min(), found[:, 2].max()))
    return Row("best possible of the candidate views", np.array(values))
