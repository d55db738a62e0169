"""A user's script is checked by mypy and pyright as strictly as they can, and both know what everything is."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
from pathlib import Path

import numpy as np
from PIL import Image

import vrn_cropper
from vrn_cropper import Cropper, CropOptionError, PhotoError, RankedCrops

version: str = vrn_cropper.__version__
cropper = Cropper.load(device="cpu", threads=2)
reveal_type(cropper)
ranked = cropper.crop("photo.jpg", top_k=3, aspect_ratios="16:9")
reveal_type(ranked)
reveal_type(ranked.crops[0].box_xyxy)
reveal_type(ranked.crops[0].preferred_to_whole)
reveal_type(ranked.to_dict())
reveal_type(ranked.cut("photo.jpg"))
reveal_type(cropper.score(Path("photo.jpg"), [(0, 0, 10, 10)], aspect_ratio="1:1"))
reveal_type(cropper.score(b"", np.zeros((1, 4))).scores)
cropper.crop(b"bytes", aspect_ratios=["free", 1.5], keep=[(0.1, 0.1, 0.2, 0.2)])
cropper.crop(bytearray(b"bytes"), aspect_ratios=1.5, keep=(0.1, 0.1, 0.2, 0.2))
cropper.crop(np.zeros((8, 8, 3)), top_k=np.int64(3))
cropper.crop(Image.new("RGB", (8, 8)))
with open("photo.jpg", "rb") as file:
    cropper.crop(file)
for result in cropper.crop_many(Path("photos").glob("*.jpg")):
    if isinstance(result, RankedCrops):
        reveal_type(result.gain)
    elif isinstance(result, PhotoError):
        print(result)
reveal_type(CropOptionError)
"""
# What both checkers say, in order; they differ in how they write a module and a class.
REVEALED = [
    "Cropper", "RankedCrops", "tuple[int, int, int, int]", "float", "dict[str, Any]", "list[Image]",
    "ScoredBoxes", "ndarray", "float", "type[CropOptionError]",
]  # fmt: skip


def bare(revealed: str) -> str:
    """A type without modules: `vrn_cropper.model.cropper.Cropper` and `Cropper` are one."""
    return re.sub(r"[\w.]+\.(\w+)", r"\1", revealed)


def check(tmp_path, *command: str) -> list[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [bare(found) for found in re.findall(r'(?:Revealed type is|Type of ".*" is) "(.*)"', done.stdout)]


def told(found: list[str]) -> bool:
    return len(found) == len(REVEALED) and all(
        actual == wanted or actual.startswith((wanted + "[", "def (", wanted))
        for actual, wanted in zip(found, REVEALED, strict=True)
    )


def test_mypy_knows_what_a_users_script_gets(tmp_path):
    found = check(tmp_path, sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent")
    assert told(found), found


def test_pyright_knows_what_a_users_script_gets(tmp_path):
    pytest.importorskip("pyright", reason="needs pyright: pip install -e '.[dev]'")
    (tmp_path / "pyrightconfig.json").write_text(
        f'{{"extraPaths": ["{ROOT}"], "typeCheckingMode": "strict", "pythonPlatform": "Linux"}}'
    )
    found = check(tmp_path, sys.executable, "-m", "pyright", "--pythonpath", sys.executable)
    assert told(found), found
