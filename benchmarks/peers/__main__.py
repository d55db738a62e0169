"""This service beside its peers: `python -m benchmarks.peers [--quick] [--out benchmarks/RESULTS.md]`.

Makes each peer's environment (kept under .cache/peers), starts all of them, and loads them in turn, round after
round. Ratios of one run compare; absolute figures of two runs do not, as the machine's speed changes.
"""

import argparse
import os
import platform
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.peers.answers import agreement
from benchmarks.peers.environment import PeerUnavailable, installed_mib, prepare
from benchmarks.peers.measure import Measured, measure_round
from benchmarks.peers.process import PeerProcess
from benchmarks.peers.registry import LEFT_OUT, OURS, PEERS, ROOT
from benchmarks.peers.report import as_json, ratios, table, targets
from benchmarks.serving.report import Target
from benchmarks.serving.stages import make_photos
from vrn_cropper.model.cpu_flags import has_native_bf16
from vrn_cropper.service.engines.cpu_limit import available_cpus

SIZES = {"0.8 MP": 0.8e6, "3 MP": 3e6, "12 MP": 12e6, "24 MP": 24e6}
QUICK_SIZES = ("0.8 MP", "12 MP")
CLIENTS = (1, 8, 32)
ENVIRONMENTS = ROOT / ".cache" / "peers"


def main() -> int:
    """Run everything; 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="two sizes, one round, shorter loads: about 3 minutes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load")
    parser.add_argument("--peers", nargs="*", metavar="NAME", help="only these, by the start of their names")
    parser.add_argument("--out", type=Path, help="Markdown file to write; its .json beside it holds every sample")
    arguments = parser.parse_args()
    sizes = list(QUICK_SIZES) if arguments.quick else list(SIZES)
    clients = [1, 32] if arguments.quick else list(CLIENTS)
    command = "bench-quick" if arguments.quick else "bench"
    rounds, seconds = (1, 4.0) if arguments.quick else (arguments.rounds, arguments.seconds)
    photos = {size: make_photos(SIZES[size]) for size in sizes}
    left_out = dict(LEFT_OUT)
    chosen = [p for p in PEERS if not arguments.peers or any(p.name.startswith(name) for name in arguments.peers)]
    load_before = os.getloadavg()[0]
    with ExitStack() as stack, tempfile.TemporaryDirectory() as logs:
        running: list[tuple[Measured, PeerProcess]] = []
        for peer in (OURS, *chosen):
            try:
                environment = prepare(peer, ENVIRONMENTS)
                if peer is OURS:  # a first start fills the cache of compiled models
                    PeerProcess(peer, environment, photos[sizes[0]][0], Path(logs) / "first.log").stop()
                process = PeerProcess(peer, environment, photos[sizes[0]][0], Path(logs) / f"{len(running)}.log")
            except PeerUnavailable as error:
                left_out[peer.name] = str(error)
                print(f"left out: {error}", file=sys.stderr, flush=True)
                continue
            stack.callback(process.stop)
            measured = Measured(peer, process.ready_s, process.memory_mib(), installed_mib(peer, ENVIRONMENTS))
            running.append((measured, process))
        agreed = agreement(running, photos[sizes[0]])
        _measure_idle(running)
        for number in range(rounds):
            for size in sizes:
                print(f"round {number + 1} of {rounds}, {size}", file=sys.stderr, flush=True)
                measure_round(running, size, photos[size], clients, seconds)
    everyone = [measured for measured, _ in running]
    checked = targets(everyone, sizes, has_bf16=has_native_bf16())
    loads = f"{rounds} rounds of {seconds:g} s; load before: {load_before:.2f}"
    cpu = f"{available_cpus()} cores, {platform.machine()}; {loads}"
    text = "\n\n".join([
        f"# This service beside its peers\n`make {command}` wrote this ({time.strftime('%Y-%m-%d')}): {cpu}.",
        f"**32 clients**\n\n{table(everyone, sizes, 32)}",
        f"**One client**\n\n{table(everyone, sizes, 1)}",
        f"**Ratios of photos a second**\n\n{ratios(everyone, sizes, clients)}",
        f"**Same answers** (top-5 boxes equal to ours, of {len(photos[sizes[0]])} photos)\n\n{agreed}",
        "\n".join([Target.header(), *(target.row() for target in checked)]),
        "Left out:\n" + "\n".join(f"- {name}: {reason}" for name, reason in left_out.items()),
    ])  # fmt: skip
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
        arguments.out.with_suffix(".json").write_text(as_json(everyone) + "\n", encoding="utf-8")
    return 0 if all(target.holds for target in checked) else 1


def _measure_idle(running: list[tuple[Measured, PeerProcess]], seconds: float = 5.0) -> None:
    """What each costs while nobody asks anything."""
    before = [process.cpu_s() for _, process in running]
    time.sleep(seconds)
    for (measured, process), cpu_s in zip(running, before, strict=True):
        measured.idle_cpu_share = (process.cpu_s() - cpu_s) / seconds
        measured.idle_mib = process.memory_mib()


if __name__ == "__main__":
    sys.exit(main())
