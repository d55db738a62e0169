"""A checkpoint: safetensors weights with everything needed to use and to trust them. No pickle anywhere.

The file's metadata holds one JSON document: name, version, config (normalisation included), label statistics, data
and code version, training settings and validation metrics. Loading is strict: a missing, extra or misshapen tensor
or an unknown config key is a CheckpointError, never a half-filled network.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.network.vrn import Vrn, VrnConfig

FORMAT = "vrn-checkpoint-1"
DEFAULT_CHECKPOINT = Path(__file__).parent.parent / "weights" / "vrn-mobilenetv2.safetensors"


def save_tensors(path: Path, tensors: dict[str, Tensor], document: dict[str, Any]) -> None:
    """Tensors and one JSON document in a safetensors file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_atomically(path, save(tensors, metadata={"document": json.dumps(document, sort_keys=True)}))


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Inverse of `save_tensors`; raises CheckpointError if the file is missing or not such a file."""
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            document = json.loads((file.metadata() or {})["document"])
    except FileNotFoundError as error:
        raise CheckpointError(f"there is no checkpoint at {path}") from error
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not a readable checkpoint: {error}") from error
    return tensors, document


def save_checkpoint(path: Path, vrn: Vrn, document: dict[str, Any], *, with_idl: bool = False) -> None:
    """Save the inference weights (IDL is dropped at inference [P]; `with_idl` keeps it).

    `document` is merged with the format tag and the network's config.
    """
    state = {name: t for name, t in vrn.state_dict().items() if with_idl or not name.startswith("idl.")}
    save_tensors(path, state, {**document, "format": FORMAT, "config": vrn.config.to_dict()})


def read_document(path: Path) -> dict[str, Any]:
    """The checkpoint's JSON document alone."""
    return load_tensors(path)[1]


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> Vrn:
    """The network of a checkpoint, in evaluation mode, without IDL where the file has none."""
    state, document = load_tensors(path)
    if document.get("format") != FORMAT:
        raise CheckpointError(f"{path} is no {FORMAT} file but {document.get('format')!r}")
    try:
        vrn = Vrn(VrnConfig.from_dict(document["config"]))
        if not any(name.startswith("idl.") for name in state):
            vrn.idl = None
        vrn.load_state_dict(state, strict=True)
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this code: {error}") from error
    return vrn.to(device).eval()
