"""The paper's Tab. 1 and Tab. 2 by full training: rows x seeds, each to a fixed epoch, measured on the test photos.

`python -m vrn_cropper.model.training.paper_tables --data DIR --table 1|2` trains on all of `images/train` with
the paper's recipe. The last epoch is taken, so no row gains by selection and no test photo chooses anything. Finished
runs are kept, and a killed one continues where it was.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.evaluation.measures.mos import COLUMNS, mos_table
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.evaluation.tables import Row, Table
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.checkpoint import load_checkpoint
from vrn_cropper.model.photos.input_shapes import gaic_input_shape
from vrn_cropper.model.training.__main__ import backbone_initialiser, config_of, parse
from vrn_cropper.model.training.ablation import rows_of_table_2
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.run import BEST, train

BOTH = "FS + RGL"


def measure_rows(
    rows: dict[str, TrainConfig],
    photos: list[RatedPhoto],
    test: list[RatedPhoto],
    seeds: int,
    out: Path,
    backbone: str,
    device: torch.device,
) -> Table:
    """Train and measure; a photo's value is its mean over seeds, so the interval is over photos."""
    found = []
    for name, config in rows.items():
        runs = []
        for seed in range(seeds):
            folder = out / f"{name.replace(' + ', '-').lower()}-seed{seed}"
            train(
                replace(config, seed=seed), photos, [], folder,
                initialise=backbone_initialiser(backbone), device=device,
                choose_shape=gaic_input_shape, log=lambda line: print(line, file=sys.stderr, flush=True),
            )  # fmt: skip
            scorer = VrnScorer(load_checkpoint(folder / BEST, device), device, free_shapes=True)
            runs.append(mos_table([Method(name, scorer)], test, f"{name}, seed {seed}").rows[0].values)
        found.append(Row(name, np.mean(runs, axis=0)))
    text = f"{len(test)} test photos, mean of {seeds} seeds, last of {config.epochs} epochs. Acc in percent"
    return Table("VRN by the paper's recipe", text, COLUMNS, found)


def measure(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder in the GAICD layout.")],
    table: Annotated[int, typer.Option(min=1, max=2, help="Tab. 1: VRN alone; Tab. 2: with and without its parts.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the runs go.")] = Path("runs/paper"),
    backbone: Annotated[str, typer.Option(help="As of the training command.")] = "torchvision",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each row.")] = 3,
    epochs: Annotated[int | None, typer.Option(min=1, help="Fewer than the paper's 60, for a trial.")] = None,
) -> None:
    """Train by the paper's recipe and print one of its tables on the test photos."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options = ["--recipe", "paper", "--all-photos", "--data", str(data), "--backbone", backbone]
    options += [] if epochs is None else ["--epochs", str(epochs)]
    photos, test = read_gaicd(data, "train"), read_gaicd(data, "test")
    rows = rows_of_table_2(config_of(parse(options), device))
    if table == 1:
        rows = {BOTH: rows[BOTH]}
    print(measure_rows(rows, photos, test, seeds, out, backbone, device).markdown())


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(measure, arguments, "python -m vrn_cropper.model.training.paper_tables")


if __name__ == "__main__":
    sys.exit(main())
