"""A training run: epochs, validation, the best checkpoint, the metrics file and the curves.

Validates the averaged weights after each epoch on the input and with the inference call that serve, and keeps the
best checkpoint by validation. A run can be killed at any moment: the same call goes on where its last saved state
was, and ends with the weights of an uninterrupted run. Knows nothing of command lines; never sees test photos.
"""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist

from vrn_cropper.model.data.gaicd import RatedPhoto
from vrn_cropper.model.data.judgements import JudgedRegions
from vrn_cropper.model.evaluation.metrics import evaluate_photo, summarize
from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.input_shapes import InputShape, choose_input_shape
from vrn_cropper.model.progress import track
from vrn_cropper.model.training.batches import BatchMaker, plan_epoch
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.curves import plot_curves
from vrn_cropper.model.training.feature_cache import FeatureCache
from vrn_cropper.model.training.losses.paper import Losses
from vrn_cropper.model.training.resume import saved_progress
from vrn_cropper.model.training.step import Trainer

STATE, HISTORY, BEST, CURVES = "state.safetensors", "metrics.json", "best.safetensors", "curves.png"
# The best epoch is the one with the highest mean of these: SRCC alone would weigh the order of the worst views as
# much as that of the best ones, which are what people get.
SELECTION_METRICS = ("srcc", "acc_5", "acc_10")


def data_version(photos: Sequence[RatedPhoto]) -> str:
    """A digest of names, views and ratings; changes whenever a label does."""
    digest = hashlib.sha256()
    for photo in sorted(photos, key=lambda p: p.name):
        digest.update(photo.name.encode() + photo.boxes_normalized.tobytes() + photo.mos.tobytes())
    return digest.hexdigest()[:16]


def label_statistics(photos: Sequence[RatedPhoto]) -> dict[str, float]:
    """Mean MOS, spread between photos and mean spread within a photo."""
    means = np.array([p.mos.mean() for p in photos])
    return {
        "mos_mean": float(means.mean()),
        "mos_std_between_photos": float(means.std()),
        "mos_std_within_photo": float(np.mean([p.mos.std() for p in photos])),
    }


def selection_value(row: dict[str, Any]) -> float:
    """What the best epoch is chosen by, from a row of the metrics file; without validation the last one is."""
    if not row["validation"]:
        return float(row["epoch"])
    return float(np.mean([row["validation"][name] for name in SELECTION_METRICS]))


class RunResult(NamedTuple):
    """Rows of the metrics file: the best epoch by validation, and the last one."""

    best: dict[str, Any]
    last: dict[str, Any]


@torch.no_grad()
def validate(
    vrn: Vrn, maker: BatchMaker, device: torch.device, cache: FeatureCache | None = None
) -> dict[str, float]:
    """Means of the paper's metrics over all photos of `maker`, on all their views, in full precision.

    With `cache` the backbone's maps are taken from there; without, this is exactly the call that serves.
    """
    rows = []
    for index in track(range(len(maker.photos)), "validating"):
        photo = maker.photos[index]
        boxes = torch.from_numpy(photo.boxes_normalized).unsqueeze(0)
        if cache is None:
            pixels = torch.from_numpy(maker.network_pixels(index).copy()).unsqueeze(0)
            scores = vrn.score_views(pixels.to(device), boxes.to(device))
        else:
            scores = vrn.forward_heads(cache.map(index).to(device).float(), boxes.to(device)).view_scores
        rows.append(evaluate_photo(scores[0].cpu().numpy(), photo.mos))
    return summarize(rows)


def train(
    config: TrainConfig,
    photos: Sequence[RatedPhoto],
    held_out: Sequence[RatedPhoto],
    out: Path,
    *,
    initialise: Callable[[Vrn], None],
    choose_shape: Callable[[int, int], InputShape] = choose_input_shape,
    device: torch.device,
    extra_document: dict[str, Any] | None = None,
    save_every_s: float = 60.0,
    feature_cache: FeatureCache | None = None,
    held_out_cache: FeatureCache | None = None,
    judgements: Mapping[str, JudgedRegions] | None = None,
    log: Callable[[str], None] = print,
) -> RunResult:
    """Train to the end, going on from `out` where a run of the same config is there.

    With no photos held out nothing is validated, and the checkpoint is the last epoch's.
    `initialise` sets the backbone's first weights; `judgements` serve the region maps, where the config weighs
    them. Raises CheckpointError if `out` holds another run, DataError if a judgement is missing.
    """
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    torch.manual_seed(config.seed)
    vrn = Vrn(config.network)
    initialise(vrn)
    maker = BatchMaker(
        list(photos), views_per_photo=config.views_per_photo, augmentation=config.augmentation,
        seed=config.seed, choose_shape=choose_shape, judgements=judgements if config.region_weight > 0 else None,
    )  # fmt: skip
    validation = BatchMaker(
        list(held_out), views_per_photo=config.views_per_photo, augmentation=config.augmentation,
        seed=config.seed, choose_shape=choose_shape,
    )  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    plans = [plan_epoch(maker.shapes, config.batch_size, config.seed, e) for e in range(config.epochs)]
    trainer = Trainer(vrn, config, sum(len(plan) for plan in plans), device)
    if config.frozen_backbone and feature_cache is None:
        feature_cache = FeatureCache.compute(vrn, maker, device, flips=config.augmentation.flip)

    identity = {
        "config": config.to_dict(),
        "data_version": data_version([*photos, *held_out]),
        "world": world,
    }
    progress = _resume(trainer, out, identity, log) or {
        "epoch": 0,
        "batch": 0,
        "sums": [0.0] * len(Losses._fields),
        "history": [],
    }
    saved_at = time.monotonic()
    for epoch in range(progress["epoch"], config.epochs):
        plan = plans[epoch]
        started = time.monotonic()
        bar = track(range(progress["batch"], len(plan)), f"epoch {epoch + 1}/{config.epochs}")
        for position in bar:
            members = _share(plan[position], rank, world)
            batch = maker.make(members, epoch, position * world + rank, with_pixels=feature_cache is None)
            inputs = batch.photos if feature_cache is None else feature_cache.inputs(batch)
            losses = trainer.train_step(inputs, batch)
            progress["sums"] = [s + float(v) for s, v in zip(progress["sums"], losses, strict=True)]
            bar.note = f"loss {float(losses.total):.3f}"
            progress["batch"] = position + 1
            if rank == 0 and time.monotonic() - saved_at > save_every_s:
                trainer.save(out / STATE, {**identity, "progress": progress})
                saved_at = time.monotonic()
        averaged = trainer.averaged_network()
        metrics = validate(averaged, validation, device, held_out_cache) if held_out else {}
        row = _epoch_row(epoch, progress["sums"], len(plan), metrics)
        history = [*progress["history"], row]
        progress = {"epoch": epoch + 1, "batch": 0, "sums": [0.0] * len(Losses._fields), "history": history}
        best = max(history, key=selection_value)
        if rank == 0:
            if best is row:
                document = {
                    "name": "vrn-mobilenetv2", "training": config.to_dict(), "validation": row, "photos": len(photos),
                    "data_version": identity["data_version"], "label_statistics": label_statistics(photos),
                    **(extra_document or {}),
                }  # fmt: skip
                save_checkpoint(out / BEST, averaged, document, with_idl=True)
            # The state last: a kill before it repeats the epoch's end, a kill after it has nothing to repeat.
            write_atomically(
                out / HISTORY, json.dumps({**identity, "history": history}, indent=1, sort_keys=True).encode()
            )
            plot_curves(history, out / CURVES)
            trainer.save(out / STATE, {**identity, "progress": progress})
        log(_line(row, config.epochs, time.monotonic() - started))
    history = progress["history"]
    return RunResult(max(history, key=selection_value), history[-1])


def _share(members: np.ndarray, rank: int, world: int) -> np.ndarray:
    """This process's photos of a batch; a batch smaller than the number of processes is dealt round."""
    return np.resize(members, max(len(members), world))[rank::world]


def _resume(
    trainer: Trainer, out: Path, identity: dict[str, Any], log: Callable[[str], None]
) -> dict[str, Any] | None:
    progress = saved_progress(trainer, out / STATE, identity)
    if progress is not None:
        log(f"going on at epoch {progress['epoch'] + 1}, batch {progress['batch'] + 1}")
    return progress


def _epoch_row(epoch: int, sums: list[float], steps: int, metrics: dict[str, float]) -> dict[str, Any]:
    means = {f"loss_{name}": value / steps for name, value in zip(Losses._fields, sums, strict=True)}
    return {"epoch": epoch + 1, **means, "validation": metrics}


def _line(row: dict[str, Any], epochs: int, seconds: float) -> str:
    metrics = " ".join(f"{name} {value:.3f}" for name, value in row["validation"].items())
    return f"epoch {row['epoch']}/{epochs} loss {row['loss_total']:.4f} | validation {metrics} | {seconds:.0f} s"
