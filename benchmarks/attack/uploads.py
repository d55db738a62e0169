"""Hostile uploads: damaged files, damaged forms, and small files that ask for a great deal."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random

from benchmarks.attack.bombs import BOMBS
from benchmarks.attack.mutator import mutated
from benchmarks.attack.report import Result
from benchmarks.attack.seeds import multipart, seeds
from benchmarks.attack.victim import Answer, post
from benchmarks.serving.process import ServerUnderTest

_CLIENTS = 4
_FORM = {"Content-Type": "multipart/form-data; boundary=frontier"}
_FIELDS = {"top_k": "3", "aspect_ratios": "free,16:9", "keep": "0.1,0.1,0.5,0.5", "max_overlap": "0.5"}


def fault_of(answer: Answer) -> str | None:
    """What is wrong with the answer itself, or None: it has to be crops, or an error in the documented words."""
    if answer.is_fault:
        return f"status {answer.status}"
    try:
        told = json.loads(answer.body)
    except ValueError:
        return f"status {answer.status} without JSON"
    if answer.status == 200:
        return None if told.get("crops") else "200 without crops"
    return None if "code" in told.get("error", {}) else f"status {answer.status} without an error"


def damaged_files(server: ServerUnderTest, uploads: int, seed: int) -> Result:
    """Files of every format, damaged."""
    files = list(seeds().values())
    return _many(f"{len(files)} files, damaged", server, uploads, seed, lambda chance: mutated(files, chance), {})


def damaged_forms(server: ServerUnderTest, uploads: int, seed: int) -> Result:
    """A whole form, damaged: parts, headers, options and the photo."""
    form = multipart(seeds()["JPEG RGB"], **_FIELDS)
    return _many("forms and options, damaged", server, uploads, seed, lambda chance: mutated([form], chance), _FORM)


def bombs(server: ServerUnderTest) -> list[Result]:
    """Each alone, so that its cost is its own."""
    results = []
    for name, make in BOMBS.items():
        body, result = make(), Result(f"bomb: {name}")
        before = server.cpu_s()
        answer = post(server.port, body)
        result.cpu_s = server.cpu_s() - before
        fault = None if answer.status in (413, 415, 422) else f"{name}: status {answer.status}"
        result.note(answer.seconds, fault)
        results.append(result)
    return results


def _many(
    name: str,
    server: ServerUnderTest,
    uploads: int,
    seed: int,
    make: Callable[[Random], bytes],
    headers: dict[str, str],
) -> Result:
    """`uploads` of them from a few clients; each is drawn from its own number, so a failed one can be made again."""
    result, before = Result(name), server.cpu_s()

    def send(number: int) -> tuple[int, Answer]:
        return number, post(server.port, make(Random(seed * 1_000_003 + number)), headers=headers or None)

    with ThreadPoolExecutor(_CLIENTS) as pool:
        for number, answer in pool.map(send, range(uploads)):
            fault = fault_of(answer)
            result.note(answer.seconds, fault and f"{name} {number} of seed {seed}: {fault}")
    result.cpu_s = server.cpu_s() - before
    return result
