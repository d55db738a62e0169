"""The face detector's graph read right; the detector itself is not part of the project."""

import numpy as np
import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.evaluation.faces import GRID, INPUT_PX, FaceDetector, decode, strongest


def test_a_box_is_its_cell_s_middle_plus_what_the_graph_says():
    regressors = np.zeros((GRID**2, 16))
    regressors[GRID + 2, :4] = [INPUT_PX / 4, 0, INPUT_PX / 2, INPUT_PX / 8]  # second row, third column
    x1, y1, x2, y2 = decode(regressors)[GRID + 2]
    assert (x1 + x2) / 2 == pytest.approx(2.5 / GRID + 0.25)
    assert (y1 + y2) / 2 == pytest.approx(1.5 / GRID)
    assert (x2 - x1, y2 - y1) == pytest.approx((0.5, 0.125))


def test_of_overlapping_faces_the_more_certain_one_is_kept():
    boxes = np.array([[0, 0, 0.5, 0.5], [0.05, 0, 0.55, 0.5], [0.6, 0.6, 1, 1]])
    np.testing.assert_array_equal(strongest(boxes, np.array([0.8, 0.9, 0.7])), boxes[[1, 2]])
    assert strongest(np.zeros((0, 4)), np.zeros(0)).shape == (0, 4)


def test_a_missing_or_foreign_graph_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no face detector at .*none\.tflite"):
        FaceDetector.load(tmp_path / "none.tflite")
    (tmp_path / "text.tflite").write_text("no graph")
    with pytest.raises(CheckpointError, match=r"text\.tflite is not"):
        FaceDetector.load(tmp_path / "text.tflite")
