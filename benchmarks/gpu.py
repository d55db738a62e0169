"""What a GPU gives: `python -m benchmarks.gpu`. Warm-up, images a second by batch size, and the server by HTTP.

Prints Markdown for docs/benchmarks.md. The server is loaded in a closed loop twice, with batches and with
VRN_MAX_BATCH_SIZE=1, at clients from few to many; the line to compare is the most photos a second at equal p99.
"""

import sys
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.serving.__main__ import load
from benchmarks.serving.process import ServerUnderTest
from benchmarks.serving.report import Run
from benchmarks.serving.stages import make_photos
from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.engines.cuda import TorchEngine

EXPORT = Path(__file__).resolve().parents[1] / "model" / "weights" / "vrn-mobilenetv2.onnx"
MAX_BATCH_SIZE = 32
CLIENTS = (1, 4, 16, 64, 128)


def engine_alone(device: str, precision: str, seconds: float) -> None:
    """Warm-up of all shapes and sizes, then one shape at each batch size."""
    export = read_export_info(EXPORT)
    engine = TorchEngine(
        export, device=device, precision=precision, max_batch_size=MAX_BATCH_SIZE, max_memory_share=0.8
    )
    began = time.perf_counter()
    engine.load()
    loaded = time.perf_counter()
    engine.warm_up()
    load_s, warm_s, held_mib = loaded - began, time.perf_counter() - loaded, (engine.memory_bytes() or 0) / 2**20
    print(f"\n{precision}: load {load_s:.1f} s, warm-up {warm_s:.1f} s, {held_mib:.0f} MiB\n")
    print("| batch size | photos/s | ms a batch |\n|---|---|---|")
    shape = export.input_shapes[0]
    photo = np.random.default_rng(0).integers(0, 256, (shape.height, shape.width, 3), dtype=np.uint8)
    item = ScoreItem(photo, grid_views(shape.width, shape.height))
    for size in (1, 2, 4, 8, 16, MAX_BATCH_SIZE):
        batch, batches = engine.prepare([item] * size), 0
        began = time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            engine.score(batch)
            batches += 1
        print(f"| {size} | {batches * size / took:.0f} | {took / batches * 1000:.2f} |", flush=True)
    engine.close()


def through_http(device: str, seconds: float) -> None:
    """The server, with batches and without."""
    photos = make_photos(0.8e6)
    for max_batch_size in (MAX_BATCH_SIZE, 1):
        print(f"\nHTTP, 0.8 MP, batches of at most {max_batch_size}:\n\n{Run.header()}")
        server = ServerUnderTest(VRN_DEVICE=device, VRN_MAX_BATCH_SIZE=str(max_batch_size))
        try:
            for clients in CLIENTS:
                run = load(server, photos, f"{clients} clients", seconds, clients=clients)
                print(run.row(), flush=True)
        finally:
            server.stop()


def measure(
    device: Annotated[str, typer.Option(help="`cpu` tries the script without a GPU.")] = "cuda",
    seconds: Annotated[float, typer.Option(help="Of each measurement.")] = 10,
) -> None:
    """Measure the engine alone, then the server by HTTP."""
    for precision in ("f32",) if device == "cpu" else ("f32", "f16"):
        engine_alone(device if device == "cpu" else "cuda:0", precision, seconds)
    through_http(device, seconds)


if __name__ == "__main__":
    sys.exit(run_command(measure, None, "python -m benchmarks.gpu"))
