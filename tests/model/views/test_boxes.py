"""Box arithmetic against plain loops."""

import numpy as np
import pytest

from vrn_cropper.model.views.boxes import (
    area,
    boundary_displacement,
    crop_boxes,
    flip_boxes,
    normalize_boxes,
    pairwise_iou,
)


def plain_iou(a, b):
    width = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - width * height
    return width * height / union if union > 0 else 0.0


def random_boxes(count, seed):
    corners = np.random.default_rng(seed).random((count, 2, 2))
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def test_pairwise_iou_equals_a_plain_loop():
    a, b = random_boxes(7, 0), random_boxes(11, 1)
    expected = [[plain_iou(p, q) for q in b] for p in a]
    np.testing.assert_allclose(pairwise_iou(a, b), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("other", "iou"),
    [
        ([0, 0, 2, 2], 1.0),
        ([2, 0, 4, 2], 0.0),
        ([1, 0, 3, 2], 1 / 3),
        ([0, 0, 2, 4], 0.5),
        ([1, 1, 1, 1], 0.0),
    ],
)
def test_iou_of_hand_made_boxes(other, iou):
    assert pairwise_iou(np.array([0, 0, 2, 2]), np.array(other))[0, 0] == pytest.approx(iou)


def test_two_empty_boxes_overlap_nothing_and_warn_of_nothing():
    assert pairwise_iou(np.zeros(4), np.zeros(4))[0, 0] == 0


def test_boundary_displacement_is_the_mean_distance_of_the_four_edges():
    box, others = np.array([0.0, 0.0, 1.0, 1.0]), np.array([[0.1, 0.2, 0.9, 0.8], [0, 0, 1, 1]])
    np.testing.assert_allclose(boundary_displacement(box, others), [0.15, 0.0])


def test_area_is_width_times_height():
    np.testing.assert_array_equal(area(np.array([[1, 2, 4, 8], [0, 0, 0, 5]])), [18, 0])


def test_normalized_boxes_are_float32_shares_of_the_sides():
    boxes = normalize_boxes(np.array([[0, 50, 200, 100]]), width=200, height=100)
    assert boxes.dtype == np.float32
    np.testing.assert_array_equal(boxes, [[0, 0.5, 1, 1]])


def test_flipping_twice_is_nothing() -> None:
    boxes = np.array([[0.1, 0.2, 0.4, 0.9]])
    np.testing.assert_allclose(flip_boxes(flip_boxes(boxes)), boxes)
    np.testing.assert_allclose(flip_boxes(boxes), [[0.6, 0.2, 0.9, 0.9]])


def test_cropping_renormalizes_boxes() -> None:
    kept = np.array([0.0, 0.2, 0.5, 1.0])
    np.testing.assert_allclose(crop_boxes(np.array([[0.1, 0.2, 0.4, 0.6]]), kept), [[0.2, 0.0, 0.8, 0.5]], atol=1e-6)
