"""Measures the running service against its targets and prints Markdown tables: `python -m benchmarks.serving`.

Starts the real server with its default settings on this machine, measures what decoding and inference cost alone,
then loads it: closed loop at 1, 8 and 32 clients, open loop at 0.5, 0.8, 1 and 2 times the capacity found, the last
also with short deadlines, for JPEGs of 0.8 and 12 megapixels. The load generator runs on the same CPUs; its own CPU
time is printed.
"""

import asyncio
import os
import sys
import time
from typing import Annotated

import typer
import uvloop

from benchmarks.serving.load import Answer, LoadGenerator
from benchmarks.serving.process import ServerUnderTest
from benchmarks.serving.report import SHORT_DEADLINE_MS, SHORT_DEADLINES, Run, Target, check
from benchmarks.serving.stages import make_photos, measure_stages
from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.network.inference import choose_precision
from vrn_cropper.service.engines.cpu import CpuEngine
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.settings import read_settings

SIZES = {"0.8 MP": 0.8e6, "12 MP": 12e6}
CLOSED, OPEN = (1, 8, 32), (0.5, 0.8, 1.0, 2.0)


def load(server: ServerUnderTest, photos: list[bytes], name: str, seconds: float, **how: float) -> Run:
    """Closed loop with `clients`, or open loop at `rate`; `timeout_ms` is the deadline of each photo."""

    async def go() -> tuple[list[Answer], float]:
        generator = LoadGenerator(server.port, photos, timeout_ms=int(how.get("timeout_ms", 0)))
        began = time.perf_counter()
        if "clients" in how:
            answers = await generator.closed_loop(int(how["clients"]), seconds)
        else:
            answers = await generator.open_loop(how["rate"], seconds)
        took = time.perf_counter() - began
        await generator.close()
        return answers, took

    before, samples_from = server.batch_totals(), len(server.peak_mib)
    cpu_from, server_cpu_from = time.process_time(), server.cpu_s()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        answers, took = runner.run(go())
    cpu_s, server_cpu_s = time.process_time() - cpu_from, server.cpu_s() - server_cpu_from
    after = server.batch_totals()
    batch_size = (after[0] - before[0]) / max(1.0, after[1] - before[1])
    memory = server.peak_mib[samples_from:] or [server.resident_mib()]
    return Run(name, took, answers, batch_size, cpu_s / took / available_cpus(), server_cpu_s, memory)


def measure_service(
    seconds: Annotated[float, typer.Option(help="Of each load; 15 make about 5 minutes in all.")] = 15,
    size: Annotated[
        list[str] | None, typer.Option(metavar="SIZE", help=f"{' or '.join(SIZES)}; repeatable, default all.")
    ] = None,
) -> int:
    """Run everything; the exit code is 1 if a target is missed."""
    sizes = size or list(SIZES)
    if unknown := set(sizes) - SIZES.keys():
        raise typer.BadParameter(f"no photos of size {unknown.pop()!r}", param_hint="--size")
    settings = read_settings({})
    targets: list[Target] = []
    print(f"{available_cpus()} CPUs, {seconds:g} s a load; system load before: {os.getloadavg()[0]:.2f}\n")
    engine = CpuEngine(
        read_export_info(settings.model_path),
        threads=available_cpus(),
        precision=choose_precision(settings.precision),  # as the server that is measured beside it
    )
    engine.load()
    for one_size in sizes:
        photos = make_photos(SIZES[one_size])
        before = measure_stages(settings, engine, photos)
        server = ServerUnderTest()
        idle_mib = server.resident_mib()
        if one_size == sizes[0]:
            targets.append(Target("ready in under 1 s", f"{server.ready_s:.2f} s", server.ready_s < 1))
            targets.append(Target("resident memory of at most 300 MiB idle", f"{idle_mib:.0f} MiB", idle_mib <= 300))
        runs = measure(server, photos, one_size, seconds)
        if server.stop() != 0:
            targets.append(Target(f"{one_size}: the server ends with 0", "it did not", False))
        # Before and after the loads, as a machine's speed changes within minutes.
        after = measure_stages(settings, engine, photos)
        print(f"CPU a photo, each stage alone, before the loads: {before}; after them: {after}\n", flush=True)
        targets += check(runs, before.mean_with(after), available_cpus(), one_size, settings.request_timeout_s)
    print(Target.header(), *(target.row() for target in targets), sep="\n")
    return 0 if all(target.holds for target in targets) else 1


def measure(server: ServerUnderTest, photos: list[bytes], size: str, seconds: float) -> dict[str, Run]:
    """All loads of one photo size, printed as they come."""
    kib = sum(map(len, photos)) / len(photos) / 1024
    print(f"**{size}** ({kib:.0f} KiB a JPEG)\n")
    print(Run.header())
    load(server, photos, "warm-up", min(3.0, seconds), clients=8)
    runs: dict[str, Run] = {}
    for clients in CLOSED:
        name = f"{clients} client{'s' if clients > 1 else ''}"
        runs[name] = load(server, photos, name, seconds, clients=clients)
        print(runs[name].row(), flush=True)
    capacity = max(run.goodput for run in runs.values())
    for factor in OPEN:
        name = f"open {factor}x"
        runs[name] = load(server, photos, name, seconds, rate=capacity * factor)
        print(runs[name].row(), flush=True)
    runs[SHORT_DEADLINES] = load(
        server, photos, SHORT_DEADLINES, seconds, rate=capacity * 2, timeout_ms=SHORT_DEADLINE_MS
    )
    print(runs[SHORT_DEADLINES].row(), flush=True)
    print()
    return runs


if __name__ == "__main__":
    sys.exit(run_command(measure_service, None, "python -m benchmarks.serving"))
