"""AVIF and HEIF: the picture's size as its boxes state it, against the bytes that are there."""

from vrn_cropper.model.errors import PhotoTooLargeError

# Flat colour compresses to less than this; nothing that was photographed does. Small pictures may be as flat as
# they like: they cost nothing.
MAX_PIXELS_PER_BYTE = 10_000
ALWAYS_ALLOWED_PIXELS = 50_000_000
MAX_SIZES = 10_000


def is_boxed(photo: bytes) -> bool:
    """Whether the file begins as AVIF and HEIF do."""
    return photo[4:8] == b"ftyp"


def check_avif_heif(photo: bytes) -> None:
    """Raises PhotoTooLargeError for a canvas that the bytes cannot have been made from."""
    position, sizes, largest = 0, 0, 0
    while (position := photo.find(b"ispe", position)) >= 0 and sizes < MAX_SIZES:
        width, height = (int.from_bytes(photo[at : at + 4]) for at in (position + 8, position + 12))
        largest, sizes, position = max(largest, width * height), sizes + 1, position + 4
    if largest > max(ALWAYS_ALLOWED_PIXELS, MAX_PIXELS_PER_BYTE * len(photo)):
        raise PhotoTooLargeError("the picture claims far more pixels than its bytes can hold; send a smaller one")
