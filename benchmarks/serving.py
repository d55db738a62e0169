"""Measures the running service against its targets and prints Markdown tables: `python -m benchmarks.serving`.

Starts the real server with its default settings on this machine, measures what decoding and inference cost alone,
then loads it: closed loop at 1, 8 and 32 clients, open loop at 0.5, 0.8, 1 and 2 times the capacity found, for
JPEGs of 0.8 and 12 megapixels. The load generator runs on the same CPUs; its own CPU time is printed.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import uvloop
from PIL import Image

from benchmarks.serving_load import Answer, LoadGenerator
from model.candidates import grid_views
from model.exported import read_export_info
from service.cpu_limit import available_cpus
from service.decode import DecodeLimits, Decoder
from service.engine import ScoreItem
from service.engine_openvino import OpenVinoEngine
from service.settings import Settings, read_settings

ROOT = Path(__file__).resolve().parents[1]
SIZES = {"0.8 MP": 0.8e6, "12 MP": 12e6}
CLOSED, OPEN = (1, 8, 32), (0.5, 0.8, 1.0, 2.0)
_STAGE_REPEATS = 120  # photos


def make_photos(pixels: float) -> list[bytes]:
    """The repository's photos as JPEGs of `pixels` pixels, with grain, as enlarging alone leaves none to decode."""
    chance, photos = np.random.default_rng(0), []
    for path in sorted((ROOT / "tests" / "photos").glob("*.jpg"))[:5]:
        with Image.open(path) as image:
            scale = (pixels / (image.width * image.height)) ** 0.5
            size = (round(image.width * scale), round(image.height * scale))
            large = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
        grain = chance.normal(0, 4, large.shape[:2]).astype(np.int16)[..., None]
        buffer = BytesIO()
        Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
        photos.append(buffer.getvalue())
    return photos


@dataclass
class StageCost:
    """CPU seconds of one photo in each stage, alone in this process."""

    decode_s: float
    inference_s: float

    def __str__(self) -> str:
        return f"decode {self.decode_s * 1000:.1f} ms, inference {self.inference_s * 1000:.1f} ms"

    def mean_with(self, other: "StageCost") -> "StageCost":
        """Of two measurements."""
        return StageCost((self.decode_s + other.decode_s) / 2, (self.inference_s + other.inference_s) / 2)

    def photos_per_second(self, cpus: int) -> float:
        """What the two stages alone allow."""
        return cpus / (self.decode_s + self.inference_s)


def measure_stages(settings: Settings, engine: OpenVinoEngine, photos: list[bytes]) -> StageCost:
    """CPU seconds of decoding, and of scoring in batches as large as the engine likes them, its cheapest way."""
    decoder = Decoder(DecodeLimits(settings.max_photo_pixels, settings.max_photo_side_px, settings.max_decode_pixels))
    decoded = [decoder.decode(photo) for photo in photos]
    batches = [
        engine.prepare([ScoreItem(photo.model_input, grid_views(photo.width, photo.height))] * engine.best_batch_size)
        for photo in decoded
    ]
    for batch in batches:
        engine.score(batch)
    began = time.process_time()
    for number in range(_STAGE_REPEATS):
        decoder.decode(photos[number % len(photos)])
    decode_s = (time.process_time() - began) / _STAGE_REPEATS
    began = time.process_time()
    for number in range(_STAGE_REPEATS // engine.best_batch_size):
        engine.score(batches[number % len(batches)])
    return StageCost(decode_s, (time.process_time() - began) / _STAGE_REPEATS)


class ServerUnderTest:
    """`python -m service` with default settings on a free port."""

    def __init__(self, cache_dir: str) -> None:
        import socket

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        variables = {
            "VRN_PORT": str(self.port), "VRN_DEVICE": "cpu", "VRN_MODEL_CACHE_DIR": cache_dir,
            "VRN_LOG_LEVEL": "warning",
        }  # fmt: skip
        began = time.perf_counter()
        self._process = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env={**os.environ, **variables})
        while not self._is_ready():
            time.sleep(0.01)
        self.ready_s = time.perf_counter() - began
        self.peak_mib: list[float] = []
        threading.Thread(target=self._watch_memory, daemon=True).start()

    def resident_mib(self) -> float:
        """Resident memory now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_s(self) -> float:
        """CPU seconds that the process has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def batch_totals(self) -> tuple[float, float]:
        """Photos and batches so far."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if line.startswith("vrn_batch_size_"))
        return float(values["vrn_batch_size_sum"]), float(values["vrn_batch_size_count"])

    def stop(self) -> int:
        """End it by SIGTERM; the exit code."""
        self._process.terminate()
        return self._process.wait(60)

    def _is_ready(self) -> bool:
        if self._process.poll() is not None:
            sys.exit("the server did not start")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz"):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    def _watch_memory(self) -> None:
        while self._process.poll() is None:
            try:
                self.peak_mib.append(self.resident_mib())
            except (OSError, IndexError):
                return
            time.sleep(0.1)


@dataclass
class Run:
    """One load and what came of it."""

    name: str
    seconds: float
    answers: list[Answer]
    batch_size: float
    client_cpu_share: float
    server_cpu_s: float
    memory_mib: list[float]

    @property
    def good(self) -> list[Answer]:
        return [answer for answer in self.answers if answer.status == 200]

    @property
    def goodput(self) -> float:
        return len(self.good) / self.seconds

    def latency_ms(self, share: float) -> float:
        """A percentile of the latency of answered photos, from their intended send time."""
        latencies = [answer.latency_s for answer in self.good]
        return float(np.percentile(latencies, share * 100)) * 1000 if latencies else float("nan")

    def row(self) -> str:
        refused = sum(answer.status == 429 for answer in self.answers)
        others = len(self.answers) - len(self.good) - refused
        return (
            f"| {self.name} | {len(self.answers) / self.seconds:.1f} | {self.goodput:.1f} | {refused} | {others} |"
            f" {self.latency_ms(0.5):.0f} | {self.latency_ms(0.99):.0f} | {self.batch_size:.1f} |"
            f" {max(self.memory_mib):.0f} | {self.server_cpu_s / max(1, len(self.good)) * 1000:.1f} |"
            f" {self.client_cpu_share:.0%} |"
        )


def load(server: ServerUnderTest, photos: list[bytes], name: str, seconds: float, **how: float) -> Run:
    """Closed loop with `clients`, or open loop at `rate`."""

    async def go() -> tuple[list[Answer], float]:
        generator = LoadGenerator(server.port, photos)
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


@dataclass
class Target:
    """A promise, what was measured, and whether it holds."""

    promise: str
    measured: str
    holds: bool


def check(runs: dict[str, Run], cost: StageCost, size: str, deadline_s: float) -> list[Target]:
    """The promises about one photo size."""
    capacity = max(run.goodput for name, run in runs.items() if "client" in name)
    overload, possible = runs["open 2.0x"], cost.photos_per_second(available_cpus())
    half = len(overload.memory_mib) // 2
    growth = max(overload.memory_mib[half:]) - max(overload.memory_mib[:half] or [0])
    queue_ms = statistics.median(answer.stages_ms["queue"] for answer in runs["1 client"].good)
    return [
        Target(f"{size}: goodput at 2x overload >= 90 % of capacity", f"{overload.goodput / capacity:.0%}",
               overload.goodput >= 0.9 * capacity),
        Target(f"{size}: admitted p99 inside the deadline of {deadline_s:g} s",
               f"{overload.latency_ms(0.99) / 1000:.2f} s", overload.latency_ms(0.99) < deadline_s * 1000),
        Target(f"{size}: memory flat in the second half of the overload (below 5 % more)", f"{growth:+.0f} MiB",
               growth < 0.05 * max(overload.memory_mib)),
        Target(f"{size}: the batcher adds less than 1 ms at low load (median)", f"{queue_ms:.2f} ms", queue_ms < 1),
        Target(f"{size}: throughput >= 80 % of what the stages alone allow ({possible:.1f}/s)",
               f"{capacity / possible:.0%}", capacity >= 0.8 * possible),
    ]  # fmt: skip


def main() -> int:
    """Run everything; the exit code is 1 if a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15, help="of each load (default 15; about 5 minutes in all)")
    parser.add_argument("--sizes", nargs="*", choices=list(SIZES), default=list(SIZES), metavar="SIZE")
    arguments = parser.parse_args()
    settings = read_settings({})
    targets: list[Target] = []
    print(f"{available_cpus()} CPUs, {arguments.seconds:g} s a load; system load before: {os.getloadavg()[0]:.2f}\n")
    with tempfile.TemporaryDirectory() as cache_dir:
        engine = OpenVinoEngine(
            read_export_info(settings.model_path), threads=available_cpus(), cache_dir=Path(cache_dir) / "stages"
        )
        engine.load()
        for size in arguments.sizes:
            photos = make_photos(SIZES[size])
            before = measure_stages(settings, engine, photos)
            ServerUnderTest(cache_dir).stop()  # fills the cache of compiled models
            server = ServerUnderTest(cache_dir)
            idle_mib = server.resident_mib()
            if size == arguments.sizes[0]:
                targets.append(
                    Target("ready in under 3 s from a warm cache", f"{server.ready_s:.2f} s", server.ready_s < 3)
                )
                targets.append(Target("resident memory under 500 MB idle", f"{idle_mib:.0f} MiB", idle_mib < 476))
            runs = measure(server, photos, size, arguments.seconds)
            if server.stop() != 0:
                targets.append(Target(f"{size}: the server ends with 0", "it did not", False))
            # Before and after the loads, as a machine's speed changes within minutes.
            after = measure_stages(settings, engine, photos)
            print(f"CPU a photo, each stage alone, before the loads: {before}; after them: {after}\n", flush=True)
            targets += check(runs, before.mean_with(after), size, settings.request_timeout_s)
    print("| target | measured | holds |\n|---|---|---|")
    for target in targets:
        print(f"| {target.promise} | {target.measured} | {'yes' if target.holds else '**no**'} |")
    return 0 if all(target.holds for target in targets) else 1


def measure(server: ServerUnderTest, photos: list[bytes], size: str, seconds: float) -> dict[str, Run]:
    """All loads of one photo size, printed as they come."""
    kib = sum(map(len, photos)) / len(photos) / 1024
    print(f"**{size}** ({kib:.0f} KiB a JPEG)\n")
    columns = [
        "load",
        "offered/s",
        "goodput/s",
        "429",
        "other",
        "p50_ms",
        "p99_ms",
        "batch",
        "RSS_MiB",
        "CPU_ms_a_photo",
        "client_CPU",
    ]
    print("| " + " | ".join(column.replace("_", " ") for column in columns) + " |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
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
    print()
    return runs


if __name__ == "__main__":
    sys.exit(main())
