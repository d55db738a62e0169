"""`vrn crop` from end to end, with the exported graph."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from vrn_cropper.cli import app as cli_app
from vrn_cropper.cli.app import build_app

PHOTOS = Path(__file__).parents[1] / "photos"


@pytest.fixture
def vrn(monkeypatch):
    monkeypatch.setenv("VRN_DEVICE", "cpu")
    return lambda *arguments: CliRunner().invoke(build_app(), [str(argument) for argument in arguments])


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("coffee.jpg", "camera.jpg"):
        shutil.copy(PHOTOS / name, folder)
    return folder


def test_run_writes_crops_overlays_and_lines_names_what_failed_and_can_be_gone_on_with(vrn, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    before = {path: path.read_bytes() for path in photos.iterdir()}
    out, lines = tmp_path / "out", tmp_path / "lines.jsonl"
    command = ("crop", photos, "-o", out, "--overlay", "-r", "1:1", "--json", lines, "--skip-existing")
    first = vrn(*command)
    assert first.exit_code == 1, first.output
    assert "broken.jpg" in first.stderr
    assert "2 cropped, 0 skipped, 1 failed" in first.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        "camera-crop.jpg", "camera-overlay.jpg", "coffee-crop.jpg", "coffee-overlay.jpg",
    ]  # fmt: skip
    entries = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [Path(entry["path"]).name for entry in entries] == ["broken.jpg", "camera.jpg", "coffee.jpg"]
    assert entries[0]["error"]["code"] == "broken_photo"
    box = entries[2]["crops"][0]["box"]
    with Image.open(out / "coffee-crop.jpg") as picture:
        assert picture.size == (box["width"], box["height"])
    assert "1 failed" in vrn(*command).stderr
    assert "0 cropped, 2 skipped" in vrn(*command).stderr
    assert {path: path.read_bytes() for path in photos.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--overlay",), "--out"), (("-k", "0"), "top_k"), (("-r", "wide"), "aspect_ratio"), (("--keep", "1"), "keep")],
)
def test_wrong_option_ends_before_any_work(vrn, photos, arguments, says):
    result = vrn("crop", photos, *arguments)
    assert result.exit_code == 2
    assert says in result.stderr


def test_front_without_its_extra_names_it(vrn, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name="torch")

    monkeypatch.setattr(cli_app.importlib, "import_module", missing)
    result = vrn("train", "--data", "somewhere")
    assert result.exit_code == 2
    assert "vrn-cropper[torch]" in result.stderr


def test_bound_of_one_photo_crops_every_photo(vrn, monkeypatch):
    """A caller in the same process waits for room; only the HTTP side refuses."""
    monkeypatch.setenv("VRN_MAX_QUEUE_SIZE", "1")
    result = vrn("crop", PHOTOS)
    assert result.exit_code == 0, result.stderr
    count = len([path for path in PHOTOS.iterdir() if path.suffix in (".jpg", ".png")])
    assert f"{count} cropped, 0 skipped, 0 failed" in result.stderr
