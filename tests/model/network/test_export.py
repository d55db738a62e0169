"""The export against torch: one graph, every input shape, real photos."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from vrn_cropper.model.network.export import export_checkpoint
from vrn_cropper.model.network.inference import open_graph
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.views.boxes import normalize_boxes
from vrn_cropper.model.views.candidates import fixed_ratio_views, grid_views

PHOTOS = sorted((Path(__file__).parents[2] / "photos").glob("*.jpg"))
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def compiled():
    return open_graph(DEFAULT_CHECKPOINT.with_suffix(".onnx"), "f32", threads=1)


@pytest.fixture(scope="module")
def vrn():
    return load_checkpoint(DEFAULT_CHECKPOINT)


@pytest.mark.parametrize("shape", INPUT_SHAPES, ids=lambda s: f"{s.height}x{s.width}")
def test_the_shipped_export_scores_as_torch_does(compiled, vrn, shape: InputShape) -> None:
    photos = np.stack([read_photo(path, (shape,)).model_input for path in PHOTOS[:3]])
    boxes = np.concatenate(
        [grid_views(shape.width, shape.height), normalize_boxes(fixed_ratio_views(600, 400, 1.0), 600, 400)]
    )
    boxes = np.stack([boxes] * len(photos))
    with torch.no_grad():
        expected = vrn.score_views(torch.from_numpy(photos), torch.from_numpy(boxes)).numpy()
    scores = compiled(photos, boxes)
    assert expected.std() > 0.01  # a constant would agree with anything
    np.testing.assert_allclose(scores, expected, atol=TOLERANCE, rtol=0)


def test_exporting_the_shipped_checkpoint_again_gives_the_shipped_graph(tmp_path: Path) -> None:
    """The committed graph is this checkpoint's, and carries no trace of the machine that exported it."""
    path = export_checkpoint(DEFAULT_CHECKPOINT, tmp_path)
    shipped = json.loads(DEFAULT_CHECKPOINT.with_suffix(".json").read_text())
    assert json.loads(path.with_suffix(".json").read_text())["version"] == shipped["version"]
    assert str(Path(__file__).parents[3]).encode() not in DEFAULT_CHECKPOINT.with_suffix(".onnx").read_bytes()
    again = open_graph(path, "f32", threads=1)
    committed = open_graph(DEFAULT_CHECKPOINT.with_suffix(".onnx"), "f32", threads=1)
    inputs = [np.full((1, 256, 256, 3), 90, np.uint8), grid_views(256, 256)[None]]
    np.testing.assert_allclose(again(*inputs), committed(*inputs), atol=1e-6)
