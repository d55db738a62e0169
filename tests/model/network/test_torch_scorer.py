"""The scorer of `Cropper` on a GPU, tried on torch's CPU: the graph's scores, whoever else is in the batch."""

import numpy as np
import pytest

from vrn_cropper.model.cropper import DEFAULT_EXPORT
from vrn_cropper.model.errors import CheckpointError, DeviceError
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.network.torch_scorer import TorchScorer
from vrn_cropper.model.scoring import CpuScorer


def photo(height, width, views):
    rng = np.random.default_rng(height + views)
    corners = np.sort(rng.uniform(0, 1, (views, 2, 2)), axis=1).astype(np.float32)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8), corners.reshape(views, 4)


def test_photos_of_several_shapes_and_lists_get_the_graphs_scores_in_order():
    export = read_export_info(DEFAULT_EXPORT)
    photos = [photo(160, 224, 5), photo(224, 160, 9), photo(160, 224, 12)]
    ours = TorchScorer(export, device="cpu").score(photos)
    graph = CpuScorer(export, threads=1, precision="f32").score(photos)
    assert [len(scores) for scores in ours] == [5, 9, 12]
    for one, other in zip(ours, graph, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)


def test_device_that_is_not_there_and_weights_that_are_not_there_are_named(tmp_path):
    export = read_export_info(DEFAULT_EXPORT)
    with pytest.raises(DeviceError, match="CUDA"):
        TorchScorer(export, device="cuda:99")
    graph = tmp_path / DEFAULT_EXPORT.name
    graph.write_bytes(DEFAULT_EXPORT.read_bytes())
    graph.with_suffix(".json").write_bytes(DEFAULT_EXPORT.with_suffix(".json").read_bytes())
    with pytest.raises(CheckpointError, match="safetensors"):
        TorchScorer(read_export_info(graph), device="cpu")
