"""From runs to shipped weights: the mean of their weights, maps fitted alone, scores that are log-odds."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import load_checkpoint, read_document, save_checkpoint
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.training.people.averaging import averaged_network
from vrn_cropper.model.training.people.finish import main
from vrn_cropper.model.training.people.maps import MapSettings, fit_maps
from vrn_cropper.model.training.people.photos import read_people

CONFIG = VrnConfig(hidden_sizes=(16, 8), has_regions=True, free_maps=1, mirror_averaged=True, position_gain=1.0)
CPU = torch.device("cpu")


def save(folder: Path, seed: int, config: VrnConfig = CONFIG) -> Path:
    torch.manual_seed(seed)
    vrn = Vrn(config)
    vrn.idl = None
    path = folder / f"{seed}.safetensors"
    document = {
        "name": "vrn-tiny", "data_version": "0" * 16, "training": {"seed": seed}, "validation": {}, "command": "c"
    }  # fmt: skip
    save_checkpoint(path, vrn, document)
    return path


def test_the_mean_of_two_runs_lies_half_way(tmp_path: Path) -> None:
    paths = [save(tmp_path, seed) for seed in (0, 1)]
    ours = averaged_network(paths, CPU).state_dict()
    first, second = (load_checkpoint(path).state_dict() for path in paths)
    name = "vdl.inside.weight"
    torch.testing.assert_close(ours[name], (first[name] + second[name]) / 2)
    assert torch.equal(averaged_network(paths[:1], CPU).state_dict()[name], first[name])


def test_runs_of_different_settings_have_no_mean(tmp_path: Path) -> None:
    paths = [save(tmp_path, 0), save(tmp_path, 1, replace(CONFIG, position_gain=2.0))]
    with pytest.raises(CheckpointError, match="other settings"):
        averaged_network(paths, CPU)


def test_maps_are_fitted_alone_and_the_same_each_time(tiny_people: Path, tmp_path: Path) -> None:
    photos, path = read_people(tiny_people)[0], save(tmp_path, 0)
    networks = [load_checkpoint(path) for _ in range(2)]
    before = {name: value.clone() for name, value in networks[0].state_dict().items()}
    for network in networks:
        fit_maps(network, photos, CPU, MapSettings(viewed_passes=2, batch_size=4))
    after, again = (network.state_dict() for network in networks)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"regions.{name}" for name in ("hidden.weight", "hidden.bias", "maps.weight", "maps.bias")}
    assert all(torch.equal(after[name], again[name]) for name in after)


def test_the_finished_weights_state_log_odds_and_say_where_they_come_from(tiny_people: Path, tmp_path: Path) -> None:
    runs = [str(save(tmp_path, seed)) for seed in (0, 1)]
    out = tmp_path / "vrn.safetensors"
    assert main([*runs, "--data", str(tiny_people), "--out", str(out), "--fixed-ratio-gain", "5"]) == 0
    document, vrn = read_document(out), load_checkpoint(out)
    assert [run["seed"] for run in document["runs"]] == [0, 1]
    assert vrn.config.fixed_ratio_gain == 5
    assert vrn.config.score_scale == pytest.approx(document["validation"]["log_odds_per_score"])


def test_a_missing_run_is_one_line(tiny_people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "none.safetensors")
    assert main([missing, "--data", str(tiny_people), "--out", str(tmp_path / "x")]) == 1
    assert "there is no checkpoint" in capsys.readouterr().err
