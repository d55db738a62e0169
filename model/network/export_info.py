"""What an exported graph says of itself, read from the small JSON file beside it. Needs no torch and no onnx.

`model.network.export` writes `<name>.json` beside `<name>.onnx`: `name`, `version`, `input_shapes` (a list of
[height, width]), `sha256` of the graph and `checkpoint_sha256` of the weights beside it, so that a file cut short or
swapped is found before it is served, and `reference_scores` (`model.network.reference`).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.files import file_sha256
from vrn_cropper.model.photos.input_shapes import InputShape


@dataclass(frozen=True, slots=True)
class ExportInfo:
    """Name, version and input shapes of an exported graph, and where it lies; what to check it by, where noted."""

    path: Path
    name: str
    version: str
    input_shapes: tuple[InputShape, ...]
    reference_scores: tuple[float, ...] = ()
    checkpoint_sha256: str | None = None

    def checked_checkpoint(self) -> Path:
        """The weights that the graph was made of, beside it. Raises CheckpointError if they are missing or others."""
        path = self.path.with_suffix(".safetensors")
        if not path.is_file():
            raise CheckpointError(f"there are no weights at {path}")
        if self.checkpoint_sha256 is not None and file_sha256(path) != self.checkpoint_sha256:
            raise CheckpointError(
                f"{path} is damaged or another model's: its SHA-256 is not the one that was exported"
            )
        return path


def read_export_info(path: Path) -> ExportInfo:
    """What the exported graph at `path` is, after checking that it is whole.

    Raises CheckpointError if the graph or its description is missing, damaged, or they do not belong
    together.
    """
    if not path.is_file():
        raise CheckpointError(f"there is no exported graph at {path}")
    sidecar = path.with_suffix(".json")
    if not sidecar.is_file():
        raise CheckpointError(f"{path} has no description {sidecar.name} beside it; export it again")
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
        info = ExportInfo(
            path=path,
            name=str(facts["name"]),
            version=str(facts["version"]),
            input_shapes=tuple(InputShape(int(height), int(width)) for height, width in facts["input_shapes"]),
            reference_scores=tuple(float(score) for score in facts.get("reference_scores", ())),
            checkpoint_sha256=facts.get("checkpoint_sha256"),
        )
        sha256 = facts["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{sidecar} is damaged ({error}); export the graph again") from error
    if not info.input_shapes:
        raise CheckpointError(f"{sidecar} names no input shape; export the graph again")
    if file_sha256(path) != sha256:
        raise CheckpointError(f"{path} is damaged: its SHA-256 is not the one in {sidecar.name}; export it again")
    return info
