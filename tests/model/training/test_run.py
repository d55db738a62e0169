"""Training: resumable after a kill at any moment, deterministic by seed, and it learns."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.gaicd import read_gaicd
from vrn_cropper.model.data.judgements import read_judgements
from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_checkpoint, load_tensors, read_document
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.training.batches import Augmentation, Batch
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.losses.paper import GainScale, LossConfig
from vrn_cropper.model.training.optimisation import schedule
from vrn_cropper.model.training.run import RunResult, selection_value, train
from vrn_cropper.model.training.step import Trainer

CONFIG = TrainConfig(
    network=VrnConfig(hidden_sizes=(16, 8), dropout=0.1),
    loss=LossConfig(3.0, GainScale.PER_VIEW, correlation_weight=1.0),
    region_weight=1.0,
    augmentation=Augmentation(brightness=0.2, outer_crop=True),
    epochs=2,
    batch_size=2,
    views_per_photo=16,
    warm_up_steps=3,
    mixed_precision=False,
    frozen_blocks=0,
)


class KilledError(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


def small_shape(width: int, height: int) -> InputShape:
    """A shape of the tests' own, so that a step takes milliseconds."""
    return InputShape(64, 96) if width > height else InputShape(96, 64)


def run(data: Path, out: Path, config: TrainConfig = CONFIG, save_every_s: float = 1e9) -> RunResult:
    photos, held_out = split_validation(read_gaicd(data, "train"), seed=0, share=0.25)
    return train(
        config, photos, held_out, out, initialise=lambda _vrn: None, choose_shape=small_shape,
        judgements=read_judgements(data), device=torch.device("cpu"), save_every_s=save_every_s,
        log=lambda _line: None,
    )  # fmt: skip


def assert_same_tensors(left: Path, right: Path) -> None:
    ours, theirs = load_tensors(left)[0], load_tensors(right)[0]
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert torch.equal(ours[name], theirs[name]), name


@pytest.fixture(scope="module")
def whole_run(tiny_gaicd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    run(tiny_gaicd, out)
    return out


@pytest.mark.parametrize("killed_at_step", [1, 3, 6, 7])
def test_a_killed_run_ends_as_an_uninterrupted_one(
    tiny_gaicd: Path, whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at_step: int
) -> None:
    steps = 0
    step = Trainer.train_step

    def killing_step(self: Trainer, *args: torch.Tensor) -> object:
        nonlocal steps
        if steps == killed_at_step:
            raise KilledError
        steps += 1
        return step(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_step", killing_step)
        with pytest.raises(KilledError):
            run(tiny_gaicd, tmp_path, save_every_s=0)
    run(tiny_gaicd, tmp_path)
    assert_same_tensors(tmp_path / "state.safetensors", whole_run / "state.safetensors")
    assert_same_tensors(tmp_path / "best.safetensors", whole_run / "best.safetensors")
    assert (tmp_path / "metrics.json").read_bytes() == (whole_run / "metrics.json").read_bytes()


def test_every_loss_that_has_a_weight_is_trained_on(whole_run: Path) -> None:
    last = json.loads((whole_run / "metrics.json").read_text())["history"][-1]  # after the warm-up of lambda
    losses = {name: last[f"loss_{name}"] for name in ("view_l1", "image_l1", "gain", "correlation", "regions")}
    assert all(value > 0 for value in losses.values()), losses
    weights = {
        "gain": CONFIG.loss.gain_weight,
        "correlation": CONFIG.loss.correlation_weight,
        "regions": CONFIG.region_weight,
    }
    total = sum(weights.get(name, 1.0) * value for name, value in losses.items())
    assert last["loss_total"] == pytest.approx(total, rel=1e-5)


def test_the_seed_decides(tiny_gaicd: Path, whole_run: Path, tmp_path: Path) -> None:
    run(tiny_gaicd, tmp_path / "same")
    assert_same_tensors(tmp_path / "same" / "state.safetensors", whole_run / "state.safetensors")
    run(tiny_gaicd, tmp_path / "other", replace(CONFIG, seed=1))
    ours = load_tensors(tmp_path / "other" / "state.safetensors")[0]
    theirs = load_tensors(whole_run / "state.safetensors")[0]
    assert not torch.equal(ours["objective/vrn.reduce.weight"], theirs["objective/vrn.reduce.weight"])


def test_a_folder_of_another_run_is_refused(tiny_gaicd: Path, whole_run: Path) -> None:
    with pytest.raises(CheckpointError, match="other settings"):
        run(tiny_gaicd, whole_run, replace(CONFIG, head_lr=1.0))


def test_a_finished_run_is_not_repeated(tiny_gaicd: Path, whole_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "train_step", None)
    history = json.loads((whole_run / "metrics.json").read_text())["history"]
    assert run(tiny_gaicd, whole_run).last == history[-1]


def test_the_best_checkpoint_is_the_best_epochs(whole_run: Path) -> None:
    history = json.loads((whole_run / "metrics.json").read_text())["history"]
    document = read_document(whole_run / "best.safetensors")
    assert document["validation"] == max(history, key=selection_value)
    assert document["label_statistics"]["mos_mean"] == pytest.approx(3, abs=1)
    assert load_checkpoint(whole_run / "best.safetensors").idl is not None
    assert (whole_run / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_with_no_photos_held_out_the_last_epoch_is_kept(tiny_gaicd: Path, tmp_path: Path) -> None:
    result = train(
        CONFIG, read_gaicd(tiny_gaicd, "train"), [], tmp_path, initialise=lambda _vrn: None,
        choose_shape=small_shape, judgements=read_judgements(tiny_gaicd), device=torch.device("cpu"),
        log=lambda _line: None,
    )  # fmt: skip
    assert result.best == result.last
    document = read_document(tmp_path / "best.safetensors")
    assert (document["photos"], document["validation"]["epoch"]) == (12, CONFIG.epochs)
    assert document["validation"]["validation"] == {}


@pytest.mark.parametrize("frozen", [False, True])
def test_training_learns_the_rule_of_the_data(tiny_gaicd: Path, tmp_path: Path, frozen: bool) -> None:
    config = replace(
        CONFIG,
        network=VrnConfig(hidden_sizes=(32, 16)),
        loss=LossConfig(gain_weight=0.0),
        augmentation=Augmentation(flip=False),
        epochs=30,
        batch_size=4,
        head_lr=3e-3,
        frozen_backbone=frozen,
    )
    run(tiny_gaicd, tmp_path, config)
    history = json.loads((tmp_path / "metrics.json").read_text())["history"]
    assert history[-1]["loss_view_l1"] < 0.85 * history[0]["loss_view_l1"]


def test_a_frozen_backbone_stays_as_it_was(tiny_gaicd: Path, tmp_path: Path) -> None:
    run(tiny_gaicd, tmp_path, replace(CONFIG, epochs=1, frozen_backbone=True))
    torch.manual_seed(CONFIG.seed)
    before = Vrn(CONFIG.network).state_dict()
    after = load_checkpoint(tmp_path / "best.safetensors").state_dict()
    name = "backbone.features.0.0.weight"
    assert torch.equal(before[name], after[name])
    assert not torch.equal(before["reduce.weight"], after["reduce.weight"])


def test_a_gradient_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    trainer = Trainer(Vrn(CONFIG.network), CONFIG, 10, torch.device("cpu"))
    photos = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    boxes, mos = torch.tensor([[[0.1, 0.1, 0.9, 0.9]]]), torch.tensor([[float("nan")]])
    batch = Batch(photos, boxes, mos, torch.tensor([3.0]), None, np.zeros(1, int), np.zeros(1, bool))
    with pytest.raises(FloatingPointError, match="step 0"):
        trainer.train_step(photos, batch)


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [schedule(step, 100, 10, 0.02) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == 1
    assert all(before >= after for before, after in pairwise(rates[9:]))
    assert rates[-1] == pytest.approx(0.02, abs=0.01)
