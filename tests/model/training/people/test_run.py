"""The second stage: resumable after a kill at any moment, deterministic by seed, and it learns what people say."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_checkpoint, load_tensors, read_document
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.training.people.config import LossWeights, PeopleConfig
from vrn_cropper.model.training.people.objective import PeopleTrainer
from vrn_cropper.model.training.people.photos import read_people
from vrn_cropper.model.training.people.run import RunResult, best_of, train_on_people

NETWORK = VrnConfig(hidden_sizes=(16, 8), dropout=0.1, has_regions=True, position_gain=1.0, fixed_ratio_gain=6.0)
CONFIG = PeopleConfig(
    network=NETWORK, passes=2, votes_per_pass=1, batch_size=2, warm_up_steps=2, mixed_precision=False,
    weights=LossWeights(mirror=0.1),
)  # fmt: skip
MEASURED = {"iou": 0.5, "votes": 0.5, "viewing": 0.5}


class KilledError(BaseException):
    """Stands for a kill: nothing in the code under test may catch it."""


def small_shape(width: int, height: int) -> InputShape:
    return InputShape(64, 96) if width > height else InputShape(96, 64)


def run(data: Path, out: Path, config: PeopleConfig = CONFIG, save_every_s: float = 1e9) -> RunResult:
    return train_on_people(
        config, read_people(data)[0], out, initialise=lambda _vrn: None, validate=lambda _vrn: dict(MEASURED),
        device=torch.device("cpu"), choose_shape=small_shape, save_every_s=save_every_s, log=lambda _line: None,
    )  # fmt: skip


def losses_of(out: Path) -> list[dict[str, float]]:
    return [row["losses"] for row in json.loads((out / "metrics.json").read_text())["history"]]


@pytest.fixture(scope="module")
def whole_run(tiny_people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    run(tiny_people, out)
    return out


@pytest.mark.parametrize("killed_at_step", [1, 7])
def test_a_killed_run_ends_as_an_uninterrupted_one(
    tiny_people: Path, whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at_step: int
) -> None:
    steps = 0
    step = PeopleTrainer.train_step

    def killing_step(self: PeopleTrainer, *args: object) -> object:
        nonlocal steps
        if steps == killed_at_step:
            raise KilledError
        steps += 1
        return step(self, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(PeopleTrainer, "train_step", killing_step)
        with pytest.raises(KilledError):
            run(tiny_people, tmp_path, save_every_s=0)
    run(tiny_people, tmp_path)
    for name in ("state.safetensors", "pass-2.safetensors"):
        ours, theirs = load_tensors(tmp_path / name)[0], load_tensors(whole_run / name)[0]
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours), name
    assert (tmp_path / "metrics.json").read_bytes() == (whole_run / "metrics.json").read_bytes()


def test_every_loss_with_a_weight_is_trained_on_and_no_other(
    tiny_people: Path, whole_run: Path, tmp_path: Path
) -> None:
    found = losses_of(whole_run)[-1]
    assert found.keys() == asdict(CONFIG.weights).keys()
    assert all(value > 0 for value in found.values()), found
    run(tiny_people, tmp_path, replace(CONFIG, passes=1, weights=LossWeights(**dict.fromkeys(found, 0.0))))
    untouched, ours = Vrn(NETWORK), load_checkpoint(tmp_path / "pass-1.safetensors")
    torch.manual_seed(CONFIG.seed)
    untouched = Vrn(NETWORK)
    decay = (1 - CONFIG.head_lr * CONFIG.weight_decay) ** 100
    before, after = untouched.state_dict()["reduce.weight"], ours.state_dict()["reduce.weight"]
    torch.testing.assert_close(after, before, rtol=1 - decay, atol=0)


def test_the_seed_decides(tiny_people: Path, whole_run: Path, tmp_path: Path) -> None:
    run(tiny_people, tmp_path / "same")
    run(tiny_people, tmp_path / "other", replace(CONFIG, seed=1))
    same, other, whole = (
        load_tensors(folder / "pass-2.safetensors")[0]["reduce.weight"]
        for folder in (tmp_path / "same", tmp_path / "other", whole_run)
    )
    assert torch.equal(same, whole)
    assert not torch.equal(other, whole)


def test_a_folder_of_another_run_is_refused(tiny_people: Path, whole_run: Path) -> None:
    with pytest.raises(CheckpointError, match="other settings"):
        run(tiny_people, whole_run, replace(CONFIG, head_lr=1.0))


def test_every_pass_is_kept_and_the_best_one_named(whole_run: Path) -> None:
    documents = [read_document(whole_run / f"pass-{number}.safetensors") for number in (1, 2)]
    assert [document["validation"]["pass"] for document in documents] == [1, 2]
    assert read_document(whole_run / "best.safetensors") == documents[0]
    assert load_checkpoint(whole_run / "best.safetensors").idl is None


def test_validation_prefers_the_pass_with_the_best_mean_of_what_people_say() -> None:
    rows = [{"pass": n, "validation": {**MEASURED, "iou": iou}} for n, iou in enumerate((0.5, 0.7, 0.6), 1)]
    assert best_of(rows)["pass"] == 2


def test_training_learns_what_people_say(tiny_people: Path, tmp_path: Path) -> None:
    run(tiny_people, tmp_path, replace(CONFIG, passes=12, head_lr=3e-3, weights=LossWeights()))
    first, *_, last = losses_of(tmp_path)
    assert last["votes"] < 0.9 * first["votes"]
    assert last["human_crops"] < 0.9 * first["human_crops"]
