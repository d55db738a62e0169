"""What kind of file an upload is by its first bytes, and whether what they promise is there."""

import struct

_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF",
    b"II+\x00": "TIFF", b"MM\x00+": "TIFF", b"MM*\x00": "TIFF", b"II\x00*": "TIFF",
}  # fmt: skip
_BRANDS = frozenset(
    {b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
_SMALLEST_BMP = 54


def kind_of(photo: bytes) -> str | None:
    """The allowed format that an upload begins as, however broken the rest is; None for anything else."""
    if photo.startswith(b"RIFF"):
        return "WebP" if photo[8:12] == b"WEBP" else None
    if photo[4:8] == b"ftyp":
        return "HEIF" if photo[8:12] in _BRANDS else None
    return next((kind for signature, kind in _SIGNATURES.items() if photo.startswith(signature)), None)


def is_whole(photo: bytes) -> bool:
    """Whether a BMP or TIFF is all there, so that it is its kind that cannot be read. False for other formats."""
    if photo.startswith(b"BM"):
        stated, start = struct.unpack_from("<I4xI", photo, 2) if len(photo) >= _SMALLEST_BMP else (0, 0)
        return stated == len(photo) and start < stated
    if not photo.startswith((b"II*\x00", b"MM\x00*")):
        return False
    order = "<" if photo.startswith(b"II") else ">"
    try:
        (offset,) = struct.unpack_from(order + "I", photo, 4)
        (entries,) = struct.unpack_from(order + "H", photo, offset)
        struct.unpack_from(f"{order}{12 * entries}xI", photo, offset + 2)
    except struct.error:
        return False
    return entries > 0
