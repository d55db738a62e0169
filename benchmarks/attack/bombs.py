"""Small files that ask a decoder for a great deal, made by script. For tests and for `make attack`."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image


def _saved(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def run_length_bmp(width: int = 10_000, height: int = 9_999) -> bytes:
    """Every row is one run after another of one colour: some 40 KB for 100 megapixels."""
    row = b"\x00\x00"  # end of line at once: the rest of the row is left as it is
    pixels = row * height + b"\x00\x01"
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    start = 14 + 40 + 1024
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + header + bytes(1024) + pixels


def jpeg_of_many_scans(scans: int = 2_000, size: tuple[int, int] = (1200, 800)) -> bytes:
    """A progressive JPEG whose last refinement comes again and again."""
    photo = _saved(Image.new("RGB", size, (90, 120, 40)), "JPEG", progressive=True)
    last = photo.rindex(b"\xff\xda")
    return photo[:last] + photo[last:-2] * scans + photo[-2:]


def jpeg_of_empty_segments(size_bytes: int = 28_000_000) -> bytes:
    """Four bytes a segment, and a photo behind them."""
    photo = _saved(Image.new("RGB", (300, 200)), "JPEG")
    return photo[:2] + b"\xff\xe1\x00\x02" * (size_bytes // 4) + photo[2:]


def jpeg_of_fill_bytes(size_bytes: int = 28_000_000) -> bytes:
    """Padding that is legal before any marker."""
    photo = _saved(Image.new("RGB", (300, 200)), "JPEG")
    return photo[:2] + b"\xff" * size_bytes + photo[2:]


def png_of_many_chunks(chunks: int = 2_600_000) -> bytes:
    """Empty chunks of pixels, twelve bytes each."""
    photo = _saved(Image.new("RGB", (300, 200)), "PNG")
    empty = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    return photo[:33] + empty * chunks + photo[33:]


def animated_webp(width: int = 9_999, height: int = 9_999) -> bytes:
    """A canvas of any size with one frame of one pixel."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)

    def three(value: int) -> bytes:
        return value.to_bytes(3, "little")

    still = _saved(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    frame = three(0) + three(0) + three(0) + three(0) + three(100) + b"\x00" + still
    canvas = b"\x02\x00\x00\x00" + three(width - 1) + three(height - 1)
    body = chunk(b"VP8X", canvas) + chunk(b"ANIM", bytes(6)) + chunk(b"ANMF", frame)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def flat_avif(width: int = 8_192, height: int = 8_192) -> bytes:
    """One colour in some kilobytes, its canvas stated larger still."""
    return _saved(Image.new("RGB", (width, height)), "AVIF", speed=10, quality=1)


def huge_canvas_avif() -> bytes:
    """A small AVIF whose boxes claim 9999 x 9999 pixels."""
    photo = bytearray(_saved(Image.new("RGB", (64, 64)), "AVIF", speed=10))
    at = photo.index(b"ispe")
    photo[at + 8 : at + 16] = struct.pack(">II", 9_999, 9_999)
    return bytes(photo)


def tiff_of_many_entries(entries: int = 60_000) -> bytes:
    """A directory of private tags."""
    content = b"".join(struct.pack("<HHII", 40_000 + n % 20_000, 3, 1, 0) for n in range(entries))
    return b"II*\x00" + struct.pack("<IH", 8, entries) + content + bytes(4)


def tiff_of_many_tiles(tiles: int = 1_000_000) -> bytes:
    """Tiles of sixteen by sixteen, all at one place."""
    side = 16 * int(tiles**0.5)
    numbers = [(256, 4, side), (257, 4, side), (258, 3, 8), (259, 3, 1), (262, 3, 1), (322, 3, 16), (323, 3, 16)]
    entries = [(tag, kind, 1, value) for tag, kind, value in numbers] + [(324, 4, tiles, 8), (325, 4, tiles, 8)]
    content = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\x00" + struct.pack("<IH", 8, len(entries)) + content + bytes(4 + 4 * 10)


BOMBS: dict[str, Callable[[], bytes]] = {
    "run-length BMP": run_length_bmp,
    "JPEG of 2,000 scans": jpeg_of_many_scans,
    "JPEG of empty segments": jpeg_of_empty_segments,
    "JPEG of fill bytes": jpeg_of_fill_bytes,
    "PNG of many chunks": png_of_many_chunks,
    "animated WebP": animated_webp,
    "AVIF of a huge canvas": huge_canvas_avif,
    "TIFF of many entries": tiff_of_many_entries,
    "TIFF of many tiles": tiff_of_many_tiles,
}
