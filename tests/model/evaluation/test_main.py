"""The evaluation command: right numbers in the table, either layout, and errors as one line."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vrn_cropper.model.data.gaicd import read_gaicd
from vrn_cropper.model.data.human_crops import read_human_crops
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.evaluation.__main__ import (
    CROPS_COLUMNS,
    RATED_COLUMNS,
    Row,
    best_on_grid,
    evaluate,
    evaluate_crops,
    evaluate_rated,
    main,
    markdown_table,
)
from vrn_cropper.model.evaluation.baselines import Method
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.views.boxes import round_to_pixels
from vrn_cropper.model.views.candidates import grid_views

PHOTOS = Path(__file__).parent.parent.parent / "photos"


class OracleScorer:
    """Knows the ratings of photos by their files."""

    def __init__(self, photos):
        self.mos = {photo.path: photo.mos for photo in photos}

    def score(self, photo, boxes_normalized):
        return self.mos[photo]


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
                boxes = round_to_pixels(grid_views(*photo.size), *photo.size)
            lines = [f"{y1} {x1} {y2} {x2} {random.uniform(1, 5):.2f}" for x1, y1, x2, y2 in boxes]
            (tmp_path / "annotations" / f"{name}.txt").write_text("\n".join(lines))
    return tmp_path


@pytest.fixture
def crops_data(tmp_path):
    """Two photos with two human crops each."""
    folder = tmp_path / "images"
    folder.mkdir()
    entries = {}
    for name, size in {"coffee.jpg": [600, 400], "astronaut.jpg": [512, 512]}.items():
        shutil.copy(PHOTOS / name, folder)
        entries[name] = {"size": size, "boxes_xyxy": [[0, 0, *size], [20, 10, 400, 300]]}
    (tmp_path / "annotations.json").write_text(json.dumps(entries))
    return tmp_path


def no_croppers(prior):
    return []


def cells(report, name):
    (line,) = [line for line in report.splitlines() if line.startswith(f"| {name} |")]
    return [float(cell.split()[0]) for cell in line.split("|")[2:-1] if cell.strip()]


def test_an_oracle_reaches_the_top_of_every_measure(rated_data):
    photos = read_gaicd(rated_data, "test")
    row = evaluate_rated(Method("oracle", OracleScorer(photos)), photos)
    np.testing.assert_allclose(row.values, 1)


def test_the_table_of_rated_photos_names_the_network_first_and_every_baseline(rated_data):
    oracle = Method("oracle", OracleScorer(read_gaicd(rated_data, "test")))
    report = evaluate(rated_data, [oracle], no_croppers)
    assert "2 photos, 173 rated views" in report
    table = [line for line in report.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip() for line in table[2:]] == [
        "oracle",
        "random ranking",
        "widest crop",
        "centre crop",
        "geometry-only prior",
    ]
    assert cells(report, "oracle") == [100.0] * 6 + [1.0, 1.0]
    # The last cell is the mean paired difference in SRCC to the first row.
    widest = cells(report, "widest crop")
    assert widest[8] == pytest.approx(1 - widest[6], abs=0.0011)


def test_a_croppers_own_box_is_measured_and_a_scorers_best_view(crops_data):
    report = evaluate(crops_data, [Method("leftmost", LeftmostScorer())], no_croppers)
    assert "2 photos, 4 human crops" in report
    assert cells(report, "whole frame")[:2] == [1.0, 0.0]
    photos = read_human_crops(crops_data)
    row = evaluate_crops(Method("leftmost", LeftmostScorer()), photos)
    assert cells(report, "leftmost")[0] == pytest.approx(row.values[:, 0].mean(), abs=0.0006)
    best = best_on_grid(photos)
    assert (best.values[:, 0] >= row.values[:, 0]).all()
    assert (best.values[:, 1] <= row.values[:, 1]).all()


def test_a_cell_holds_mean_and_interval_in_the_columns_unit():
    values = np.tile(np.array([[0.0], [1.0]]), (50, 8))
    (cell,) = re.findall(r"\| a \| ([^|]*) \|", markdown_table([Row("a", values)], RATED_COLUMNS, None))
    mean, low, high = map(float, re.fullmatch(r"(\S+) \((\S+) to (\S+)\)", cell).groups())
    assert mean == 50
    assert low == pytest.approx(40, abs=2)
    assert high == pytest.approx(60, abs=2)


def test_the_paired_difference_is_sharper_than_the_two_intervals():
    level = np.random.default_rng(0).random((100, 1))
    rows = [Row("a", np.tile(level, 2)), Row("b", np.tile(level - 0.02, 2))]
    assert "| 0.020 (0.020 to 0.020) |" in markdown_table(rows, CROPS_COLUMNS, compared=0)


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match="neither images/test"):
        evaluate(tmp_path, [], no_croppers)


def test_the_command_prints_and_writes_the_table_of_a_checkpoint(rated_data, tmp_path, capsys):
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "vrn.safetensors", Vrn(VrnConfig()), {})
    out = tmp_path / "deep" / "table.md"
    arguments = ["--data", str(rated_data), "--checkpoint", str(tmp_path / "vrn.safetensors"), "--mirror"]
    assert main([*arguments, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert out.read_text() == printed
    assert "| VRN |" in printed
    assert "| VRN, mean with the mirrored photo |" in printed


def test_a_missing_checkpoint_is_one_line_and_status_1(rated_data, tmp_path, capsys):
    assert main(["--data", str(rated_data), "--checkpoint", str(tmp_path / "none.safetensors")]) == 1
    assert re.fullmatch(r"error: there is no checkpoint at .*none\.safetensors\n", capsys.readouterr().err)


def test_bad_data_is_one_line_and_status_1(rated_data, capsys):
    (rated_data / "annotations" / "chelsea.txt").write_text("1 2 3\n")
    assert main(["--data", str(rated_data), "--baselines-only"]) == 1
    assert "chelsea.txt:1: expected" in capsys.readouterr().err
