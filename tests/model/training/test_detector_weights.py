"""A detector's folded weights become a backbone that computes the same."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.backbone import Backbone
from vrn_cropper.model.training.detector_weights import SCOPE, backbone_state, layers, main, read_tfjs


@pytest.fixture(scope="module")
def original() -> Backbone:
    """A backbone with statistics as training leaves them, so that folding changes every number."""
    torch.manual_seed(0)
    backbone = Backbone().eval()
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return backbone


def folded(backbone: Backbone) -> dict[str, np.ndarray]:
    """What TensorFlow.js stores: kernels height x width x in x out, BatchNorm as scale and shift."""
    state = backbone.state_dict()
    constants = {}
    for scope, conv, norm, depthwise in layers():
        kernel = state[f"{conv}.weight"].numpy()
        scale = (state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + 1e-5).sqrt()).numpy()
        shift = (state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * torch.from_numpy(scale)).numpy()
        if depthwise:
            constants[f"{SCOPE}{scope}/depthwise_weights"] = kernel.transpose(2, 3, 0, 1)
            constants[f"{SCOPE}{scope}/BatchNorm/batchnorm/mul"] = scale
        else:
            kernel = kernel * scale[:, None, None, None]
            constants[f"{SCOPE}{scope}/Conv2D/merged_input"] = kernel.transpose(2, 3, 1, 0)
        constants[f"{SCOPE}{scope}/BatchNorm/batchnorm/sub"] = shift
    return constants


def write_tfjs(folder: Path, constants: dict[str, np.ndarray]) -> None:
    """In two shards that meet in the middle of a tensor, as the format allows."""
    content = b"".join(np.ascontiguousarray(values).tobytes() for values in constants.values())
    cut = len(content) // 2 + 3
    (folder / "shard1").write_bytes(content[:cut])
    (folder / "shard2").write_bytes(content[cut:])
    entries = [{"name": n, "shape": list(v.shape), "dtype": "float32"} for n, v in constants.items()]
    manifest = [{"paths": ["shard1", "shard2"], "weights": entries}]
    (folder / "model.json").write_text(json.dumps({"weightsManifest": manifest}))


@pytest.mark.parametrize("rescaled", [False, True])
def test_converted_backbone_computes_what_the_detector_s_does(
    original: Backbone, tmp_path: Path, rescaled: bool
) -> None:
    write_tfjs(tmp_path, folded(original))
    like = tmp_path / "like.safetensors"
    torch.manual_seed(1)
    save_file(Backbone().state_dict(), like)
    out = tmp_path / "backbone.safetensors"
    assert main([str(tmp_path), str(out), *(["--like", str(like)] if rescaled else [])]) == 0

    converted = Backbone().eval()
    converted.load_weights_file(out)
    photos = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        torch.testing.assert_close(converted(photos), original(photos), rtol=1e-3, atol=1e-4)


def test_rescaled_kernels_are_as_large_as_their_namesakes(original: Backbone) -> None:
    torch.manual_seed(1)
    like = Backbone()
    state, usual = backbone_state(folded(original), like), like.state_dict()
    for _, conv, _, _ in layers():
        torch.testing.assert_close(
            state[f"{conv}.weight"].square().mean(), usual[f"{conv}.weight"].square().mean(), rtol=1e-4, atol=0
        )


@pytest.mark.parametrize(
    ("scope", "conv", "norm"),
    [
        ("Conv", "features.0.0", "features.0.1"),
        ("expanded_conv/depthwise", "features.1.conv.0.0", "features.1.conv.0.1"),
        ("expanded_conv/project", "features.1.conv.1", "features.1.conv.2"),
        ("expanded_conv_8/expand", "features.9.conv.0.0", "features.9.conv.0.1"),
        ("expanded_conv_9/depthwise", "features.10.conv.1.0", "features.10.conv.1.1"),
        ("expanded_conv_16/project", "features.17.conv.2", "features.17.conv.3"),
    ],
)
def test_names_are_those_of_tensorflow_and_torchvision(scope: str, conv: str, norm: str) -> None:
    """Written out, as the other tests fold a network by the same list that the conversion reads it by."""
    assert [(c, n) for s, c, n, _ in layers() if s == scope] == [(conv, norm)]


def test_layers_stand_in_the_order_of_use(original: Backbone) -> None:
    used = [name for name, module in original.named_modules() if isinstance(module, nn.Conv2d)]
    assert [conv for _, conv, _, _ in layers()] == used
    depthwise = [m.groups > 1 for m in original.modules() if isinstance(m, nn.Conv2d)]
    assert [flag for _, _, _, flag in layers()] == depthwise


def test_every_tensor_of_the_backbone_is_filled(original: Backbone) -> None:
    counters = {name for name in original.state_dict() if name.endswith("num_batches_tracked")}
    assert backbone_state(folded(original)).keys() == original.state_dict().keys() - counters


def test_other_networks_are_refused_by_name(original: Backbone) -> None:
    constants = folded(original)
    constants.pop(f"{SCOPE}expanded_conv_5/project/Conv2D/merged_input")
    with pytest.raises(CheckpointError, match="expanded_conv_5/project"):
        backbone_state(constants)


def test_other_widths_are_refused_by_name(original: Backbone) -> None:
    constants = folded(original)
    constants[f"{SCOPE}Conv/Conv2D/merged_input"] = np.zeros((3, 3, 3, 16), np.float32)
    with pytest.raises(CheckpointError, match=r"Conv.*\(16, 3, 3, 3\)"):
        backbone_state(constants)


def test_a_file_to_be_like_that_is_no_backbone_is_named(
    original: Backbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tfjs(tmp_path, folded(original))
    save_file({"other": torch.zeros(1)}, tmp_path / "like.safetensors")
    assert main([str(tmp_path), str(tmp_path / "out"), "--like", str(tmp_path / "like.safetensors")]) == 1
    assert "like.safetensors does not hold a MobileNetV2 backbone" in capsys.readouterr().err


def test_missing_and_cut_files_are_named(
    original: Backbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckpointError, match="graph model"):
        read_tfjs(tmp_path / "nowhere")
    write_tfjs(tmp_path, folded(original))
    (tmp_path / "shard2").write_bytes((tmp_path / "shard2").read_bytes()[:-8])
    assert main([str(tmp_path), str(tmp_path / "out.safetensors")]) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert not (tmp_path / "out.safetensors").exists()
