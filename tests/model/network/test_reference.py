"""A graph that scores otherwise than at its export is found wherever it is loaded."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.export_info import ExportInfo
from vrn_cropper.model.network.reference import check_reference, reference_input
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES

SCORES = (0.5, -1.5, 0.25, 0.0, 1.0, -0.5)
EXPORT = ExportInfo(Path("tiny.onnx"), "tiny", "v1", INPUT_SHAPES, reference_scores=SCORES)


@pytest.mark.parametrize(("precision", "off"), [("f32", 1e-5), ("bf16", 0.05), ("f16", 0.02)])
def test_rounding_of_each_precision_passes(precision, off):
    check_reference(EXPORT, precision, np.array(SCORES, np.float32) + off)


@pytest.mark.parametrize("precision", ["f32", "f16", "bf16"])
@pytest.mark.parametrize(
    "scores", [SCORES[::-1], SCORES[:5], (np.nan, *SCORES[1:]), (0.0,) * 6], ids=["order", "count", "NaN", "constant"]
)
def test_other_scores_are_refused(precision, scores):
    with pytest.raises(CheckpointError, match="reference photo"):
        check_reference(EXPORT, precision, np.array(scores, np.float32))


def test_export_that_noted_no_scores_is_taken_as_it_is():
    check_reference(replace(EXPORT, reference_scores=()), "f32", np.zeros(6, np.float32))


@pytest.mark.parametrize("shape", INPUT_SHAPES[:3])
def test_photo_is_no_flat_picture_and_its_views_lie_inside(shape):
    photo, boxes = reference_input(shape)
    assert photo.shape == (*shape, 3)
    assert photo.dtype == np.uint8
    assert photo.std() > 20
    assert ((boxes >= 0) & (boxes <= 1)).all()
