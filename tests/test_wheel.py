"""The wheel holds what serving needs: the trained model and the web page."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="needs setuptools: pip install setuptools")
def test_wheel_holds_the_model_and_the_page_and_is_built_without_a_warning(tmp_path):
    # In a copy: a build leaves folders beside what it builds.
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("cli", "model", "service"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*build, "--wheel-dir", "out", "."], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Warning" not in done.stdout
    (wheel,) = (tmp_path / "out").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        path.relative_to(ROOT).as_posix()
        for folder in (ROOT / "model" / "weights", ROOT / "service" / "static")
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".gitignore"
    }
    assert any(name.endswith(".onnx") for name in wanted)
    assert wanted <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
