"""The paper's Tab. 2 on cached backbone maps: feature splitter x ranking gain loss, several seeds, one table.

`python -m vrn_cropper.model.training.ablation --data DIR` trains
 4 rows x seeds heads (the backbone keeps its ImageNet weights, its maps
are computed once) and prints mean and spread on the validation split, never on test photos. Finished runs are kept,
so a killed ablation goes on where it was.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd
from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.training.__main__ import SPLIT_SEED, backbone_initialiser
from vrn_cropper.model.training.batches import Augmentation, BatchMaker
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.feature_cache import FeatureCache
from vrn_cropper.model.training.losses import GainScale, LossConfig
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


def main(argv: list[str] | None = None) -> int:
    """Run the command; 1 and one line on standard error for a fault of the data or the files."""
    parser = argparse.ArgumentParser(prog="python -m vrn_cropper.model.training.ablation", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--backbone", default="torchvision")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--gain-scale", choices=[g.value for g in GainScale], default=GainScale.PAPER.value)
    args = parser.parse_args(argv)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    base = TrainConfig(
        epochs=args.epochs,
        network=VrnConfig(dropout=0.2),
        loss=LossConfig(gain_scale=GainScale(args.gain_scale)),
        region_weight=0.0,
        head_lr=1e-3,
        weight_decay=0.01,
        ema_decay=0.998,
        mixed_precision=True,
        augmentation=Augmentation(),  # cached maps know no augmentation but the flip
        frozen_backbone=True,
    )
    try:
        photos, held_out = split_validation(
            read_gaicd(args.data, "train"), seed=SPLIT_SEED, share=base.validation_share
        )
        results = run_rows(rows_of_table_2(base), photos, held_out, args.seeds, args.out, args.backbone, device)
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(markdown_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
