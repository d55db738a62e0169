"""The training command: what it refuses before the first step, and several processes."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest
import torch

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network import backbone
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.training.__main__ import checkpoint_initialiser, config_of, main, parse, parser
from vrn_cropper.model.training.config import TrainConfig
from vrn_cropper.model.training.losses.paper import GainScale
from vrn_cropper.model.training.run import RunResult

ROOT = Path(__file__).parents[3]


def refused(data: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    options = ("--backbone", "random", "--epochs", "1", "--region-weight", "1")
    assert main(["--data", str(data), "--out", str(out), *options]) == 1
    assert not out.exists(), "nothing is written before the data is known to be good"
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("missing annotation", "p03.txt"),
        ("broken photo", "p03.jpg"),
        ("malformed line", "p03.txt:2"),
        ("box outside", "p03.txt:1"),
        ("all unrated", "p03.txt"),
        ("malformed judgement", "judgements.jsonl:4"),
        ("missing judgement", "none of the photo 'p04'"),
    ],
)
def test_bad_data_is_named_before_training_starts(
    tiny_gaicd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str, message: str
) -> None:
    shutil.copytree(tiny_gaicd, tmp_path / "data")
    annotation = tmp_path / "data" / "annotations" / "p03.txt"
    lines = annotation.read_text().splitlines()
    if fault == "missing annotation":
        annotation.unlink()
    elif fault == "broken photo":
        photo = tmp_path / "data" / "images" / "train" / "p03.jpg"
        photo.write_bytes(photo.read_bytes()[:300])
    elif fault == "malformed line":
        annotation.write_text("\n".join([lines[0], "1 2 three 4 5", *lines[2:]]))
    elif fault.endswith("judgement"):
        judgements = tmp_path / "data" / "judgements.jsonl"
        judged = judgements.read_text().splitlines()
        judged[3:] = ["{"] if fault.startswith("malformed") else []
        judgements.write_text("\n".join(judged))
    elif fault == "box outside":
        annotation.write_text("\n".join(["0 0 80 900 3.0", *lines[1:]]))
    else:
        annotation.write_text("\n".join(line.rsplit(" ", 1)[0] + " -2" for line in lines))
    assert message in refused(tmp_path / "data", tmp_path / "out", capsys)


def test_data_without_judgements_trains_without_region_maps(
    tiny_gaicd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tiny_gaicd, tmp_path / "data")
    (tmp_path / "data" / "judgements.jsonl").unlink()
    asked: list[TrainConfig] = []

    def train(config: TrainConfig, *_args: object, **_options: object) -> RunResult:
        asked.append(config)
        return RunResult({"epoch": 1}, {"epoch": 1})

    monkeypatch.setattr("vrn_cropper.model.training.__main__.train", train)
    for data in (tiny_gaicd, tmp_path / "data"):
        assert main(["--data", str(data), "--backbone", "random", "--region-weight", "0.5"]) == 0
    assert [config.region_weight for config in asked] == [0.5, 0.0]
    assert "without region maps" in capsys.readouterr().out


def test_a_folder_without_the_layout_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert str(tmp_path / "nothing") in refused(tmp_path / "nothing", tmp_path / "out", capsys)


def test_a_missing_weights_file_is_named(
    tiny_gaicd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--data",
        str(tiny_gaicd),
        "--out",
        str(tmp_path / "out"),
        "--backbone",
        str(tmp_path / "no.safetensors"),
    ]
    assert main(arguments) == 1
    assert "no.safetensors" in capsys.readouterr().err


def test_the_command_without_options_has_the_default_config() -> None:
    command = ["--data", "x", "--backbone", "random"]  # torchvision's weights bring their own mean and deviation
    assert config_of(parse(command), torch.device("cpu")) == TrainConfig()


@pytest.mark.parametrize(
    ("options", "on_cpu", "on_cuda"),
    [([], False, True), (["--mixed-precision"], True, True), (["--no-mixed-precision"], False, False)],
)
def test_mixed_precision_is_for_cuda_unless_asked_for(options: list[str], on_cpu: bool, on_cuda: bool) -> None:
    args = parser().parse_args(["--data", "x", *options])
    assert config_of(args, torch.device("cpu")).mixed_precision is on_cpu
    assert config_of(args, torch.device("cuda")).mixed_precision is on_cuda


def test_options_reach_the_config() -> None:
    arguments = [
        "--data",
        "x",
        "--gain-scale",
        "ideal",
        "--hidden-sizes",
        "64",
        "32",
        "--no-flip",
        "--frozen-backbone",
    ]
    config = config_of(parser().parse_args(arguments), torch.device("cpu"))
    assert config.loss.gain_scale is GainScale.IDEAL
    assert config.network.hidden_sizes == (64, 32)
    assert not config.augmentation.flip
    assert not config.augmentation.outer_crop, "cached maps know no augmentation but the flip"


def test_the_paper_s_recipe_is_the_paper_s_and_other_options_change_it() -> None:
    config = config_of(parse(["--data", "x", "--recipe", "paper"]), torch.device("cpu"))
    assert (config.epochs, config.batch_size, config.views_per_photo) == (60, 1, 64)
    assert config.backbone_lr == config.head_lr == 1e-4
    assert (config.loss.gain_weight, config.loss.gain_scale) == (3.0, GainScale.PAPER)
    assert (config.warm_up_steps, config.max_gradient_norm, config.weight_decay, config.ema_decay) == (0, 0, 0, 0)
    assert config.final_lr_share == 1
    assert not config.augmentation.outer_crop
    assert config.region_weight == config.loss.correlation_weight == 0
    assert config.network.pixel_mean == (0.485, 0.456, 0.406), "torchvision's weights come with their own"
    changed = config_of(
        parse(["--data", "x", "--recipe", "paper", "--epochs", "2", "--backbone", "random"]), torch.device("cpu")
    )
    assert (changed.epochs, changed.batch_size, changed.network.pixel_mean) == (2, 1, 0.5)


def test_validation_photos_of_the_data_set_are_used(tiny_gaicd: Path, tmp_path: Path, capsys) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny_gaicd, data)
    (data / "images" / "val").mkdir()
    for name in ("p00.jpg", "p01.jpg"):
        (data / "images" / "train" / name).rename(data / "images" / "val" / name)
    small = ["--backbone", "random", "--epochs", "1", "--hidden-sizes", "8", "4"]
    assert main(["--data", str(data), "--out", str(tmp_path / "run"), *small]) == 0
    assert "10 photos to train on, 2 to validate on" in capsys.readouterr().out


def test_weights_out_of_reach_are_one_line(tiny_gaicd: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    build = backbone.mobilenet_v2

    def offline(weights: object) -> object:
        if weights is not None:
            raise URLError("no network")
        return build(weights=None)

    monkeypatch.setattr(backbone, "mobilenet_v2", offline)
    assert main(["--data", str(tiny_gaicd), "--out", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert re.fullmatch(r"error: cannot download torchvision's .*no network.*--backbone FILE\)\n", said)


def test_a_second_phase_starts_from_the_first_ones_weights(tmp_path: Path) -> None:
    torch.manual_seed(3)
    first, second = Vrn(VrnConfig(hidden_sizes=(8, 4))), Vrn(VrnConfig(hidden_sizes=(8, 4)))
    save_checkpoint(tmp_path / "first.safetensors", first, {}, with_idl=True)
    checkpoint_initialiser(tmp_path / "first.safetensors")(second)
    assert all(torch.equal(second.state_dict()[name], tensor) for name, tensor in first.state_dict().items())
    with pytest.raises(CheckpointError, match="another network"):
        checkpoint_initialiser(tmp_path / "first.safetensors")(Vrn(VrnConfig(hidden_sizes=(8, 8))))


def test_two_processes_train_one_model(tiny_gaicd: Path, tmp_path: Path) -> None:
    """torchrun with gloo on a CPU; on GPUs the same code runs with nccl."""
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
        "-m", "vrn_cropper.model.training",
        "--data", str(tiny_gaicd), "--out", str(tmp_path), "--backbone", "random", "--epochs", "1",
        "--hidden-sizes", "8", "4", "--batch-size", "4",
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    document = json.loads((tmp_path / "metrics.json").read_text())
    assert document["world"] == 2
    assert len(document["history"]) == 1
    assert (tmp_path / "best.safetensors").exists()
