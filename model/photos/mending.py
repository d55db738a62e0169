"""Files that viewers show although something in them is wrong: the bytes as a strict decoder takes them.

Only what lies outside the pixels is changed, and the end of a JPEG that lacks some. Knows numpy and Pillow for the
check of how much is missing; knows nothing of limits and errors.
"""

import zlib

import numpy as np
from PIL import Image

# Of a photo's rows; a photo that lacks more is refused, as its crops would be of something else.
MAX_MISSING_SHARE = 0.1
_MAX_PROFILE_BYTES = 4_000_000
# Chunks of a PNG that say what its pixels are. Any other may be left out.
_NEEDED_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"})
_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_KNOWN_BRANDS = {b"avif": b"avif", b"avis": b"avif", b"heic": b"heic", b"heix": b"heix", b"mif1": b"mif1"}
_STRIP_ROWS = 16
_END_OF_JPEG = b"\xff\xd9"


def with_known_brand(photo: bytes) -> bytes:
    """An AVIF or HEIF file under the first of its compatible brands that decoders know; itself if it needs none."""
    if photo[4:8] != b"ftyp" or photo[8:12] in _KNOWN_BRANDS:
        return photo
    end = min(int.from_bytes(photo[:4]), 256, len(photo))
    brands = [photo[at : at + 4] for at in range(16, end, 4)]
    known = next((_KNOWN_BRANDS[brand] for brand in _KNOWN_BRANDS if brand in brands), None)
    return photo[:8] + known + photo[12:] if known else photo


def without_outer_damage(photo: bytes) -> bytes | None:
    """The file without damage that lies outside its pixels, or None if there is nothing to mend."""
    mended = None
    if photo.startswith(b"\x89PNG\r\n\x1a\n"):
        mended = _png_of_sound_chunks(photo)
    elif photo.startswith(b"RIFF") and photo[8:12] == b"WEBP":
        mended = _webp_of_stated_size(photo)
    elif photo.startswith(b"\xff\xd8\xff") and not photo.endswith(_END_OF_JPEG):
        mended = photo + _END_OF_JPEG
    return mended if mended != photo else None


def missing_share(image: Image.Image) -> float:
    """Share of a loaded JPEG's rows, from the bottom up, that its file did not hold: decoders leave them mid-grey."""
    missing = 0
    for bottom in range(image.height, 0, -_STRIP_ROWS):
        top = max(0, bottom - _STRIP_ROWS)
        rows = np.asarray(image.crop((0, top, image.width, bottom))).reshape(bottom - top, -1).astype(int)
        painted = np.flatnonzero((np.abs(rows - 127.5) > 2).any(axis=1))
        if painted.size:
            return (missing + bottom - top - 1 - int(painted[-1])) / image.height
        missing += bottom - top
    return missing / image.height


def _png_of_sound_chunks(photo: bytes) -> bytes:
    """Without text, and without optional chunks whose checksum or profile is wrong."""
    kept, position = [photo[:8]], 8
    while position + 12 <= len(photo):
        length, kind = int.from_bytes(photo[position : position + 4]), photo[position + 4 : position + 8]
        chunk = photo[position : position + 12 + length]
        is_sound = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:]) and kind not in _TEXT_CHUNKS
        if kind in _NEEDED_CHUNKS or (is_sound and (kind != b"iCCP" or _is_small_profile(chunk[8:-4]))):
            kept.append(chunk)
        position += 12 + length
        if kind == b"IEND":
            break
    return b"".join(kept)


def _is_small_profile(content: bytes) -> bool:
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(content[content.index(b"\x00") + 2 :], _MAX_PROFILE_BYTES)
    except (ValueError, zlib.error):
        return False
    return not inflater.unconsumed_tail


def _webp_of_stated_size(photo: bytes) -> bytes:
    """With the size in the RIFF header that the chunks add up to."""
    position = 12
    while position + 8 <= len(photo):
        end = position + 8 + int.from_bytes(photo[position + 4 : position + 8], "little")
        if end > len(photo) or not photo[position : position + 4].strip().isalnum():
            break
        position = end + end % 2
    body = photo[8 : min(position, len(photo))]
    return b"RIFF" + len(body).to_bytes(4, "little") + body
