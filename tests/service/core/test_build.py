"""The core is built and used without HTTP and metrics, by whoever hands photos in."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.build import build_core
from vrn_cropper.service.errors import EngineError
from vrn_cropper.service.settings import read_settings

ROOT = Path(__file__).parents[3]
PHOTO = ROOT / "tests" / "photos" / "coffee.jpg"
UNWANTED = {"fastapi", "starlette", "uvicorn", "prometheus_client"}
CROP = f"from vrn_cropper.cli.app import build_app; build_app()(['crop', {str(PHOTO)!r}], standalone_mode=False)"


def test_what_crops_without_a_server_loads_no_web_framework_and_no_metrics(tmp_path):
    """Imports inside functions count, so the whole program runs in a fresh interpreter."""
    check = (
        "import sys; print('loaded:', *({'fastapi', 'starlette', 'prometheus_client', 'uvicorn'} & {*sys.modules}))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VRN_")} | {
        "PYTHONPATH": str(ROOT), "VRN_DEVICE": "cpu",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", f"{CROP}\n{check}"], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == ["loaded:"]


@pytest.fixture
def core_around(export_path):
    """`core_around(engine)`: a core with the tests' tiny export."""
    return lambda engine: build_core(read_settings({"VRN_MODEL_PATH": str(export_path)}), engine=engine)


async def test_running_core_crops_and_closes_its_engine_whatever_ends_the_block(
    core_around, fake_engine, photo_bytes
):
    engine = fake_engine()
    core = core_around(engine)

    async def crop_and_fail():
        async with core.running() as batch_loop, core.accepted.accept() as permit:
            result = await core.crops.crop(photo_bytes(60, 40, "PNG"), CropOptions(), permit)
            assert result.ranked.crops
            assert not batch_loop.done()
            raise ValueError("the caller's own")

    with pytest.raises(ValueError, match="the caller's own"):
        await crop_and_fail()
    assert engine.calls == ["load", "warm_up", "score", "close"]
    assert not core.batcher.is_alive


async def test_engine_that_cannot_be_loaded_is_closed_and_its_error_told(core_around, fake_engine):
    engine = fake_engine(load_error=CheckpointError("no such graph"))
    with pytest.raises(CheckpointError, match="no such graph"):
        async with core_around(engine).running():
            pytest.fail("the block ran without an engine")
    assert engine.calls == ["load", "close"]


async def test_photo_that_waits_when_the_block_ends_gets_an_error(core_around, fake_engine, photo_bytes):
    core = core_around(fake_engine())
    async with core.accepted.accept() as permit, core.running():
        waiting = asyncio.create_task(core.crops.crop(photo_bytes(60, 40, "PNG"), CropOptions(), permit))
        while not core.batcher.depth:
            await asyncio.sleep(0)
    with pytest.raises(EngineError):
        await waiting
