"""The core is built and used without HTTP and metrics, by whoever hands photos in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
WARM_UP = ROOT / "docker" / "warm_cache.py"
PHOTO = ROOT / "tests" / "photos" / "coffee.jpg"
UNWANTED = {"fastapi", "starlette", "uvicorn", "prometheus_client"}
CROP = f"from vrn_cropper.cli.app import build_app; build_app()(['crop', {str(PHOTO)!r}], standalone_mode=False)"


@pytest.mark.parametrize("code", [f"import runpy; runpy.run_path({str(WARM_UP)!r}, run_name='__main__')", CROP])
def test_what_crops_without_a_server_loads_no_web_framework_and_no_metrics(code, tmp_path):
    """Imports inside functions count, so the whole program runs in a fresh interpreter."""
    check = (
        "import sys; print('loaded:', *({'fastapi', 'starlette', 'prometheus_client', 'uvicorn'} & {*sys.modules}))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VRN_")} | {
        "PYTHONPATH": str(ROOT), "VRN_DEVICE": "cpu", "VRN_MODEL_CACHE_DIR": str(tmp_path),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{check}"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["loaded:"]
