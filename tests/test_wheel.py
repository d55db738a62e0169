"""The wheel holds what serving on a CPU needs, the trained model and the web page, under one import name."""

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
    for name in ("cli", "model", "service", "vrn_cropper"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, symlinks=True, ignore=ignored)
    build = [sys.executable, "-m", "pip", "wheel", "--verbose", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*build, "--wheel-dir", "out", "."], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Warning" not in done.stdout
    (wheel,) = (tmp_path / "out").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"vrn_cropper/{path.relative_to(ROOT).as_posix()}"
        for pattern in ("model/weights/*.onnx", "model/weights/*.json", "service/static/**/*", "**/*.py")
        for folder in ("cli", "model", "service")
        if pattern.startswith(folder) or pattern == "**/*.py"
        for path in (ROOT.glob(pattern) if pattern.startswith(folder) else (ROOT / folder).rglob("*.py"))
        if path.is_file()
    }
    assert any(name.endswith(".onnx") for name in wanted)
    assert wanted <= names
    # The torch weights are read by the CUDA engine and by training alone, and they are half of the file.
    assert not any(name.endswith(".safetensors") for name in names)
    top_level = {name.split("/")[0] for name in names if not name.startswith("vrn_cropper-")}
    assert top_level == {"vrn_cropper"}
