"""What `metadata=keep` takes along: EXIF entries, XMP, IPTC and resolution, copied as they are, byte for byte.

Left out is what would be false or tell too much of the crop: orientation, sizes, maker notes, and every thumbnail,
which shows what was cut off. Knows Pillow's `info`; knows nothing of formats that are written.
"""

import re
import struct
from typing import Any, NamedTuple

from PIL import ExifTags, Image

_KEPT_TAGS = frozenset(
    {
        ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software,
        ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.HostComputer, ExifTags.Base.Copyright,
        ExifTags.Base.XPTitle, ExifTags.Base.XPComment, ExifTags.Base.XPAuthor, ExifTags.Base.XPKeywords,
    }
)  # fmt: skip
_STALE_DETAILS = frozenset(
    {
        ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight, ExifTags.Base.MakerNote,
        ExifTags.IFD.Interop,
    }
)  # fmt: skip
_DETAILS, _PLACE = int(ExifTags.IFD.Exif), int(ExifTags.IFD.GPSInfo)
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 129: 1}
_MAX_ENTRIES = 500
_MAX_SEGMENT_BYTES = 65_000
_IPTC = 1028
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:="|>))[2-8]')
_XMP_PICTURES = (b"xmpGImg:", b"GImage:Data", b"HasExtendedXMP")


class _Entry(NamedTuple):
    kind: int
    values: int
    content: bytes


def kept_metadata(stored: Image.Image) -> dict[str, Any]:
    """Of a loaded photo: `exif`, `xmp`, `iptc` (an 8BIM block) as bytes and `dpi`, each only where there is one."""
    info = stored.info
    found: dict[str, Any] = {"exif": _kept_exif(stored), "xmp": _kept_xmp(info), "iptc": _kept_iptc(info)}
    resolution = info.get("dpi")
    if resolution and all(1 < float(side) < 10_000 for side in resolution):
        found["dpi"] = tuple(float(side) for side in resolution)
    return {name: value for name, value in found.items() if value}


def _kept_exif(stored: Image.Image) -> bytes:
    block = stored.info.get("exif")
    if not isinstance(block, bytes) or not block:
        try:  # TIFF has its entries in the file itself
            block = stored.getexif().tobytes()
        except Exception:  # damaged EXIF raises whatever its parser trips over, and must not cost the picture
            return b""
    block = block.removeprefix(b"Exif\x00\x00")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        return b""
    first = _entries(block, order, int.from_bytes(block[4:8], "little" if order == "<" else "big"))
    kept = {tag: entry for tag, entry in first.items() if tag in _KEPT_TAGS}
    inner = {}
    for pointer in (_DETAILS, _PLACE):
        if pointer in first and len(first[pointer].content) == 4:
            (offset,) = struct.unpack(order + "I", first[pointer].content)
            entries = _entries(block, order, offset)
            inner[pointer] = {tag: entry for tag, entry in entries.items() if tag not in _STALE_DETAILS}
    written = _written(order, kept, {pointer: entries for pointer, entries in inner.items() if entries})
    return b"Exif\x00\x00" + written if kept or any(inner.values()) else b""


def _entries(block: bytes, order: str, offset: int) -> dict[int, _Entry]:
    """The entries of one directory whose content is all there; others are left out one by one."""
    found: dict[int, _Entry] = {}
    if offset + 2 > len(block):
        return found
    (count,) = struct.unpack_from(order + "H", block, offset)
    for index in range(min(count, _MAX_ENTRIES)):
        at = offset + 2 + 12 * index
        if at + 12 > len(block):
            break
        tag, kind, number = struct.unpack_from(order + "HHI", block, at)
        size = _SIZES.get(kind, 0) * number
        start = at + 8 if size <= 4 else struct.unpack_from(order + "I", block, at + 8)[0]
        if size and start + size <= len(block):
            found[tag] = _Entry(kind, number, block[start : start + size])
    return found


def _written(order: str, first: dict[int, _Entry], inner: dict[int, dict[int, _Entry]]) -> bytes:
    """A TIFF block of one directory and those that it points to."""
    pointers = {pointer: _Entry(4, 1, bytes(4)) for pointer in inner}
    content = bytearray((b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", 8))
    places = _append(content, order, {**first, **pointers})
    for pointer, entries in inner.items():
        struct.pack_into(order + "I", content, places[pointer], len(content))
        _append(content, order, entries)
    return bytes(content)


def _append(content: bytearray, order: str, entries: dict[int, _Entry]) -> dict[int, int]:
    """One directory at the end of `content`; where the value of each entry stands."""
    start = len(content)
    content += struct.pack(order + "H", len(entries)) + bytes(12 * len(entries) + 4)
    places = {}
    for index, (tag, entry) in enumerate(sorted(entries.items())):
        at = start + 2 + 12 * index
        places[tag] = at + 8
        struct.pack_into(order + "HHI", content, at, tag, entry.kind, entry.values)
        if len(entry.content) <= 4:
            content[at + 8 : at + 8 + len(entry.content)] = entry.content
        else:
            struct.pack_into(order + "I", content, at + 8, len(content))
            content += entry.content + bytes(len(entry.content) % 2)
    return places


def _kept_xmp(info: dict[Any, Any]) -> bytes:
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    packet = packet.encode() if isinstance(packet, str) else bytes(packet)
    if len(packet) > _MAX_SEGMENT_BYTES or any(mark in packet for mark in _XMP_PICTURES):
        return b""
    return _XMP_ORIENTATION.sub(rb"\g<1>1", packet)


def _kept_iptc(info: dict[Any, Any]) -> bytes:
    blocks = info.get("photoshop")
    content = blocks.get(_IPTC, b"") if isinstance(blocks, dict) else b""
    if not isinstance(content, bytes) or not 0 < len(content) < _MAX_SEGMENT_BYTES:
        return b""
    return b"8BIM" + struct.pack(">HHI", _IPTC, 0, len(content)) + content + bytes(len(content) % 2)
