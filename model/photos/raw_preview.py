"""The JPEG that a camera puts into its RAW file for people to look at. For RAW in a TIFF wrapper; bytes alone.

A RAW file's own pixels are one colour each and need a developer; its preview is the photo as the camera shows it.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

# Below this a preview is a thumbnail: crops of it are not worth having.
MIN_PREVIEW_PIXELS = 300_000
_MAX_DIRECTORIES = 32
_MAX_ENTRIES = 500
_MAX_SEGMENTS = 200
_WIDTHS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 13: 4}
_CODES = {1: "B", 3: "H", 4: "I", 13: "I"}
_ORIENTATION, _STRIPS, _STRIP_BYTES, _INNER, _JPEG, _JPEG_BYTES = 274, 273, 279, 330, 513, 514
_PICTURE_FRAMES = (0xC0, 0xC1, 0xC2)  # what viewers read; RAW pixels are stored as lossless JPEG (0xC3)


class Preview(NamedTuple):
    """A JPEG file, its size in pixels as stored, and how the RAW file says that it is turned (EXIF orientation)."""

    content: bytes
    width: int
    height: int
    orientation: int


def is_camera_raw(photo: bytes) -> bool:
    """Whether a TIFF says by its first bytes that it is Canon's RAW; others say so in their directories (`pages`)."""
    return photo[:4] in (b"II*\x00", b"MM\x00*") and photo[8:10] == b"CR"


def largest_preview(photo: bytes) -> Preview | None:
    """The largest JPEG in a RAW file, or None if there is none of `MIN_PREVIEW_PIXELS`."""
    best: Preview | None = None
    orientation = 1
    for number, directory in enumerate(_directories(photo)):
        if number == 0:
            orientation = next(iter(directory.get(_ORIENTATION, ())), 1)
        for start, length in _stored_files(directory):
            size = _picture_size(photo[start : start + length])
            if size and size[0] * size[1] > (best.width * best.height if best else MIN_PREVIEW_PIXELS - 1):
                best = Preview(photo[start : start + length], *size, orientation)
    return best


def _directories(photo: bytes) -> Iterator[dict[int, tuple[int, ...]]]:
    """Whole numbers by tag, of each directory: the chain, and those inside it."""
    order = ">" if photo.startswith(b"MM") else "<"
    waiting, seen = [_number(photo, order, 4)], set[int]()
    while waiting and len(seen) < _MAX_DIRECTORIES:
        offset = waiting.pop(0)
        if not offset or offset in seen:
            continue
        seen.add(offset)
        try:
            (count,) = struct.unpack_from(order + "H", photo, offset)
            directory = dict(_entries(photo, order, offset + 2, min(count, _MAX_ENTRIES)))
        except struct.error:
            continue
        yield directory
        waiting += [*directory.get(_INNER, ()), _number(photo, order, offset + 2 + 12 * count)]


def _entries(photo: bytes, order: str, start: int, count: int) -> Iterator[tuple[int, tuple[int, ...]]]:
    for at in range(start, start + 12 * count, 12):
        tag, kind, number = struct.unpack_from(order + "HHI", photo, at)
        if kind in _CODES and number <= _MAX_DIRECTORIES:
            place = at + 8 if number * _WIDTHS[kind] <= 4 else _number(photo, order, at + 8)
            yield tag, struct.unpack_from(f"{order}{number}{_CODES[kind]}", photo, place)


def _number(photo: bytes, order: str, at: int) -> int:
    return struct.unpack_from(order + "I", photo, at)[0] if at + 4 <= len(photo) else 0


def _stored_files(directory: dict[int, tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Start and length of what may be a JPEG file of its own."""
    for place, length in ((_JPEG, _JPEG_BYTES), (_STRIPS, _STRIP_BYTES)):
        if len(directory.get(place, ())) == len(directory.get(length, ())) == 1:
            yield directory[place][0], directory[length][0]


def _picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height of a JPEG that viewers read; None for anything else."""
    if not content.startswith(b"\xff\xd8\xff"):
        return None
    position = 2
    for _ in range(_MAX_SEGMENTS):
        if position + 9 > len(content) or content[position] != 0xFF:
            return None
        kind = content[position + 1]
        if kind in _PICTURE_FRAMES:
            height, width = struct.unpack_from(">HH", content, position + 5)
            return width, height
        if kind in (0xC3, 0xDA):
            return None
        position += 2 + max(2, int.from_bytes(content[position + 2 : position + 4]))
    return None
