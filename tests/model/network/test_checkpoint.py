"""Checkpoints: strict, whole or absent, and free of pickle."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import (
    load_checkpoint,
    load_tensors,
    read_document,
    save_checkpoint,
)
from vrn_cropper.model.network.vrn import Vrn, VrnConfig

CONFIG = VrnConfig(hidden_sizes=(8, 4))


@pytest.fixture
def vrn() -> Vrn:
    torch.manual_seed(0)
    return Vrn(CONFIG).eval()


def test_a_checkpoint_comes_back_as_it_was(vrn: Vrn, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", vrn, {"name": "x"}, with_idl=True)
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert loaded.config == CONFIG
    assert not loaded.training
    for name, tensor in vrn.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    assert read_document(tmp_path / "a.safetensors")["name"] == "x"


def test_the_inference_checkpoint_has_no_idl_and_scores_alike(vrn: Vrn, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a.safetensors", vrn, {})
    loaded = load_checkpoint(tmp_path / "a.safetensors")
    assert loaded.idl is None
    photos, boxes = torch.zeros(1, 64, 64, 3, dtype=torch.uint8), torch.tensor([[[0.1, 0.1, 0.9, 0.8]]])
    with torch.no_grad():
        assert torch.equal(loaded.score_views(photos, boxes), vrn.score_views(photos, boxes))


@pytest.mark.parametrize("fault", ["missing tensor", "extra tensor", "other shape", "unknown config", "other format"])
def test_a_checkpoint_that_does_not_fit_is_refused(vrn: Vrn, tmp_path: Path, fault: str) -> None:
    path = tmp_path / "a.safetensors"
    save_checkpoint(path, vrn, {})
    state, document = load_file(path), read_document(path)
    if fault == "missing tensor":
        del state["reduce.weight"]
    elif fault == "extra tensor":
        state["more"] = torch.zeros(1)
    elif fault == "other shape":
        state["reduce.bias"] = torch.zeros(5)
    elif fault == "unknown config":
        document["config"]["unheard"] = 1
    else:
        document["format"] = "vrn-checkpoint-0"
    save_file(state, path, metadata={"document": json.dumps(document)})
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        load_checkpoint(path)


def test_a_damaged_or_absent_file_is_named(vrn: Vrn, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*a\.safetensors"):
        load_checkpoint(path)
    save_checkpoint(path, vrn, {})
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_tensors(path)
