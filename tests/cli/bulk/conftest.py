"""Photos for bulk, made on the spot, and one small Ray cluster for all tests that need one."""

import gc
import importlib.util
import logging
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
START_ATTEMPTS = 4
# What pytest does not collect where the extra is missing; the message is in test_extra.py.
if importlib.util.find_spec("ray") is None:
    collect_ignore_glob = ["test_[!e]*.py"]


@pytest.fixture
def photos(tmp_path):
    """A folder of 12 small photos, `p00.jpg` and so on, one of them damaged, and a text."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(12):
        place = folder / ("sub" if number % 3 == 0 else ".") / f"p{number:02}.jpg"
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(place)
    (folder / "p01.jpg").write_bytes(b"\xff\xd8\xff no photo")
    (folder / "notes.txt").write_text("no photo")
    return folder


@pytest.fixture(scope="session")
def cluster():
    """Two CPUs on this machine; workers find the checkout as this process does."""
    import ray

    environment = {"env_vars": {"PYTHONPATH": str(ROOT)}}
    os.environ["RAY_DATA_DISABLE_PROGRESS_BARS"] = "1"
    os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112  Ray spells it so
    for attempt in range(START_ATTEMPTS):
        try:
            ray.init(
                num_cpus=2, include_dashboard=False, log_to_driver=False, object_store_memory=80 * 2**20,
                runtime_env=environment, logging_level=logging.ERROR,
            )  # fmt: skip
            break
        except Exception:  # Ray gives its daemons 30 s, which a busy machine may not have
            ray.shutdown()
            if attempt == START_ATTEMPTS - 1:
                raise
    yield
    ray.shutdown()
    with warnings.catch_warnings():  # it lets go of its daemons without waiting for them
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
