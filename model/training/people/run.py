"""A run of the second stage: passes, validation after each, every pass's weights kept, kill and resume.

The averaged weights are validated by what serving would answer. A run can be killed at any moment: the same call goes
on where its last saved state was, and ends with the weights of an uninterrupted run. Never sees test photos.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.input_shapes import InputShape, choose_input_shape
from vrn_cropper.model.training.people.batches import PeopleBatches, made_ahead
from vrn_cropper.model.training.people.config import PeopleConfig
from vrn_cropper.model.training.people.objective import PeopleTrainer
from vrn_cropper.model.training.people.photos import PeoplePhotos
from vrn_cropper.model.training.people.validation import selection_value
from vrn_cropper.model.training.resume import saved_progress

STATE, HISTORY, BEST = "state.safetensors", "metrics.json", "best.safetensors"
PASS = "pass-{}.safetensors"
LOG_EVERY_STEPS = 50
# New layers begin alike in runs of every seed, so that the weights of several runs can be averaged (`averaging`).
FIRST_WEIGHTS_SEED = 0

Validate = Callable[[Vrn], dict[str, float]]


class RunResult(NamedTuple):
    """Rows of the metrics file: the best pass by validation, and the last one."""

    best: dict[str, Any]
    last: dict[str, Any]


def data_version(photos: PeoplePhotos) -> str:
    """A digest of names and labels; changes whenever one does."""
    digest = hashlib.sha256()
    for voted in photos.voted:
        for part in (voted.human_crops.boxes_normalized, voted.pairs_normalized, voted.votes):
            digest.update(voted.name.encode() + part.tobytes())
    for rated in photos.rated:
        points = photos.points.get(rated.name, np.zeros(0))
        judged = b"".join(part.tobytes() for part in photos.judged[Path(rated.name).stem])
        digest.update(rated.name.encode() + rated.mos.tobytes() + points.tobytes() + judged)
    return digest.hexdigest()[:16]


def train_on_people(
    config: PeopleConfig,
    photos: PeoplePhotos,
    out: Path,
    *,
    initialise: Callable[[Vrn], None],
    validate: Validate,
    device: torch.device,
    choose_shape: Callable[[int, int], InputShape] = choose_input_shape,
    extra_document: dict[str, Any] | None = None,
    save_every_s: float = 60.0,
    log: Callable[[str], None] = print,
) -> RunResult:
    """Train to the end, going on from `out` where a run of the same config and data is there.

    `initialise` sets the first weights; `validate` measures a network. Raises CheckpointError if `out` holds another
    run.
    """
    torch.manual_seed(FIRST_WEIGHTS_SEED)
    vrn = Vrn(config.network)
    initialise(vrn)
    batches = PeopleBatches(photos, config, choose_shape)
    plans = [batches.plan(number) for number in range(config.passes)]
    trainer = PeopleTrainer(vrn, config, sum(len(plan) for plan in plans), device)
    out.mkdir(parents=True, exist_ok=True)
    identity = {"config": config.to_dict(), "data_version": data_version(photos)}
    progress = _resume(trainer, out, identity, log) or {"pass": 0, "step": 0, "sums": {}, "history": []}
    history: list[dict[str, Any]] = progress["history"]
    saved_at = time.monotonic()
    for number in range(progress["pass"], config.passes):
        plan, first = plans[number], progress["step"]
        sums = defaultdict(lambda: [0.0, 0], progress["sums"])
        started_at = time.monotonic()
        for step, batch in enumerate(made_ahead(batches, plan, number, first), start=first):
            for name, value in trainer.train_step(batch).items():
                sums[name] = [sums[name][0] + value, sums[name][1] + 1]
            if (step + 1) % LOG_EVERY_STEPS == 0:
                each_s = (time.monotonic() - started_at) / (step + 1 - first)
                log(f"pass {number + 1}, step {step + 1}/{len(plan)}, {each_s:.2f} s a step, {_means_line(sums)}")
            if time.monotonic() - saved_at > save_every_s:
                progress = {"pass": number, "step": step + 1, "sums": dict(sums), "history": history}
                trainer.save(out / STATE, {**identity, "progress": progress})
                saved_at = time.monotonic()
        averaged = trainer.averaged_network()
        measured = validate(averaged)
        row = {"pass": number + 1, "losses": _means(sums), "validation": measured}
        history = [*history, row]
        document = {
            "name": "vrn-mobilenetv2", "training": config.to_dict(), "validation": row,
            "photos": len(photos.voted) + len(photos.rated), **identity, **(extra_document or {}),
        }  # fmt: skip
        save_checkpoint(out / PASS.format(number + 1), averaged, document)
        if best_of(history) is row:
            save_checkpoint(out / BEST, averaged, document)
        # The state last: a kill before it repeats the pass's end, a kill after it has nothing to repeat.
        write_atomically(out / HISTORY, json.dumps({**identity, "history": history}, indent=1).encode())
        progress = {"pass": number + 1, "step": 0, "sums": {}, "history": history}
        trainer.save(out / STATE, {**identity, "progress": progress})
        log(f"pass {number + 1}/{config.passes}: {_line(measured)}")
    return RunResult(best_of(history), history[-1])


def best_of(history: list[dict[str, Any]]) -> dict[str, Any]:
    """The row of the pass that validation prefers, the first of equals."""
    return max(history, key=lambda row: selection_value(row["validation"]))


def _resume(
    trainer: PeopleTrainer, out: Path, identity: dict[str, Any], log: Callable[[str], None]
) -> dict[str, Any] | None:
    progress = saved_progress(trainer, out / STATE, identity)
    if progress is not None:
        log(f"going on at pass {progress['pass'] + 1}, step {progress['step'] + 1}")
    return progress


def _means(sums: dict[str, list[float]]) -> dict[str, float]:
    return {name: total / count for name, (total, count) in sorted(sums.items())}


def _means_line(sums: dict[str, list[float]]) -> str:
    return _line(_means(sums))


def _line(values: dict[str, float]) -> str:
    return " ".join(f"{name} {value:.3f}" for name, value in values.items())
