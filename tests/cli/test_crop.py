"""`vrn crop` from end to end, with the exported graph."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from vrn_cropper.cli import app as cli_app
from vrn_cropper.cli.app import build_app
from vrn_cropper.service.core.option_table import CROP_OPTIONS, PICTURE_OPTIONS

PHOTOS = Path(__file__).parents[1] / "photos"


@pytest.fixture
def vrn(monkeypatch):
    monkeypatch.setenv("VRN_DEVICE", "cpu")
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(build_app(), [str(argument) for argument in arguments])


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("coffee.jpg", "camera.jpg"):
        shutil.copy(PHOTOS / name, folder)
    return folder


def test_run_writes_crops_overlays_and_lines_names_what_failed_and_can_be_continued(vrn, photos, tmp_path):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    before = {path: path.read_bytes() for path in photos.iterdir()}
    out, lines = tmp_path / "out", tmp_path / "lines.jsonl"
    command = ("crop", photos, tmp_path / "missing.jpg", "-o", out, "--overlay", "--json", lines, "--skip-existing")
    first = vrn(*command, "-r", "1:1")
    assert first.exit_code == 1, first.output
    assert "broken.jpg: " in first.stderr
    assert "missing.jpg: no such file or folder" in first.stderr
    assert "2 cropped, 0 skipped, 2 failed" in first.stderr
    assert sorted(path.name for path in out.iterdir()) == [
        ".vrn-crop.jsonl", "camera-crop.jpg", "camera-overlay.jpg", "coffee-crop.jpg", "coffee-overlay.jpg",
    ]  # fmt: skip
    entries = {Path(entry["path"]).name: entry for entry in map(json.loads, lines.read_text().splitlines())}
    assert list(entries) == ["missing.jpg", "broken.jpg", "camera.jpg", "coffee.jpg"]
    assert entries["broken.jpg"]["error"]["code"] == "broken_photo"
    assert entries["missing.jpg"]["error"]["code"] == "file_error"
    box = entries["coffee.jpg"]["crops"][0]["box"]
    with Image.open(out / "coffee-crop.jpg") as picture:
        assert picture.size == (box["width"], box["height"])
    assert "0 cropped, 2 skipped, 2 failed" in vrn(*command, "-r", "1:1").stderr
    # Other options are other pictures, and what is not there is made again.
    (out / "camera-crop.jpg").unlink()
    assert "1 cropped, 1 skipped" in vrn(*command, "-r", "1:1").stderr
    assert "2 cropped, 0 skipped" in vrn(*command, "-r", "4:5").stderr
    assert {path: path.read_bytes() for path in photos.iterdir()} == before


def test_one_photo_goes_to_the_file_that_is_named_in_its_format(vrn, photos, tmp_path):
    result = vrn(
        "crop", photos / "coffee.jpg", "--out", tmp_path / "new" / "b.png", "-r", "1:1", "--width", "64", "-q"
    )
    assert (result.exit_code, result.output) == (0, "")
    with Image.open(tmp_path / "new" / "b.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (64, 64))


def test_names_follow_the_template_and_gain_decides_what_is_written(vrn, photos, tmp_path):
    out = tmp_path / "out"
    command = ("crop", photos, "--out", out, "-r", "1:1", "-r", "4:5", "--name", "{ratio}/{stem}")
    assert vrn(*command, "--min-gain", "50").stderr.strip().startswith("0 cropped, 2 left as they are, 0 skipped")
    assert [path.name for path in out.iterdir()] == [".vrn-crop.jsonl"]
    assert vrn(*command, "--min-gain", "0").exit_code == 0
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.jpg"))
    assert set(written) <= {f"{ratio}/{stem}.jpg" for ratio in ("1x1", "4x5") for stem in ("camera", "coffee")}


def test_dry_run_says_what_would_be_done_and_does_nothing(vrn, photos, tmp_path):
    out = tmp_path / "out"
    result = vrn("crop", photos, tmp_path / "missing.jpg", "--out", out, "--exclude", "camera.*", "--dry-run")
    assert result.exit_code == 1
    assert result.stdout == f"{photos / 'coffee.jpg'} -> {out / 'coffee-crop.*'}\n"
    assert "missing.jpg: no such file or folder" in result.stderr
    assert not out.exists()


def test_quiet_still_names_what_failed(vrn, photos):
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    result = vrn("crop", photos / "broken.jpg", "missing.jpg", "-q")
    assert result.exit_code == 1
    assert [line.split(":")[0].split("/")[-1] for line in result.stderr.splitlines()] == ["missing.jpg", "broken.jpg"]


def test_nothing_to_start_with_is_2(vrn, tmp_path):
    assert vrn("crop", tmp_path).exit_code == 2


def test_two_photos_of_one_name_the_second_fails_and_nothing_is_written_over(vrn, photos, tmp_path):
    (tmp_path / "other").mkdir()
    shutil.copy(PHOTOS / "camera.jpg", tmp_path / "other" / "coffee.jpg")
    result = vrn("crop", photos / "coffee.jpg", tmp_path / "other" / "coffee.jpg", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "1 cropped, 0 skipped, 1 failed" in result.stderr
    assert "--name" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--overlay",), "--overlay: it has no effect without --out"),
        (("--width", "10"), "--width: it has no effect without --out"),
        (("--format", "png"), "--format: it has no effect"),
        (("--metadata", "drop"), "--metadata: it has no effect"),
        (("--min-gain", "1"), "--min-gain: it has no effect"),
        (("--name", "{stem}"), "--name: it has no effect"),
        (("--skip-existing",), "--skip-existing: it has no effect"),
        (("--upscale", "-o", "out"), "--upscale: it has no effect without --width"),
        (("--quality", "5", "--format", "png", "-o", "out"), "--quality: it has no effect"),
        (("--max-overlap", ".5"), "--max-overlap: it has no effect without --top-k 2"),
        (("-k", "0"), "--top-k"),
        (("-k", "many"), "--top-k"),
        (("-r", "wide"), "--aspect-ratio is 'free' or"),
        (("--keep", "1"), "--keep is x,y,width,height"),
        (("--min-scale", "0"), "--min-scale is a share"),
        (("--faces", "hide"), "--faces is keep or ignore"),
        (("--shard", "5/4"), "such as 3/64"),
        (("--format", "bmp", "-o", "out"), "--format is one of jpeg"),
        (("--out", "b.jpg"), "one file and there are 2 photos"),
        (("--out", "b.jpg", "--format", "png"), "a jpeg file by its name"),
        (("--out", "-", "--json", "-"), "not both"),
        (("--out", "out", "--name", "{photo}"), "none of {stem}"),
        (("--files-from", "missing.txt"), "missing.txt: No such file"),
    ],
)
def test_wrong_option_ends_before_any_work_in_the_words_of_the_command_line(vrn, photos, arguments, says):
    result = vrn("crop", photos, *arguments)
    assert result.exit_code == 2
    told = " ".join(result.stderr.replace("\u2502", " ").split())
    assert says in told
    assert not {"top_k", "aspect_ratio", "max_overlap", "min_scale"} & set(told.split())


def test_help_shows_every_option_with_its_meaning_and_examples(vrn):
    told = " ".join(vrn("crop", "--help").stdout.replace("\u2502", " ").split())
    for option in ("--files-from", "--dry-run", "--exclude", "--shard", "--min-gain", "--name", "--skip-existing"):
        assert option in told
    for name, option in {**CROP_OPTIONS, **PICTURE_OPTIONS}.items():
        assert "--" + name.replace("_", "-") in told
        assert option.meaning.split("`")[0].strip() in told
    assert "vrn crop photo.jpg --out best.jpg" in told
    assert "`" not in told
    assert "top_k" not in told


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
