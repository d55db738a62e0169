"""The shipped face detector finds heads where they are, at any shape of the network's input, and nowhere else."""

from pathlib import Path

import numpy as np
import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.face_finder import FaceFinder, decode, strongest
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES
from vrn_cropper.model.photos.reading import read_photo

PHOTOS = Path(__file__).parent.parent.parent / "photos"
# Looked up by hand in the 512 x 512 photo: hair to chin.
ASTRONAUT_HEAD = np.array([170, 5, 290, 195]) / 512


@pytest.fixture(scope="module")
def find_heads():
    return FaceFinder.load()


def pixels(name: str) -> np.ndarray:
    return read_photo(PHOTOS / name).model_input


def test_the_one_head_of_a_portrait_is_found_and_its_mirror_image_too(find_heads):
    for image, expected in (
        (pixels("astronaut.jpg"), ASTRONAUT_HEAD),
        (pixels("astronaut.jpg")[:, ::-1].copy(), [1, 0, 1, 0] - ASTRONAUT_HEAD[[2, 1, 0, 3]] * [1, -1, 1, -1]),
    ):
        (head,) = find_heads(image)
        np.testing.assert_allclose(head, expected, atol=0.08)


@pytest.mark.parametrize("name", ["coffee.jpg", "rocket.jpg", "hubble.jpg", "chelsea.jpg"])
def test_no_head_is_seen_in_coffee_rockets_stars_or_a_cat(find_heads, name):
    assert find_heads(pixels(name)).shape == (0, 4)


@pytest.mark.parametrize("shape", INPUT_SHAPES, ids=str)
def test_every_input_shape_of_the_network_is_taken(find_heads, shape):
    image = np.zeros((*shape, 3), np.uint8)
    square = pixels("astronaut.jpg")
    side = min(shape)
    image[:side, :side] = square[:side, :side]
    (head,) = find_heads(image)
    expected = ASTRONAUT_HEAD * side / np.array([shape.width, shape.height, shape.width, shape.height])
    np.testing.assert_allclose(head, expected, atol=0.08)


def test_a_box_is_its_cells_middle_plus_what_the_graph_says():
    cells = np.full((4, 6, 17), -9.0)
    cells[1, 2] = 0
    cells[1, 2, :5] = [3, 4, 0, 12, 8]  # certain; a cell to the right; 12 x 8 pixels
    boxes, scores = decode(cells, least_score=0.9)
    assert scores == pytest.approx([1 / (1 + np.exp(-3))])
    x1, y1, x2, y2 = boxes[0] * [24, 16, 24, 16]
    assert ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1) == pytest.approx((14, 6, 12, 8))


def test_of_overlapping_faces_the_more_certain_one_is_kept():
    boxes = np.array([[0, 0, 0.5, 0.5], [0.05, 0, 0.55, 0.5], [0.6, 0.6, 1, 1]])
    np.testing.assert_array_equal(strongest(boxes, np.array([0.8, 0.9, 0.7])), boxes[[1, 2]])
    assert strongest(np.zeros((0, 4)), np.zeros(0)).shape == (0, 4)


def test_a_missing_or_foreign_graph_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"no face detector at .*none\.onnx"):
        FaceFinder.load(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no graph")
    with pytest.raises(CheckpointError, match=r"text\.onnx is not"):
        FaceFinder.load(tmp_path / "text.onnx")
