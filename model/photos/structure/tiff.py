"""TIFF: entries of the first directory, and the strips or tiles that they list.

A decoder reads all entries and sets up one step for each strip or tile in Python.
"""

import struct

from vrn_cropper.model.errors import PhotoTooLargeError

MAX_ENTRIES = 1000
MAX_PARTS = 65_536
MAX_VALUES = 1_000_000
_STRIP_OFFSETS, _TILE_OFFSETS = 273, 324


def check_tiff(photo: bytes) -> None:
    """Raises PhotoTooLargeError for a directory that no picture needs."""
    order = "<" if photo.startswith(b"II") else ">"
    if photo[2:4] in (b"+\x00", b"\x00+"):  # BigTIFF
        offset_at, count_format, entry_format = 8, "Q", "HHQ8s"
    else:
        offset_at, count_format, entry_format = 4, "H", "HHI4s"
    try:
        (offset,) = struct.unpack_from(order + ("Q" if offset_at == 8 else "I"), photo, offset_at)
        (entries,) = struct.unpack_from(order + count_format, photo, offset)
        if entries > MAX_ENTRIES:
            raise PhotoTooLargeError("the TIFF's directory has too many entries; save it again")
        entry = struct.Struct(order + entry_format)
        values = 0
        for index in range(entries):
            at = offset + struct.calcsize(order + count_format) + index * entry.size
            tag, _, count, _ = entry.unpack_from(photo, at)
            if tag in (_STRIP_OFFSETS, _TILE_OFFSETS) and count > MAX_PARTS:
                raise PhotoTooLargeError("the TIFF has too many strips or tiles; save it again with larger ones")
            # Bytes of metadata are read in one go; numbers one by one.
            values += count if count * 8 > len(photo) or tag in (_STRIP_OFFSETS, _TILE_OFFSETS) else count // 64
    except (struct.error, OverflowError):
        return  # cut short: the decoder says so
    if values > max(MAX_VALUES, len(photo)):
        raise PhotoTooLargeError("the TIFF's directory lists too many values; save it again")
