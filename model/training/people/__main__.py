"""Train on what people drew, voted for and looked at, from a checkpoint of the first stage.

    python -m vrn_cropper.model.training.people --data DIR --start-from CHECKPOINT [--out runs/people]

DIR holds FCDB's photos (crops, votes), photos in the GAICD layout with judgements, and viewing points of some of them
(docs/training.md). Reads and checks all of it before the first step. The same command resumes a killed run.
"""

import argparse
import sys
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path

import torch

from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.files import file_sha256
from vrn_cropper.model.training.people.config import LossWeights, PeopleConfig
from vrn_cropper.model.training.people.photos import read_people
from vrn_cropper.model.training.people.run import BEST, train_on_people
from vrn_cropper.model.training.people.start import start_from
from vrn_cropper.model.training.people.validation import validate
from vrn_cropper.model.training.versions import code_version

SETTINGS = (
    "seed", "passes", "votes_per_pass", "batch_size", "backbone_lr", "head_lr", "new_lr", "weight_decay",
    "ema_decay", "frozen_blocks", "crop_temperature", "brightness",
)  # fmt: skip
NETWORK = (
    "dropout", "position_gain", "fixed_ratio_gain", "fixed_attention_gain", "fixed_subject_gain", "region_gradient",
    "free_maps",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line; defaults are those of `PeopleConfig`."""
    default = PeopleConfig()
    p = argparse.ArgumentParser(prog="python -m vrn_cropper.model.training.people", description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="folder of data sets, as of the evaluation")
    p.add_argument("--start-from", type=Path, required=True, help="checkpoint of the first stage")
    p.add_argument("--out", type=Path, default=Path("runs/people"), help="folder of the run; resumed if it is there")
    for name, of in [*((n, default) for n in SETTINGS), *((n, default.network) for n in NETWORK)]:
        value = getattr(of, name)
        p.add_argument("--" + name.replace("_", "-"), type=type(value), default=value)
    for name, weight in asdict(default.weights).items():
        p.add_argument(f"--{name.replace('_', '-')}-weight", type=float, default=weight, help="0 switches it off")
    p.add_argument("--only", nargs="+", choices=[f.name for f in fields(LossWeights)], default=None, metavar="LOSS",
                   help="switch every other loss off")  # fmt: skip
    p.add_argument("--without", nargs="+", choices=[f.name for f in fields(LossWeights)], default=(), metavar="LOSS",
                   help="switch these losses off")  # fmt: skip
    return p


def config_of(args: argparse.Namespace) -> PeopleConfig:
    """The settings that a command line names."""
    default = PeopleConfig()
    kept = args.only or [field.name for field in fields(LossWeights)]
    weights = {
        name: getattr(args, f"{name}_weight") if name in kept and name not in args.without else 0.0
        for name in asdict(default.weights)
    }
    network = replace(default.network, **{name: getattr(args, name) for name in NETWORK})
    settings = {name: getattr(args, name) for name in SETTINGS}
    return replace(default, network=network, weights=LossWeights(**weights), **settings)


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on standard error for a fault of the data or the files."""
    args = parser().parse_args(argv)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        photos, held_out = read_people(args.data)
        print(
            f"{len(photos.voted)} photos with votes and {len(photos.rated)} with ratings to train on,"
            f" {len(photos.points)} of them with viewing points; {len(held_out.voted)}, {len(held_out.rated)} and"
            f" {len(held_out.viewed)} to validate on, {device}",
            flush=True,
        )
        result = train_on_people(
            config_of(args), photos, args.out, initialise=partial(start_from, checkpoint=args.start_from),
            validate=partial(validate, photos=held_out, device=device), device=device,
            extra_document={
                "code_version": code_version(),
                "starts_from": file_sha256(args.start_from),
                "command": " ".join(
                    ["python -m vrn_cropper.model.training.people", *(sys.argv[1:] if argv is None else argv)]
                ),
            },
            log=lambda line: print(line, flush=True),
        )  # fmt: skip
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"best pass {result.best['pass']}: {args.out / BEST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
