"""Train a VRN on photos in the GAICD layout: `python -m vrn_cropper.model.training --data DIR --out runs/NAME`.

Reads and checks the whole data set before the first step. Validates on `images/val` where the data set has it, else
on a part held out of `images/train` (once settings are chosen, --all-photos trains on both).
The same command resumes a killed run. Several GPUs: `torchrun --nproc-per-node N -m vrn_cropper.model.training ...`.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.gaicd import read_gaicd, read_validation
from vrn_cropper.model.data.judgements import JUDGEMENTS, read_judgements
from vrn_cropper.model.errors import CheckpointError, VrnError
from vrn_cropper.model.network.checkpoint import load_tensors
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.input_shapes import choose_input_shape, gaic_input_shape
from vrn_cropper.model.training.batches import Augmentation
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.losses.paper import GainScale, LossConfig
from vrn_cropper.model.training.recipes import RECIPES, TORCHVISION_PIXELS
from vrn_cropper.model.training.run import train
from vrn_cropper.model.training.versions import code_version

SPLIT_SEED = 0  # one validation split for every run, so that runs are comparable


def backbone_initialiser(source: str) -> Callable[[Vrn], None]:
    """What sets the backbone's first weights; `source` as in `Backbone.load_first_weights`."""

    def initialise(vrn: Vrn) -> None:
        vrn.backbone.load_first_weights(source)

    return initialise


def checkpoint_initialiser(path: Path) -> Callable[[Vrn], None]:
    """First weights from a checkpoint of a training run (with IDL), for a second phase with other losses or rates."""
    tensors, _document = load_tensors(path)

    def initialise(vrn: Vrn) -> None:
        try:
            vrn.load_state_dict(tensors, strict=True)
        except RuntimeError as error:
            raise CheckpointError(f"{path} holds another network than the options name: {error}") from error

    return initialise


def start_processes() -> torch.device:
    """Join the group of processes that torchrun started, if it did, and choose the device."""
    has_gpu = torch.cuda.is_available()
    if not dist.is_torchelastic_launched():
        return torch.device("cuda" if has_gpu else "cpu")
    dist.init_process_group("nccl" if has_gpu else "gloo")
    if not has_gpu:
        return torch.device("cpu")
    torch.cuda.set_device(dist.get_node_local_rank())
    return torch.device("cuda", dist.get_node_local_rank())


def parser() -> argparse.ArgumentParser:
    """The command line; defaults are those of `TrainConfig`."""
    default = TrainConfig()
    p = argparse.ArgumentParser(prog="python -m vrn_cropper.model.training", description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="folder in the GAICD layout")
    p.add_argument("--out", type=Path, default=Path("runs/train"), help="folder of the run; resumed if it is there")
    p.add_argument("--backbone", default="torchvision",
                   help="first weights: a safetensors file, 'torchvision' (downloads) or 'random'")  # fmt: skip
    p.add_argument("--recipe", choices=list(RECIPES), default="default",
                   help="paper: the VRN paper's settings to the letter; other options change it")  # fmt: skip
    p.add_argument("--start-from", type=Path, help="checkpoint of an earlier run, instead of --backbone")
    p.add_argument("--epochs", type=int, default=default.epochs)
    p.add_argument("--seed", type=int, default=default.seed)
    p.add_argument("--batch-size", type=int, default=default.batch_size, help="photos a step")
    p.add_argument("--backbone-lr", type=float, default=default.backbone_lr)
    p.add_argument("--head-lr", type=float, default=default.head_lr)
    p.add_argument("--final-lr-share", type=float, default=default.final_lr_share,
                   help="what a cosine leaves of both rates at the end")  # fmt: skip
    p.add_argument("--warm-up-steps", type=int, default=default.warm_up_steps)
    p.add_argument("--max-gradient-norm", type=float, default=default.max_gradient_norm, help="0 clips nothing")
    p.add_argument("--weight-decay", type=float, default=default.weight_decay)
    p.add_argument("--ema-decay", type=float, default=default.ema_decay)
    p.add_argument("--hidden-sizes", type=int, nargs="+", default=default.network.hidden_sizes)
    p.add_argument("--dropout", type=float, default=default.network.dropout)
    p.add_argument("--no-splitter", action="store_true", help="the baseline of Tab. 2: no splitter, no IDL")
    p.add_argument("--gain-weight", type=float, default=default.loss.gain_weight, help="lambda; 0 for l1 alone")
    p.add_argument("--gain-scale", choices=[g.value for g in GainScale], default=default.loss.gain_scale.value)
    p.add_argument("--correlation-weight", type=float, default=default.loss.correlation_weight, help="of 1 - PCC")
    p.add_argument("--all-photos", action="store_true",
                   help="hold no validation split out, once settings are chosen; the last epoch is kept")  # fmt: skip
    p.add_argument("--region-weight", type=float, default=default.region_weight,
                   help="of the region maps' loss, where the data has judgements.jsonl")  # fmt: skip
    p.add_argument("--jitter", type=float, default=default.augmentation.brightness,
                   help="of brightness, contrast and saturation")  # fmt: skip
    p.add_argument(
        "--hue", type=float, default=default.augmentation.hue, help="hue jitter; half of a CPU's decode time"
    )
    p.add_argument("--no-flip", action="store_true")
    p.add_argument("--outer-crop", action=argparse.BooleanOptionalAction, default=default.augmentation.outer_crop)
    p.add_argument("--frozen-blocks", type=int, default=default.frozen_blocks,
                   help="first blocks of MobileNetV2 that keep their weights")  # fmt: skip
    p.add_argument("--frozen-backbone", action="store_true", help="train the heads alone, on cached maps")
    p.add_argument("--mixed-precision", action=argparse.BooleanOptionalAction, help="bfloat16; default: on CUDA")
    p.add_argument("--free-shapes", action="store_true", help="GAIC's multiples of 32 instead of the fixed shapes")
    return p


def parse(argv: list[str] | None) -> argparse.Namespace:
    """The options; what a recipe sets is the default that others are read against."""
    p = parser()
    p.set_defaults(**RECIPES[p.parse_args(argv).recipe])
    return p.parse_args(argv)


def config_of(args: argparse.Namespace, device: torch.device) -> TrainConfig:
    """The settings that a command line names, on this device. Cached maps know no augmentation but the flip."""
    pixels: dict[str, Any] = TORCHVISION_PIXELS if args.backbone == "torchvision" and not args.start_from else {}
    varied = Augmentation(
        flip=not args.no_flip, brightness=args.jitter, contrast=args.jitter, saturation=args.jitter,
        hue=args.hue, outer_crop=args.outer_crop,
    )  # fmt: skip
    return replace(
        TrainConfig(),
        network=VrnConfig(
            hidden_sizes=tuple(args.hidden_sizes), dropout=args.dropout, has_splitter=not args.no_splitter, **pixels
        ),
        loss=LossConfig(args.gain_weight, GainScale(args.gain_scale), args.correlation_weight),
        validation_share=0.0 if args.all_photos else TrainConfig().validation_share,
        mixed_precision=device.type == "cuda" if args.mixed_precision is None else args.mixed_precision,
        augmentation=Augmentation(flip=varied.flip) if args.frozen_backbone else varied,
        **{name: getattr(args, name) for name in (
            "seed", "epochs", "batch_size", "backbone_lr", "head_lr", "weight_decay", "ema_decay",
            "warm_up_steps", "max_gradient_norm",
            "frozen_blocks", "frozen_backbone", "region_weight", "final_lr_share",
        )},
    )  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run the command; 0, or 1 with one line on standard error for a fault of the data or the files."""
    args = parse(argv)
    device = start_processes()
    try:
        config = config_of(args, device)
        photos = read_gaicd(args.data, "train")
        held_out = read_validation(args.data) or []
        if args.all_photos:
            photos, held_out = photos + held_out, []
        elif not held_out:
            photos, held_out = split_validation(photos, seed=SPLIT_SEED, share=config.validation_share)
        judgements = read_judgements(args.data)
        if config.region_weight > 0 and not judgements:
            print(f"no {JUDGEMENTS} in {args.data}: training without region maps", flush=True)
            config = replace(config, region_weight=0.0)
        initialise = (
            checkpoint_initialiser(args.start_from) if args.start_from else backbone_initialiser(args.backbone)
        )
        print(f"{len(photos)} photos to train on, {len(held_out)} to validate on, {device}", flush=True)
        result = train(
            config, photos, held_out, args.out, initialise=initialise, device=device,
            choose_shape=gaic_input_shape if args.free_shapes else choose_input_shape,
            extra_document={"code_version": code_version(), "command": " ".join(
                ["python -m vrn_cropper.model.training", *(sys.argv[1:] if argv is None else argv)])},
            judgements=judgements, log=lambda line: print(line, flush=True),
        )  # fmt: skip
    except VrnError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
    print(f"best epoch {result.best['epoch']}: {args.out / 'best.safetensors'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
