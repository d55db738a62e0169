"""Fuzzing of what reads bytes and words before any decoder: structure checks, mending, RAW previews, options.

Each may refuse in the words of `VrnError`; any other exception is a fault. Here the mutator drives it, blind;
`guided` has it driven by coverage.
"""

import time
from collections.abc import Callable
from random import Random

from benchmarks.attack.mutator import mutated
from benchmarks.attack.seeds import seeds
from vrn_cropper.model.errors import VrnError
from vrn_cropper.model.photos.mending import with_known_brand, without_outer_damage
from vrn_cropper.model.photos.raw_preview import largest_preview
from vrn_cropper.model.photos.structure.check import check_structure
from vrn_cropper.model.photos.structure.kinds import is_whole, kind_of
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.picture_request import PictureOptions

_OPTION_WORDS = ("free", "16:9", "1.91:1", "0.1,0.1,0.5,0.5", "10,10,50,50", "1e309", "nan", "-1", "0", "2", "٣", " ")


def read_bytes(content: bytes) -> None:
    """Everything that reads an upload before a decoder does. Raises what is a fault."""
    for read in (check_structure, with_known_brand, without_outer_damage, largest_preview, kind_of, is_whole):
        try:
            read(content)
        except VrnError:
            continue


def read_options(content: bytes) -> None:
    """Every option as a client may write it. Raises what is a fault."""
    words = content.decode("utf-8", "replace").split("\x00")
    first, second = [*words, "", ""][:2]
    for parse in (
        lambda: CropOptions.parse(first or None, (second,) if second else ()),
        lambda: CropOptions.parse(keep=(first,), max_overlap=second or None, min_scale=second or None),
        lambda: PictureOptions.parse(first or None, second or None, first or None, second or None, first, second),
    ):
        try:
            parse()
        except VrnError:
            continue


def fuzz(seconds: float, seed: int) -> int:
    """Runs tried, within the time. Raises the first fault with its input in a note."""
    files = list(seeds().values())
    words = [word.encode() for word in _OPTION_WORDS]
    chance, until, tried = Random(seed), time.monotonic() + seconds, 0
    targets: list[tuple[Callable[[bytes], None], list[bytes]]] = [(read_bytes, files), (read_options, words)]
    while time.monotonic() < until:
        for target, inputs in targets:
            content = mutated(inputs, chance)
            try:
                target(content)
            except Exception as error:
                error.add_note(f"{target.__name__}({content[:400]!r})")
                raise
            tried += 1
    return tried
