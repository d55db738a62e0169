"""Ordinary load with a share of hostile uploads for as long as is asked: every answer counted, memory at the end."""

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random

from benchmarks.attack.mutator import mutated
from benchmarks.attack.report import Result
from benchmarks.attack.seeds import seeds
from benchmarks.attack.uploads import fault_of
from benchmarks.attack.victim import memory_mib, post
from benchmarks.serving.process import ServerUnderTest

HOSTILE_SHARE = 0.05
MAX_GROWTH = 1.1
_PAUSE_S = 0.02
_WARM_SHARE = 0.2  # of the time: what is loaded and allocated once


def soak(server: ServerUnderTest, seconds: float, clients: int, photo: bytes, seed: int) -> Result:
    """Closed loop with a short pause, well below capacity; good photos of every format, and damaged ones."""
    files = list(seeds().values())
    result, before, began = Result(f"soak of {seconds:.0f} s, 5 % hostile"), server.cpu_s(), time.monotonic()
    warm_mib = 0.0

    def client(number: int) -> list[tuple[float, str | None]]:
        chance, told = Random(seed * 1009 + number), list[tuple[float, str | None]]()
        while time.monotonic() - began < seconds:
            is_hostile = chance.random() < HOSTILE_SHARE
            body = mutated(files, chance) if is_hostile else chance.choice([photo, *files])
            answer = post(server.port, body)
            fault = fault_of(answer)
            if fault is None and not is_hostile and answer.status != 200:
                fault = f"a good photo got {answer.status}"
            told.append((answer.seconds, fault))
            time.sleep(_PAUSE_S)
        return told

    with ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(client, number) for number in range(clients)]
        time.sleep(seconds * _WARM_SHARE)
        warm_mib = memory_mib(server.pid)
        for done in running:
            for took, fault in done.result():
                result.note(took, fault)
    after_mib = memory_mib(server.pid)
    if after_mib > MAX_GROWTH * warm_mib:
        result.failed.append(f"memory grew from {warm_mib:.0f} to {after_mib:.0f} MiB")
    result.cpu_s = server.cpu_s() - before
    return result
