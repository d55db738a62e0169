"""First weights of the second stage: a checkpoint of the first, its first hidden layer made narrower."""

from pathlib import Path

import torch
from torch import Tensor

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_tensors
from vrn_cropper.model.network.vrn import Vrn

FIRST_LAYER = ("vdl.inside.weight", "vdl.inside.bias", "vdl.discarded.weight")
SECOND_LAYER = "vdl.tail.2.weight"
NEW_PARTS = ("regions.", "free_regions.", "judge.")


def narrowed(tensors: dict[str, Tensor], neurons: int) -> dict[str, Tensor]:
    """A copy whose first hidden layer of VDL keeps the `neurons` that weigh most, by what goes in times out."""
    incoming = sum(tensors[name].norm(dim=1) for name in FIRST_LAYER if tensors[name].ndim == 2)
    importance = incoming * tensors[SECOND_LAYER].norm(dim=0)
    kept = importance.topk(neurons).indices.sort().values
    cut = {name: tensors[name][kept] for name in FIRST_LAYER}
    return {**tensors, **cut, SECOND_LAYER: tensors[SECOND_LAYER][:, kept]}


def start_from(vrn: Vrn, checkpoint: Path) -> None:
    """Fill a network from a checkpoint; only the parts that the first stage does not have keep their own weights.

    Raises CheckpointError if the checkpoint holds another network.
    """
    tensors = {name: t for name, t in load_tensors(checkpoint)[0].items() if not name.startswith("idl.")}
    width = vrn.config.hidden_sizes[0]
    try:
        if len(tensors[FIRST_LAYER[0]]) > width:
            tensors = narrowed(tensors, width)
        with torch.no_grad():
            missing, unexpected = vrn.load_state_dict(tensors, strict=False)
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{checkpoint} holds another network: {error}") from error
    lacking = [name for name in missing if not name.startswith((*NEW_PARTS, "idl."))]
    if lacking or unexpected:
        raise CheckpointError(f"{checkpoint} holds another network: {[*lacking, *unexpected][0]}")
