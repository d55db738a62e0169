"""The evaluation command: right numbers in the table, either layout, and errors as one line."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vrn_cropper.model.errors import DataError
from vrn_cropper.model.evaluation.__main__ import main
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.evaluation.report import DataFolders, Evaluation, find_data
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.views.candidates import grid_views

PHOTOS = Path(__file__).parent.parent.parent / "photos"


class LeftmostScorer:
    def score(self, photo, boxes_normalized):
        return -boxes_normalized[:, 0]


@pytest.fixture
def rated_data(tmp_path):
    """A data set in the GAICD layout with random ratings: three photos to train on, two to test on."""
    random = np.random.default_rng(0)
    (tmp_path / "annotations").mkdir()
    for split, names in {"train": ["coffee", "rocket", "camera"], "test": ["chelsea", "astronaut"]}.items():
        folder = tmp_path / "images" / split
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(PHOTOS / f"{name}.jpg", folder)
            with Image.open(PHOTOS / f"{name}.jpg") as photo:
                boxes = np.rint(grid_views(*photo.size) * (photo.size * 2)).astype(int)
            lines = [f"{y1} {x1} {y2} {x2} {random.uniform(1, 5):.2f}" for x1, y1, x2, y2 in boxes]
            (tmp_path / "annotations" / f"{name}.txt").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def crops_data(tmp_path):
    """Two photos with two human crops each."""
    root = tmp_path / "flms"
    folder = root / "images"
    folder.mkdir(parents=True)
    entries = {}
    for name, size in {"coffee.jpg": [600, 400], "astronaut.jpg": [512, 512]}.items():
        shutil.copy(PHOTOS / name, folder)
        entries[name] = {"size": size, "boxes_xyxy": [[0, 0, *size], [20, 10, 400, 300]]}
    (root / "annotations.json").write_text(json.dumps(entries))
    return root


def no_croppers(prior):
    return []


def test_the_report_measures_all_that_a_folder_has_people_first(rated_data, crops_data):
    leftmost = Method("leftmost", LeftmostScorer())
    judgement = {"subj": [[5, 5, 7, 7, 3]], "bad": []}
    lines = [json.dumps({"id": name, **judgement}) + "\n" for name in ("chelsea", "astronaut")]
    (rated_data / "judgements.jsonl").write_text("".join(lines))
    report = list(Evaluation([leftmost], no_croppers).report(DataFolders(rated=rated_data, human_crops=crops_data)))
    titles = [part.splitlines()[0] for part in report]
    assert [title.split(":")[0].split(",")[0] for title in titles] == [
        "## Crops that people drew", "## Main subjects cut", "## Stability", "## Rated views",
    ]  # fmt: skip
    assert "2 photos, 173 rated views" in report[-1]
    names = [line.split("|")[1].strip() for line in report[-1].splitlines() if line.startswith("|")]
    assert names[2:] == ["leftmost", "random ranking", "widest crop", "centre crop", "geometry-only prior"]


def test_validation_photos_are_a_part_of_the_training_photos(rated_data):
    (text,) = Evaluation([], no_croppers, "validation").report(DataFolders(rated=rated_data))
    assert "1 photos" in text


@pytest.mark.parametrize(
    ("layout", "kind"),
    [
        ("images/test/x", "rated"),
        ("crops/images/test/x", "rated"),
        ("annotations.json", "human_crops"),
        ("flms20/annotations.json", "human_crops"),
        ("fcdb/test/pairs.json", "voted"),
        ("pairs.json", "voted"),
    ],
)
def test_a_layout_is_found_in_the_folder_or_one_below(tmp_path, layout, kind):
    path = tmp_path / layout
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    data = find_data(tmp_path)
    assert [name for name in ("rated", "human_crops", "voted") if getattr(data, name)] == [kind]


def test_where_was_looked_is_said(tmp_path):
    with pytest.raises(DataError, match=r"looked for images/test .*annotations\.json .*pairs\.json"):
        find_data(tmp_path)


def test_the_command_prints_and_writes_the_table_of_a_checkpoint(rated_data, tmp_path, capsys):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "vrn.safetensors", Vrn(VrnConfig(hidden_sizes=(8, 4))), {})
    (rated_data / "images" / "test" / "astronaut.jpg").unlink()  # one photo shows it
    out = tmp_path / "deep" / "table.md"
    arguments = ["--data", str(rated_data), "--checkpoint", str(tmp_path / "vrn.safetensors"), "--mirror"]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert out.read_text().split() == printed.split()
    assert "| VRN |" in printed
    assert "| VRN, mean with the mirrored photo |" in printed


def test_a_missing_checkpoint_is_one_line_and_status_1(rated_data, tmp_path, capsys):
    assert main(["--data", str(rated_data), "--checkpoint", str(tmp_path / "none.safetensors")]) == 1
    assert re.fullmatch(r"error: there is no checkpoint at .*none\.safetensors\n", capsys.readouterr().err)


def test_bad_data_is_one_line_and_status_1(rated_data, capsys):
    (rated_data / "annotations" / "chelsea.txt").write_text("1 2 3\n")
    assert main(["--data", str(rated_data), "--baselines-only"]) == 1
    assert "chelsea.txt:1: expected" in capsys.readouterr().err
