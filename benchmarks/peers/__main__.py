"""This service beside its peers: `python -m benchmarks.peers [--quick] [--out benchmarks/RESULTS.md]`.

Makes each peer's environment (kept under .cache/peers), starts all of them, and loads them in turn, round after
round. Ratios of one run compare; absolute figures of two runs do not, as the machine's speed changes.
"""

import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.peers.answers import agreement
from benchmarks.peers.environment import PeerUnavailable, installed_mib, prepare
from benchmarks.peers.measure import Measured, measure_round
from benchmarks.peers.process import PeerProcess
from benchmarks.peers.registry import LEFT_OUT, OURS, PEERS, ROOT
from benchmarks.peers.report import as_json, ratios, table, targets
from benchmarks.serving.report import Target
from benchmarks.serving.stages import make_photos
from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.files import write_atomically
from vrn_cropper.model.network.inference import choose_precision
from vrn_cropper.service.engines.cpu_limit import available_cpus

SIZES = {"0.8 MP": 0.8e6, "3 MP": 3e6, "12 MP": 12e6, "24 MP": 24e6}
# The numbers of clients for each size: few enough that all peers take 13 minutes.
LOADS = {"0.8 MP": (1, 8, 32), "3 MP": (32,), "12 MP": (1, 8, 32), "24 MP": (32,)}
QUICK_LOADS = {"0.8 MP": (1, 32), "12 MP": (1, 32)}
ENVIRONMENTS = ROOT / ".cache" / "peers"


def compare(
    quick: Annotated[
        bool, typer.Option("--quick", help="Two sizes, one round, shorter loads: about 3 minutes.")
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="How often all are loaded in turn.")] = 3,
    seconds: Annotated[float, typer.Option(help="Of each load.")] = 3.0,
    peer: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these, by the start of their names; repeatable.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Markdown file to write; its .json beside it holds every sample.")
    ] = None,
) -> int:
    """Run everything; 1 if a target is missed."""
    clients_of = QUICK_LOADS if quick else LOADS
    sizes = list(clients_of)
    command = "bench-quick" if quick else "bench"
    if quick:
        rounds, seconds = 1, 3.0
    photos = {size: make_photos(SIZES[size]) for size in sizes}
    left_out = dict(LEFT_OUT)
    chosen = [p for p in PEERS if not peer or any(p.name.startswith(name) for name in peer)]
    load_before = os.getloadavg()[0]
    with ExitStack() as stack, tempfile.TemporaryDirectory() as logs:
        running: list[tuple[Measured, PeerProcess]] = []
        for one in (OURS, *chosen):
            try:
                environment = prepare(one, ENVIRONMENTS)
                process = PeerProcess(one, environment, photos[sizes[0]][0], Path(logs) / f"{len(running)}.log")
            except PeerUnavailable as error:
                left_out[one.name] = str(error)
                print(f"left out: {error}", file=sys.stderr, flush=True)
                continue
            stack.callback(process.stop)
            measured = Measured(one, process.ready_s, process.memory_mib(), installed_mib(one, ENVIRONMENTS))
            running.append((measured, process))
        agreed = agreement(running, photos[sizes[0]])
        _measure_idle(running)
        for number in range(rounds):
            for size in sizes:
                print(f"round {number + 1} of {rounds}, {size}", file=sys.stderr, flush=True)
                measure_round(running, size, photos[size], clients_of[size], seconds)
    everyone = [measured for measured, _ in running]
    checked = targets(everyone, sizes, has_bf16=choose_precision("auto") == "bf16")
    loads = f"{rounds} rounds of {seconds:g} s; load before: {load_before:.2f}"
    cpu = f"{available_cpus()} cores, {platform.machine()}; {loads}"
    text = "\n\n".join([
        f"# This service beside its peers\n`make {command}` wrote this ({time.strftime('%Y-%m-%d')}): {cpu}.",
        f"**32 clients**\n\n{table(everyone, sizes, 32)}",
        f"**One client**\n\n{table(everyone, [size for size in sizes if 1 in clients_of[size]], 1)}",
        f"**Ratios of photos a second**\n\n{ratios(everyone, clients_of)}",
        f"**Same answers** (top-5 boxes equal to ours, of {len(photos[sizes[0]])} photos)\n\n{agreed}",
        "\n".join([Target.header(), *(target.row() for target in checked)]),
        "Left out:\n" + "\n".join(f"- {name}: {reason}" for name, reason in left_out.items()),
    ])  # fmt: skip
    print(text)
    if out:
        write_atomically(out, (text + "\n").encode())
        write_atomically(out.with_suffix(".json"), (as_json(everyone) + "\n").encode())
    return 0 if all(target.holds for target in checked) else 1


def _measure_idle(running: list[tuple[Measured, PeerProcess]], seconds: float = 5.0) -> None:
    """What each costs while nobody asks anything."""
    before = [process.cpu_s() for _, process in running]
    time.sleep(seconds)
    for (measured, process), cpu_s in zip(running, before, strict=True):
        measured.idle_cpu_share = (process.cpu_s() - cpu_s) / seconds
        measured.idle_mib = process.memory_mib()


if __name__ == "__main__":
    sys.exit(run_command(compare, None, "python -m benchmarks.peers"))
