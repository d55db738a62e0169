"""Runs on a Ray cluster of this machine: nothing is lost and nothing is doubled, whoever is killed."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pyarrow.parquet
import pytest
import ray

from vrn_cropper.cli.bulk.chunks import ChunkWork
from vrn_cropper.cli.bulk.run import run_bulk

ROOT = Path(__file__).parents[3]
PATIENCE_S = 240
OPTIONS = {"aspect_ratios": ["free"], "top_k": 1, "max_overlap": None, "min_scale": None, "faces": "keep"}

# Ray's own libraries warn of each other.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("cluster")]


def rows_per_photo(out):
    counts: Counter[str] = Counter()
    for part in (out / "rows").glob("part-*.parquet"):
        counts.update(pyarrow.parquet.read_table(part)["path"].to_pylist())
    return counts


def every_photo_once(photos):
    return Counter(str(path) for path in photos.rglob("*.jpg"))


def until(condition):
    patience = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.05)


def workers():
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "MapWorker" in " ".join(process.cmdline()):
                yield process


def test_all_photos_get_a_row_and_a_second_run_does_nothing(photos, tmp_path):
    work, told = ChunkWork(str(tmp_path / "out"), options=OPTIONS), []
    done = run_bulk(str(photos), work, chunk_size=5, on_progress=told.append)
    assert (done.total, done.skipped, done.cropped, done.failed) == (12, 0, 11, 1)
    assert [progress.cropped + progress.failed for progress in (told[0], told[-1])] == [0, 12]
    assert rows_per_photo(tmp_path / "out") == every_photo_once(photos)
    again = run_bulk(str(photos), work, chunk_size=5)
    assert (again.skipped, again.cropped) == (12, 0)


def test_killed_worker_loses_and_doubles_nothing(photos, tmp_path):
    out, killed = tmp_path / "out", []

    def kill_one(progress):
        if progress.cropped + progress.failed >= 2 and not killed:
            victim = next(workers())
            victim.kill()
            killed.append(victim.pid)

    done = run_bulk(str(photos), ChunkWork(str(out), options=OPTIONS), chunk_size=1, workers=1, on_progress=kill_one)
    assert killed
    assert done.cropped + done.failed == 12
    assert rows_per_photo(out) == every_photo_once(photos)


def test_killed_driver_is_continued_where_it_was(photos, tmp_path):
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "vrn_cropper.cli",
        "bulk",
        str(photos),
        str(out),
        "--chunk-size",
        "1",
        "--workers",
        "1",
    ]
    address = ray.get_runtime_context().gcs_address
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_ADDRESS": address}
    driver = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    reader = threading.Thread(target=driver.wait)
    reader.start()
    try:
        until(lambda: len(rows_per_photo(out)) >= 2 or driver.poll() is not None)
        assert driver.poll() is None, "the run ended before it could be killed"
    finally:
        os.killpg(driver.pid, signal.SIGKILL)
        reader.join()
    until(lambda: not any(workers()))  # docs/bulk.md: wait until the old job is gone
    before = rows_per_photo(out)
    done = run_bulk(str(photos), ChunkWork(str(out), options=OPTIONS), chunk_size=5)
    assert done.skipped == len(before) > 0
    assert rows_per_photo(out) == every_photo_once(photos)
