"""Evaluation of a checkpoint and of the baselines beside it, as Markdown tables.

    python -m vrn_cropper.model.evaluation --data DIR [--checkpoint FILE] [--out FILE]

Measures everything that DIR has (`model.evaluation.report`). Knows nothing of training; a photo is scored by the code
that serves it (`model.evaluation.vrn_scorer`).
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.evaluation.faces import HeadOracle
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.evaluation.other_croppers import other_croppers
from vrn_cropper.model.evaluation.report import Evaluation, Split, find_data
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from vrn_cropper.model.network.face_finder import FaceFinder


def network_methods(checkpoint: Path, *, mirror: bool, free_shapes: bool) -> list[Method]:
    """The trained network, and with `mirror` its mean over each photo and its mirror image."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vrn, find_heads = load_checkpoint(checkpoint, device), FaceFinder.load()
    methods = [
        Method("VRN", VrnScorer(vrn, device, free_shapes=free_shapes), find_heads=find_heads, states_log_odds=True)
    ]
    if mirror:
        scorer = VrnScorer(vrn, device, mirror=True, free_shapes=free_shapes)
        methods.append(
            Method("VRN, mean with the mirrored photo", scorer, find_heads=find_heads, states_log_odds=True)
        )
    return methods


def evaluate(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set, or a folder of several.")],
    checkpoint: Annotated[Path, typer.Option(metavar="FILE", help="Whose network is measured.")] = DEFAULT_CHECKPOINT,
    split: Annotated[
        Split, typer.Option(help="validation: the part of the training photos on which choices are made.")
    ] = "test",
    baselines_only: Annotated[bool, typer.Option("--baselines-only", help="Leave the network out.")] = False,
    mirror: Annotated[bool, typer.Option("--mirror", help="Also score the mirrored photo and average.")] = False,
    free_shapes: Annotated[
        bool, typer.Option("--free-shapes", help="For a network trained with --free-shapes.")
    ] = False,
    figures: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the reliability plot goes.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write the tables here.")] = None,
) -> None:
    """Compare a checkpoint with the baselines on all that a folder has, as Markdown tables."""
    network = [] if baselines_only else network_methods(checkpoint, mirror=mirror, free_shapes=free_shapes)
    faces = HeadOracle(FaceFinder.load())
    parts = []
    for part in Evaluation(network, other_croppers, split, faces, figures).report(find_data(data)):
        print(part, flush=True)
        parts.append(part)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, "\n".join(parts).encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(evaluate, arguments, "python -m vrn_cropper.model.evaluation")


if __name__ == "__main__":
    sys.exit(main())
