"""The real server process around an engine that a test holds and watches through files.

`$E2E_DIR/hold`: while it exists the engine does not finish a batch. `$E2E_DIR/scored`: one line a scored photo,
its mean colour. `$E2E_DIR/broken`: while it exists the engine fails on everything. `$E2E_DIR/noisy`: while it exists
the engine writes to standard error past the log. `$E2E_DIR/closed`: the engine was closed. A white photo is poison.
With `E2E_BREAK_LOOP` set, the batch loop dies of its first batch.
"""

import os
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np

from tests.fakes import FakeEngine
from vrn_cropper.service.__main__ import end_process, main
from vrn_cropper.service.composition import build_process

FOLDER = Path(os.environ["E2E_DIR"])


class GatedEngine(FakeEngine):
    def score(self, batch):
        if (FOLDER / "noisy").exists():
            os.write(2, b"from a C library\n" + b"\xff" * 50_000 + b"\nits last line")
            print("printed", file=sys.stderr)
            warnings.warn("a warning of Python", stacklevel=1)
            threading.Thread(target=lambda: 1 / 0, name="careless").start()
        (FOLDER / "running").touch()
        if (FOLDER / "broken").exists():
            raise RuntimeError("CUDA error: device-side assert triggered")
        while (FOLDER / "hold").exists():
            time.sleep(0.002)
        colours = batch.photos[: len(batch.view_counts)].mean((1, 2, 3))
        with (FOLDER / "scored").open("a") as record:
            record.writelines(f"{colour:.0f}\n" for colour in colours)
        if (colours > 254).any():
            raise RuntimeError("poison")
        return [np.array(batch.boxes_normalized[row, :n, 0]) for row, n in enumerate(batch.view_counts)]

    def close(self):
        (FOLDER / "closed").touch()


def build(settings):
    process = build_process(settings, GatedEngine())
    if os.environ.get("E2E_BREAK_LOOP"):

        def break_loop(size, run_s):
            raise RuntimeError("a bug in the batch loop")

        process.metrics.batch_ran = break_loop  # what counts batches must not raise: one that does ends the loop
    return process


if __name__ == "__main__":
    end_process(main(os.environ, build))
