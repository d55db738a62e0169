"""From runs of the second stage to the weights that ship: their mean, its maps fitted once more, its scores log-odds.

    python -m vrn_cropper.model.training.people.finish --data DIR RUN/best.safetensors ... --out FILE

Score differences become log-odds that a person prefers A to B by one factor, fitted on the votes of the validation
part; how much the maps count at given ratios may be set anew. `model.network.export` takes the file.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import torch

from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.network.checkpoint import read_document, save_checkpoint
from vrn_cropper.model.training.people.averaging import averaged_network
from vrn_cropper.model.training.people.maps import fit_maps
from vrn_cropper.model.training.people.photos import read_people
from vrn_cropper.model.training.people.validation import validate
from vrn_cropper.model.training.versions import code_version

GAINS = ("position_gain", "fixed_ratio_gain", "fixed_attention_gain", "fixed_subject_gain")


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(prog="python -m vrn_cropper.model.training.people.finish", description=__doc__)
    p.add_argument("checkpoints", type=Path, nargs="+", help="of runs that differ in their seed alone")
    p.add_argument("--data", type=Path, required=True, help="folder of data sets, as of the training")
    p.add_argument("--out", type=Path, required=True, help="the checkpoint to write")
    for name in GAINS:
        p.add_argument("--" + name.replace("_", "-"), type=float, help="instead of the runs' own")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on standard error for a fault of the data or the files."""
    args = parser().parse_args(argv)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        photos, held_out = read_people(args.data)
        vrn = averaged_network(args.checkpoints, device)
        documents = [read_document(path) for path in args.checkpoints]
        fit_maps(vrn, photos, device)
        gains = {name: getattr(args, name) for name in GAINS if getattr(args, name) is not None}
        vrn.config = replace(vrn.config, **gains)
        measured = validate(vrn, held_out, device)
        vrn.config = replace(vrn.config, score_scale=vrn.config.score_scale * measured["log_odds_per_score"])
        command = ["python -m vrn_cropper.model.training.people.finish", *(sys.argv[1:] if argv is None else argv)]
        document = {
            **documents[0],
            "code_version": code_version(),
            "command": " ".join(command),
            "runs": [{"seed": one["training"]["seed"], "validation": one["validation"]} for one in documents],
            "validation": measured,
        }
        save_checkpoint(args.out, vrn, document)
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(" ".join(f"{name} {value:.3f}" for name, value in measured.items()))
    print(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
