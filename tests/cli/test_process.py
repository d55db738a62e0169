"""`vrn` as a process of its own: Ctrl-C, completion in the shell, standard input and output."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
PHOTOS = 120  # far more than are cropped before the signal comes


def vrn(*arguments: object, text: bool = True, cwd: Path = ROOT, **more: str) -> subprocess.Popen:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VRN_")}
    return subprocess.Popen(
        [sys.executable, "-m", "vrn_cropper.cli", *map(str, arguments)], cwd=cwd, text=text,
        env={**clean, "PYTHONPATH": str(ROOT), "VRN_DEVICE": "cpu", **more},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_ctrl_c_ends_with_130_leaves_whole_files_and_says_how_to_continue(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(PHOTOS):
        shutil.copy(ROOT / "tests" / "photos" / "coffee.jpg", photos / f"{number:03}.jpg")
    lines = tmp_path / "lines.jsonl"
    process = vrn("crop", photos, "--out", out, "--overlay", "--json", lines)
    until = time.monotonic() + PATIENCE_S
    # Lines are in order: three photos may be done before the first one is.
    while len(list(out.glob("*-crop.jpg"))) < 3 or not lines.read_text():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, said
    assert "to continue, add --skip-existing" in said
    assert "Traceback" not in said
    written = list(out.glob("[!.]*"))
    assert 3 <= len(written) < 2 * PHOTOS
    for path in written:
        assert path.suffix == ".jpg", "a temporary file was left behind"
        with Image.open(path) as picture:
            picture.load()
    assert lines.read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("words", "offered"), [("vrn cr", {"crop"}), ("vrn crop --asp", {"--aspect-ratio"}), ("vrn ex", {"export"})]
)
def test_shell_completes_commands_and_options(words, offered):
    asked = {"_VRN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    answer, said = vrn(**asked).communicate(timeout=PATIENCE_S)
    assert set(answer.split()) == offered, said


def test_photo_goes_from_standard_input_to_standard_output():
    photo = (ROOT / "tests" / "photos" / "coffee.jpg").read_bytes()
    process = vrn("crop", "-", "--out", "-", "--width", "64", "--height", "64", "--format", "png", text=False)
    picture, said = process.communicate(photo, timeout=PATIENCE_S)
    assert process.returncode == 0, said
    assert Image.open(BytesIO(picture)).size == (64, 64)


def test_list_from_standard_input_names_the_photos(tmp_path):
    (tmp_path / "a b").mkdir()
    shutil.copy(ROOT / "tests" / "photos" / "coffee.jpg", tmp_path / "a b" / "c.jpg")
    process = vrn("crop", "--files-from", "-", "--json", "-", "-q", text=False, cwd=tmp_path)
    lines, said = process.communicate(b"a b/c.jpg\0missing.jpg\0", timeout=PATIENCE_S)
    assert process.returncode == 1, said
    assert b"missing.jpg: no such file or folder\n" in said
    entries = [json.loads(line) for line in lines.splitlines()]
    assert [entry["path"] for entry in entries] == ["missing.jpg", "a b/c.jpg"]
    assert entries[1]["crops"]
