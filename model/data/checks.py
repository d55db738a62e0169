"""What every reader of a data set shares: faults found all at once, boxes checked, a fixed split. Numpy alone."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from vrn_cropper.model.errors import DataError

LISTED_PROBLEMS = 10  # how many faults one DataError spells out


class Named(Protocol):
    """A photo of any data set."""

    @property
    def name(self) -> str: ...


Item = TypeVar("Item")
Read = TypeVar("Read")
Photo = TypeVar("Photo", bound=Named)


def read_all(read_one: Callable[[Item], Read], items: Iterable[Item], problems: Sequence[str] = ()) -> list[Read]:
    """What `read_one` makes of each item, in order, read on several threads.

    One reading finds every fault: raises one DataError with `problems`, which are known before, and those of all
    items, the first `LISTED_PROBLEMS` spelt out.
    """

    def attempt(item: Item) -> Read | DataError:
        try:
            return read_one(item)
        except DataError as error:
            return error

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(attempt, items))
    found = [*problems, *(str(outcome) for outcome in outcomes if isinstance(outcome, DataError))]
    if found:
        more = len(found) - LISTED_PROBLEMS
        raise DataError("\n".join(found[:LISTED_PROBLEMS] + ([f"and {more} more problems"] if more > 0 else [])))
    return [outcome for outcome in outcomes if not isinstance(outcome, DataError)]


def box_fault(box_xyxy: np.ndarray, width: int, height: int, slack: float) -> str | None:
    """What is wrong with a box in source pixels, if anything; edges may lie `slack` pixels outside."""
    x1, y1, x2, y2 = box_xyxy
    if x2 <= x1 or y2 <= y1:
        return f"the box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) is empty"
    if min(x1, y1) < -slack or x2 > width + slack or y2 > height + slack:
        return f"the box ({x1:g}, {y1:g}, {x2:g}, {y2:g}) lies outside the photo ({width} x {height})"
    return None


def read_json(source: Path) -> dict:
    """A JSON object from a file. Raises DataError naming the file."""
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{source}: not readable as JSON ({error})") from error
    if not isinstance(content, dict):
        raise DataError(f"{source}: expected a JSON object")
    return content


def split_validation(photos: Sequence[Photo], seed: int, share: float) -> tuple[list[Photo], list[Photo]]:
    """(training, validation): about `share` of the photos held out, chosen by a hash of seed and name.

    Each photo's side depends on nothing but its own name, so adding photos moves none. Where the hash would
    leave a side empty (a handful of photos), the photo nearest to the threshold changes sides. Raises
    DataError for fewer than two photos and ValueError unless 0 < share < 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"the validation share lies between 0 and 1, not {share}")
    if len(photos) < 2:
        raise DataError("a validation split needs at least two photos")
    draws = np.array([_draw(seed, photo.name) for photo in photos])
    held_out = draws < share
    if not held_out.any():
        held_out[draws.argmin()] = True
    if held_out.all():
        held_out[draws.argmax()] = False
    training = [photo for photo, held in zip(photos, held_out, strict=True) if not held]
    return training, [photo for photo, held in zip(photos, held_out, strict=True) if held]


def _draw(seed: int, name: str) -> float:
    """A number in [0, 1) that belongs to this seed and name on every machine (Python's own hash does not)."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:6]) / 2**48
