"""Attacks a server of its own on loopback and prints a table: `python -m benchmarks.attack`, `--quick` in minutes.

Bounded: every attack has a count or a time, and the server ends with it. The exit code is 1 if anything failed.
"""

import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.attack.faults import killed_workers, no_descriptors, vanished_clients
from benchmarks.attack.fuzz import fuzz
from benchmarks.attack.raw_http import raw_http
from benchmarks.attack.report import Result, table
from benchmarks.attack.seeds import seeds
from benchmarks.attack.slow import LIMITS, slow_clients
from benchmarks.attack.soak import soak
from benchmarks.attack.uploads import bombs, damaged_files, damaged_forms
from benchmarks.attack.victim import Watch, sample_photo
from benchmarks.serving.process import ServerUnderTest
from vrn_cropper.model.command_line import run_command

_QUIET_S = 10.0


def attack(
    uploads: Annotated[int, typer.Option(help="damaged files")] = 20_000,
    forms: Annotated[int, typer.Option(help="damaged forms")] = 5_000,
    slow: Annotated[int, typer.Option(help="slow clients of each kind at once")] = 40,
    fuzz_s: Annotated[float, typer.Option(help="seconds of fuzzing")] = 1800.0,
    soak_s: Annotated[float, typer.Option(help="seconds of soak")] = 1800.0,
    seed: Annotated[int, typer.Option(help="what the damage is drawn from")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="all of it in a few minutes")] = False,
) -> int:
    """Attack a server of its own; 1 if anything failed."""
    if quick:
        uploads, forms, slow, fuzz_s, soak_s = 400, 150, 10, 15.0, 30.0
    results: list[Result] = []
    photo = sample_photo()
    server = ServerUnderTest(**LIMITS)

    def run(make: Callable[[], Result | list[Result]]) -> None:
        with Watch(server, photo) as seen:
            made = make()
        for result in made if isinstance(made, list) else [made]:
            result.seen = seen
            if not server.is_running:
                result.failed.append("the server ended")
            if seen.lost_photos:
                result.failed.append(f"{seen.lost_photos} photos of the other client were lost")
            results.append(result)
            print(f"{result.name}: {result.tried} tried, {len(result.failed)} failed", file=sys.stderr, flush=True)

    try:
        run(_quiet)
        run(lambda: damaged_files(server, uploads, seed))
        run(lambda: damaged_forms(server, forms, seed))
        run(lambda: bombs(server))
        run(lambda: raw_http(server))
        run(lambda: slow_clients(server, slow))
        run(lambda: vanished_clients(server, slow))
        run(lambda: soak(server, soak_s, clients=2, photo=photo, seed=seed))
        # What breaks everybody's photos for a moment is not watched with another client.
        results.append(killed_workers(server, rounds=3))
        results.append(no_descriptors(server, spare=20))
    finally:
        code = server.stop()
    results.append(Result("the server's own end", 1, [] if code == 0 else [f"exit code {code}"]))
    results.append(_fuzzed(fuzz_s, seed))
    print(table(results))
    failures = [f"{result.name}: {fault}" for result in results for fault in result.failed]
    print("\n" + "\n".join(failures) if failures else "\nnothing failed")
    return 1 if failures else 0


def _quiet() -> Result:
    """Nothing but the watch: what the other columns compare with."""
    time.sleep(_QUIET_S)
    return Result("no attack", 1)


def _fuzzed(seconds: float, seed: int) -> Result:
    """Guided by coverage where atheris is installed."""
    result, began = Result("fuzzing of structure checks and options"), time.monotonic()
    if importlib.util.find_spec("atheris") is None:
        result.tried = fuzz(seconds, seed)
        return result
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(seeds().values()):
            (Path(folder) / str(number)).write_bytes(b"\xff" + content)
        command = [sys.executable, "-m", "benchmarks.attack.guided", str(int(seconds)), folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    runs = [line for line in done.stderr.splitlines() if line.startswith("Done ")]
    result.tried = int(runs[-1].split()[1]) if runs else 0
    if done.returncode:
        result.failed.append(done.stderr[-2000:])
    result.cpu_s = time.monotonic() - began
    return result


if __name__ == "__main__":
    sys.exit(run_command(attack, None, "python -m benchmarks.attack"))
