"""`vrn` as a process of its own: Ctrl-C, and completion in the shell."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
PHOTOS = 200  # far more than are cropped before the signal comes


def vrn(*arguments: object, **more: str) -> subprocess.Popen:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("VRN_")}
    return subprocess.Popen(
        [sys.executable, "-m", "vrn_cropper.cli", *map(str, arguments)], cwd=ROOT, text=True,
        env={**clean, "VRN_DEVICE": "cpu", **more}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_ctrl_c_ends_with_130_leaves_whole_files_and_says_how_to_go_on(tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(PHOTOS):
        shutil.copy(ROOT / "tests" / "photos" / "coffee.jpg", photos / f"{number:03}.jpg")
    process = vrn("crop", photos, "--out", out, "--overlay", "--json", tmp_path / "lines.jsonl")
    until = time.monotonic() + PATIENCE_S
    while len(list(out.glob("*-crop.jpg"))) < 3:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, said
    assert "to continue, add --skip-existing" in said
    assert "Traceback" not in said
    written = [path for path in out.iterdir()]
    assert 3 <= len(written) < 2 * PHOTOS
    for path in written:
        assert path.suffix == ".jpg", "a temporary file was left behind"
        with Image.open(path) as picture:
            picture.load()
    assert (tmp_path / "lines.jsonl").read_text().endswith("}\n")


@pytest.mark.parametrize(
    ("words", "offered"), [("vrn cr", {"crop"}), ("vrn crop --asp", {"--aspect-ratio"}), ("vrn ex", {"export"})]
)
def test_shell_completes_commands_and_options(words, offered):
    asked = {"_VRN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    answer, said = vrn(**asked).communicate(timeout=PATIENCE_S)
    assert set(answer.split()) == offered, said
