"""The paper's Tab. 2 on cached backbone maps: feature splitter x ranking gain loss, several seeds, one table.

`python -m vrn_cropper.model.training.ablation --data DIR` trains 4 rows x seeds heads (the backbone keeps its
ImageNet weights, its maps are computed once) and prints mean and spread on the validation split, never on test
photos. Finished runs are kept, so that a killed ablation continues where it was.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from torch import nn

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.training.__main__ import SPLIT_SEED, backbone_initialiser
from vrn_cropper.model.training.batches import Augmentation, BatchMaker
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.feature_cache import FeatureCache
from vrn_cropper.model.training.losses.paper import GainScale, LossConfig
from vrn_cropper.model.training.run import train

METRICS = ("acc_1_5", "acc_5", "acc_1_10", "acc_10", "srcc", "pcc")


def rows_of_table_2(base: TrainConfig) -> dict[str, TrainConfig]:
    """The four rows of Tab. 2, from the baseline (MOS directly from RoIAlign + RoDAlign, l1) to both."""
    without_gain = replace(base.loss, gain_weight=0.0)
    without_splitter = replace(base.network, has_splitter=False)
    return {
        "none": replace(base, network=without_splitter, loss=without_gain),
        "FS": replace(base, loss=without_gain),
        "RGL": replace(base, network=without_splitter),
        "FS + RGL": base,
    }


def starting_at(mean_mos: float, initialise: Callable[[Vrn], None]) -> Callable[[Vrn], None]:
    """First weights for any row: one that predicts the MOS itself begins at its mean, which it would learn first.

    Without this a few epochs compare who is rid of the offset, not who ranks better.
    """

    def start(vrn: Vrn) -> None:
        initialise(vrn)
        last = vrn.vdl.tail[-1]
        if not vrn.config.has_splitter and isinstance(last, nn.Linear):
            nn.init.constant_(last.bias, mean_mos)

    return start


def run_rows(
    rows: dict[str, TrainConfig],
    photos: list[RatedPhoto],
    held_out: list[RatedPhoto],
    seeds: int,
    out: Path,
    backbone: str,
    device: torch.device,
) -> dict[str, list[dict[str, float]]]:
    """Last-epoch validation metrics of every row and seed: a fixed epoch, so that no row gains by selection."""
    first = next(iter(rows.values()))
    mean_mos = float(np.mean([photo.mos.mean() for photo in photos]))
    torch.manual_seed(0)
    vrn = Vrn(first.network)
    initialise = backbone_initialiser(backbone)
    initialise(vrn)
    maker = BatchMaker(
        photos, views_per_photo=first.views_per_photo, augmentation=first.augmentation, seed=first.seed
    )
    cache = FeatureCache.compute(vrn, maker, device, flips=first.augmentation.flip)
    held_out_maker = BatchMaker(
        held_out, views_per_photo=first.views_per_photo, augmentation=first.augmentation, seed=first.seed
    )
    held_out_cache = FeatureCache.compute(vrn, held_out_maker, device, flips=False)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for seed in range(seeds):
        for name, config in rows.items():
            folder = out / f"{name.replace(' + ', '-').replace(' ', '-').lower()}-seed{seed}"
            last = train(
                replace(config, seed=seed), photos, held_out, folder,
                initialise=starting_at(mean_mos, initialise), device=device, log=lambda _line: None,
                feature_cache=cache, held_out_cache=held_out_cache,
            ).last  # fmt: skip
            results[name].append(last["validation"])
            print(f"{name}, seed {seed}: SRCC {last['validation']['srcc']:.4f}", file=sys.stderr, flush=True)
    return results


def markdown_table(results: dict[str, list[dict[str, float]]]) -> str:
    """Mean and standard deviation over seeds; Acc in percent as the papers print it."""
    lines = ["| row | " + " | ".join(METRICS) + " |", "|---" * (len(METRICS) + 1) + "|"]
    for name, runs in results.items():
        cells = []
        for metric in METRICS:
            values = np.array([run[metric] for run in runs]) * (100 if metric.startswith("acc") else 1)
            digits = 1 if metric.startswith("acc") else 3
            spread = values.std(ddof=1) if len(values) > 1 else 0.0
            cells.append(f"{values.mean():.{digits}f} ± {spread:.{digits}f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ablate(
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder in the GAICD layout.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the runs go.")] = Path("runs/ablation"),
    backbone: Annotated[str, typer.Option(help="As of the training command.")] = "torchvision",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each row.")] = 3,
    epochs: Annotated[int, typer.Option(min=1, help="Of each run.")] = 4,
    gain_scale: Annotated[GainScale, typer.Option(help="Scale of the ranking gain.")] = GainScale.PAPER,
) -> None:
    """Train the rows of the paper's Tab. 2 on frozen features, and print what each part is worth."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    base = TrainConfig(
        epochs=epochs,
        network=VrnConfig(dropout=0.2),
        loss=LossConfig(gain_scale=gain_scale),
        region_weight=0.0,
        head_lr=1e-3,
        weight_decay=0.01,
        ema_decay=0.998,
        mixed_precision=True,
        augmentation=Augmentation(),  # cached maps know no augmentation but the flip
        frozen_backbone=True,
    )
    photos, held_out = split_validation(read_gaicd(data, "train"), seed=SPLIT_SEED, share=base.validation_share)
    print(markdown_table(run_rows(rows_of_table_2(base), photos, held_out, seeds, out, backbone, device)))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(ablate, arguments, "python -m vrn_cropper.model.training.ablation")


if __name__ == "__main__":
    sys.exit(main())
