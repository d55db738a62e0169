"""Evaluation of a checkpoint and of the baselines beside it, as Markdown tables.

    python -m vrn_cropper.model.evaluation --data DIR [--checkpoint FILE] [--out FILE]

Measures everything that DIR has (`model.evaluation.report`). Knows nothing of training; a photo is scored by the code
that serves it (`model.evaluation.vrn_scorer`).
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.evaluation.faces import FaceDetector
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.evaluation.other_croppers import other_croppers
from vrn_cropper.model.evaluation.report import SPLITS, Evaluation, find_data
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint


def network_methods(checkpoint: Path, *, mirror: bool, free_shapes: bool) -> list[Method]:
    """The trained network, and with `mirror` its mean over each photo and its mirror image."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vrn = load_checkpoint(checkpoint, device)
    methods = [Method("VRN", VrnScorer(vrn, device, free_shapes=free_shapes))]
    if mirror:
        scorer = VrnScorer(vrn, device, mirror=True, free_shapes=free_shapes)
        methods.append(Method("VRN, mean with the mirrored photo", scorer))
    return methods


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(
        prog="python -m vrn_cropper.model.evaluation", description=(__doc__ or "").split("\n", 1)[0]
    )
    p.add_argument("--data", type=Path, required=True, metavar="DIR", help="a data set, or a folder of several")
    p.add_argument("--checkpoint", type=Path, default=DEFAULT_CHECKPOINT, metavar="FILE")
    p.add_argument("--split", choices=SPLITS, default="test",
                   help="validation: the part of the training photos on which choices are made")  # fmt: skip
    p.add_argument("--baselines-only", action="store_true", help="leave the network out")
    p.add_argument("--mirror", action="store_true", help="also score the mirrored photo and average")
    p.add_argument("--free-shapes", action="store_true", help="for a network trained with --free-shapes")
    p.add_argument("--face-detector", type=Path, metavar="FILE",
                   help="heads cut: face_detection_full_range.tflite of @mediapipe/face_detection")  # fmt: skip
    p.add_argument("--figures", type=Path, metavar="DIR", help="where the reliability plot goes")
    p.add_argument("--out", type=Path, metavar="FILE", help="also write the tables here")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on standard error for a fault of the data or the files."""
    options = parser().parse_args(arguments)
    try:
        network = [] if options.baselines_only else network_methods(
            options.checkpoint, mirror=options.mirror, free_shapes=options.free_shapes
        )  # fmt: skip
        faces = FaceDetector.load(options.face_detector) if options.face_detector else None
        evaluation = Evaluation(network, other_croppers, options.split, faces, options.figures)
        parts = []
        for part in evaluation.report(find_data(options.data)):
            print(part, flush=True)
            parts.append(part)
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
