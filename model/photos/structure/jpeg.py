"""JPEG: how many segments come before the pixels, and how many scans repeat them.

A decoder reads the segments one by one in Python, and goes over the whole picture once a scan.
"""

import re

from vrn_cropper.model.errors import PhotoTooLargeError

# Profiles, XMP and previews come in segments of 64 KiB: a 32 MiB upload that is all metadata has 512.
MAX_SEGMENTS = 1000
MAX_FILL_BYTES = 4096
# Cameras and editors write at most 10, optimisers some dozen, progressive transfer of the web's early years hundreds.
MAX_SCANS = 1000
# A scan goes over the whole picture: 100 megapixels at the usual 10 scans, 15 at 100.
MAX_SCANNED_PIXELS = 1_500_000_000
_NOT_FOLLOWED_BY_LENGTH = frozenset({0x01, *range(0xD0, 0xDA)})
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN, _END = 0xDA, 0xD9
# A marker inside the pixels: neither a stuffed zero, a fill byte nor a restart.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def check_jpeg(photo: bytes) -> int:
    """Pixels that its decoder goes over, all scans together. Raises PhotoTooLargeError for more segments or scans
    than a photo has.
    """
    pixels, first_scan = _before_pixels(photo)
    # Inside a scan these two bytes cannot occur, so this counts at least every scan; only few files have more.
    scans = photo.count(b"\xff\xda", first_scan)
    if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
        scans = _count_scans(photo, first_scan)
    if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
        raise PhotoTooLargeError(f"the JPEG has {scans} scans; save it with fewer, or not as progressive")
    return scans * pixels


def components_of_first_scan(photo: bytes) -> int:
    """How many of its colour components the first scan holds; 0 without one."""
    _, first_scan = _before_pixels(photo)
    return photo[first_scan + 4] if first_scan + 4 < len(photo) else 0


def _before_pixels(photo: bytes) -> tuple[int, int]:
    """Pixels by the frame header, and where the first scan begins (the end of the file if there is none)."""
    position, pixels, segments, fill = 2, 0, 0, 0
    while position + 4 <= len(photo):
        if photo[position] != 0xFF or photo[position + 1] in (0x00, 0xFF):
            fill += 1
            position += 1
            if fill > MAX_FILL_BYTES:
                raise PhotoTooLargeError("the JPEG has too many fill bytes between its segments; save it again")
            continue
        kind = photo[position + 1]
        if kind == _START_OF_SCAN:
            return pixels, position
        segments += 1
        if segments > MAX_SEGMENTS:
            raise PhotoTooLargeError("the JPEG has too many segments before its pixels; save it without metadata")
        if kind in _NOT_FOLLOWED_BY_LENGTH:
            position += 2
            continue
        if kind in _FRAMES:
            height, width = (int.from_bytes(photo[at : at + 2]) for at in (position + 5, position + 7))
            pixels = max(pixels, width * height)
        position += 2 + max(2, int.from_bytes(photo[position + 2 : position + 4]))
    return pixels, len(photo)


def _count_scans(photo: bytes, position: int) -> int:
    """Scans of the first picture, up to one more than the limit."""
    scans = markers = 0
    while scans <= MAX_SCANS and markers <= MAX_SEGMENTS:
        found = _MARKER.search(photo, position)
        if found is None or photo[found.start() + 1] == _END:
            break
        markers += 1
        scans += photo[found.start() + 1] == _START_OF_SCAN
        position = found.start() + 2 + max(2, int.from_bytes(photo[found.start() + 2 : found.start() + 4]))
    return max(scans, MAX_SCANS + 1) if markers > MAX_SEGMENTS else scans
