"""The paper's Tab. 1 and Tab. 2 by full training: rows x seeds, each to a fixed epoch, measured on the test photos.

`python -m vrn_cropper.model.training.paper_tables --data DIR --table 1|2` trains on all of `images/train` with
the paper's recipe. The last epoch is taken, so no row gains by selection and no test photo chooses anything. Finished
runs are kept, and a killed one goes on where it was.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.errors import VrnError
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


def main(argv: list[str] | None = None) -> int:
    """Run the command; 1 and one line on standard error for a fault of the data or the files."""
    parser = argparse.ArgumentParser(prog="python -m vrn_cropper.model.training.paper_tables", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--table", type=int, choices=(1, 2), required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/paper"))
    parser.add_argument("--backbone", default="torchvision")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="fewer than the paper's 60, for a trial")
    args = parser.parse_args(argv)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options = ["--recipe", "paper", "--all-photos", "--data", str(args.data), "--backbone", args.backbone]
    options += [] if args.epochs is None else ["--epochs", str(args.epochs)]
    try:
        photos, test = read_gaicd(args.data, "train"), read_gaicd(args.data, "test")
        rows = rows_of_table_2(config_of(parse(options), device))
        if args.table == 1:
            rows = {BOTH: rows[BOTH]}
        table = measure_rows(rows, photos, test, args.seeds, args.out, args.backbone, device)
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table.markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
