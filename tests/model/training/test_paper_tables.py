"""The paper's tables: every row and seed trained to the fixed epoch, measured on test photos."""

import shutil
from pathlib import Path

from vrn_cropper.model.training.paper_tables import main


def test_a_row_is_trained_by_seeds_and_measured_on_test_photos(tiny_gaicd: Path, tmp_path: Path, capsys) -> None:
    data = tmp_path / "data"
    shutil.copytree(tiny_gaicd, data)
    (data / "images" / "test").mkdir()
    for name in ("p00.jpg", "p01.jpg"):
        (data / "images" / "train" / name).rename(data / "images" / "test" / name)
    command = ["--data", str(data), "--backbone", "random", "--epochs", "1", "--seeds", "2", "--out", str(tmp_path)]
    assert main([*command, "--table", "1"]) == 0
    printed = capsys.readouterr().out
    assert "2 test photos, mean of 2 seeds, last of 1 epochs" in printed
    assert printed.count("| FS + RGL |") == 1
    assert {path.name for path in tmp_path.glob("fs-rgl-seed*")} == {"fs-rgl-seed0", "fs-rgl-seed1"}


def test_missing_data_is_one_line(tmp_path: Path, capsys) -> None:
    assert main(["--data", str(tmp_path), "--table", "2"]) == 1
    assert "no photos" in capsys.readouterr().err
