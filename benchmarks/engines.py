"""What the CPU engine costs by library, threads, batch and views: `python -m benchmarks.engines`.

All ways are measured in turn, many short rounds, in CPU seconds, so that their ratios hold on a busy machine too; the
time to load and the memory come from a fresh process each.
"""

import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.network.inference import Graph, open_graph
from vrn_cropper.model.network.reference import reference_input
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.service.core.allocator import give_large_blocks_back
from vrn_cropper.service.settings import read_settings

SHAPE = InputShape(160, 224)
VIEWS = 72  # of free crops: 60 to 90
PATH = read_settings({}).model_path


def inputs(batch: int, views: int) -> tuple[np.ndarray, np.ndarray]:
    """The reference photo `batch` times, and random views."""
    chance = np.random.default_rng(0)
    start = chance.random((batch, views, 2)) * 0.5
    boxes = np.concatenate([start, start + 0.3 + chance.random((batch, views, 2)) * 0.2], axis=-1)
    photo, _ = reference_input(SHAPE)
    return np.repeat(photo[None], batch, axis=0), boxes.astype(np.float32)


def ways() -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured: a call, and how many photos it scores."""
    one, both, bf16 = (
        open_graph(PATH, precision, threads=threads) for precision, threads in (("f32", 1), ("f32", 2), ("bf16", 1))
    )

    def way(graph: Graph, batch: int = 1, views: int = VIEWS) -> tuple[Callable[[], object], int]:
        photos, boxes = inputs(batch, views)
        return lambda: graph(photos, boxes), batch

    return {
        "ONNX Runtime f32, 1 thread": way(one),
        **{f"the same, batch of {batch}": way(one, batch) for batch in (2, 4, 8)},
        "the same, 2 threads": way(both),
        "OpenVINO bf16, 1 thread": way(bf16),
        **{f"ONNX Runtime f32, {views} views": way(one, views=views) for views in (1, 144, 288, 576)},
    }


def load_and_warm(precision: str) -> tuple[float, float]:
    """In a fresh process: CPU seconds to load the graph and score once, and MiB that this took."""
    give_large_blocks_back()
    before, began = _pss_mib(), time.process_time()
    graph = open_graph(PATH, precision, threads=1)
    graph(*inputs(1, VIEWS))
    return time.process_time() - began, _pss_mib() - before


def measure(rounds: Annotated[int, typer.Option(min=1, help="How often all are called in turn.")] = 15) -> None:
    """Print two Markdown tables."""
    give_large_blocks_back()  # as the server does
    measured = ways()
    cpu_ms: dict[str, list[float]] = {name: [] for name in measured}
    for number in range(rounds + 1):
        for name, (call, photos) in measured.items():
            began = time.process_time()
            call()
            if number:  # the first round warms up
                cpu_ms[name].append((time.process_time() - began) / photos * 1000)
    first = next(iter(cpu_ms.values()))
    print("| | CPU ms a photo | of the first |\n|---|---|---|")
    for name, values in cpu_ms.items():
        ratio = statistics.median(value / of for value, of in zip(values, first, strict=True))
        print(f"| {name} | {statistics.median(values):.1f} | {ratio:.2f} |")
    print("\n| | CPU s to load and score once | MiB |\n|---|---|---|")
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name, precision in (("ONNX Runtime f32", "f32"), ("OpenVINO bf16", "bf16")):
            seconds, mib = pool.apply(load_and_warm, [precision])
            print(f"| {name} | {seconds:.2f} | {mib:.0f} |")


def _pss_mib() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


if __name__ == "__main__":
    sys.exit(run_command(measure, sys.argv[1:], "python -m benchmarks.engines"))
