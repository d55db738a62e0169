"""Export of the inference graph to ONNX: backbone + splitter + VDL, boxes as an input.

`python -m vrn_cropper.model.network.export CHECKPOINT [--out-dir model/weights]` writes the inference checkpoint
(without IDL), the graph and the JSON document that serving reads (`model.network.export_info`). One graph serves
every input shape, batch size and number of views.
"""

import json
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.files import file_sha256, write_atomically
from vrn_cropper.model.network.checkpoint import (
    DEFAULT_CHECKPOINT,
    load_checkpoint,
    read_document,
    save_checkpoint,
)
from vrn_cropper.model.network.inference_head import MatrixProductVdl
from vrn_cropper.model.network.reference import reference_input
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES

OPSET = 18


class InferenceGraph(nn.Module):
    """`Vrn.score_views` as a module of its own, which is what an exporter takes."""

    def __init__(self, vrn: Vrn) -> None:
        super().__init__()
        vrn.idl = None
        vrn.vdl = MatrixProductVdl(vrn.vdl, vrn.config.map_channels)  # type: ignore[assignment]  # in its place
        self.vrn = vrn

    def forward(self, photos: Tensor, boxes_normalized: Tensor) -> Tensor:
        """uint8 photos (B, H, W, 3), boxes (B, N, 4) -> scores (B, N)."""
        return self.vrn.score_views(photos, boxes_normalized)


def export_onnx(vrn: Vrn, path: Path) -> None:
    """Write the graph, with dynamic B, H / 32, W / 32 and N; weights inside the file."""
    dim = torch.export.Dim
    rows, columns = dim("rows", min=2, max=64), dim("columns", min=2, max=64)
    # Shapes of no special value, so that the exporter takes none of them for a constant.
    photos = torch.zeros(3, 224, 288, 3, dtype=torch.uint8)
    boxes = torch.tensor([0.1, 0.1, 0.8, 0.8]).expand(3, 7, 4).contiguous()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(
            InferenceGraph(vrn).eval(),
            (photos, boxes),
            input_names=["photos", "boxes_normalized"],
            output_names=["scores"],
            dynamic_shapes={
                "photos": {0: dim("batch", min=1, max=1024), 1: 32 * rows, 2: 32 * columns},
                "boxes_normalized": {0: dim("batch", min=1, max=1024), 1: dim("views", min=1, max=65536)},
            },
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # only an export to a file, which this is not, returns none
    graph = program.model_proto
    # The exporter notes stack traces, with paths of the machine that exported, on nodes and values.
    for part in (*graph.graph.node, *graph.graph.value_info, *graph.graph.input, *graph.graph.output):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    write_atomically(path, graph.SerializeToString())


def export_checkpoint(checkpoint: Path, out_dir: Path) -> Path:
    """Inference checkpoint, graph and JSON document of a checkpoint into `out_dir`; returns the graph's path."""
    document = read_document(checkpoint)
    path = out_dir / f"{document['name']}.onnx"
    vrn = load_checkpoint(checkpoint)
    inference = path.with_suffix(".safetensors")
    if inference.resolve() != checkpoint.resolve():
        save_checkpoint(inference, vrn, document)
    export_onnx(vrn, path)
    described = {
        **document,
        "version": f"{document['data_version'][:6]}-{file_sha256(inference)[:8]}",
        "input_shapes": [list(shape) for shape in INPUT_SHAPES],
        "sha256": file_sha256(path),
        "checkpoint_sha256": file_sha256(inference),
        "reference_scores": reference_scores(vrn),
    }
    write_atomically(path.with_suffix(".json"), (json.dumps(described, indent=1) + "\n").encode())
    return path


def reference_scores(vrn: Vrn) -> list[float]:
    """What torch says of the reference photo: loading the export checks its scores against these."""
    photo, boxes = reference_input(INPUT_SHAPES[0])
    with torch.no_grad():
        scores = vrn.eval().score_views(torch.from_numpy(photo)[None], torch.from_numpy(boxes)[None])[0]
    return [round(score, 6) for score in scores.tolist()]


def export(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint of a training.")] = DEFAULT_CHECKPOINT,
    out_dir: Annotated[Path, typer.Option(help="Where the three files go.")] = DEFAULT_CHECKPOINT.parent,
) -> None:
    """Export a checkpoint to the graph that is served."""
    print(export_checkpoint(checkpoint, out_dir))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(export, arguments, "python -m vrn_cropper.model.network.export")


if __name__ == "__main__":
    sys.exit(main())
