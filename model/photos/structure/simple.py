"""BMP, GIF and WebP: headers at fixed places."""

from vrn_cropper.model.errors import PhotoTooLargeError

# Pillow decodes run-length BMP in a Python loop: 9 megapixels a second.
MAX_RUN_LENGTH_PIXELS = 25_000_000
# The canvas of an animation is held several times over, however little is drawn on it. Small ones may be as empty as
# they like; a large one is taken if its bytes can have been made from a picture.
MAX_EMPTY_CANVAS_PIXELS = 25_000_000
MAX_CANVAS_PIXELS_PER_BYTE = 1_000
_RUN_LENGTH = (1, 2)  # BI_RLE8, BI_RLE4
_CAN_ANIMATE = 0x02


def check_bmp(photo: bytes) -> None:
    """Raises PhotoTooLargeError for a large run-length BMP."""
    if int.from_bytes(photo[14:18], "little") < 40:  # no compression in the oldest header
        return
    width, height = (abs(int.from_bytes(photo[at : at + 4], "little", signed=True)) for at in (18, 22))
    is_run_length = int.from_bytes(photo[30:34], "little") in _RUN_LENGTH
    if is_run_length and width * height > MAX_RUN_LENGTH_PIXELS:
        raise PhotoTooLargeError(
            f"a run-length BMP may have {MAX_RUN_LENGTH_PIXELS} pixels; send it uncompressed or as PNG"
        )


def check_gif(photo: bytes) -> None:
    """Raises PhotoTooLargeError for a large canvas with next to nothing on it."""
    width, height = int.from_bytes(photo[6:8], "little"), int.from_bytes(photo[8:10], "little")
    _check_canvas("GIF", width * height, len(photo))


def check_webp(photo: bytes) -> None:
    """Raises PhotoTooLargeError for a large animation with next to nothing on it."""
    if photo[12:16] == b"VP8X" and len(photo) >= 30 and photo[20] & _CAN_ANIMATE:
        _check_canvas("animated WebP", webp_canvas_pixels(photo), len(photo))


def webp_canvas_pixels(photo: bytes) -> int:
    """Pixels of the canvas that a WebP's header states; 0 of any other file, and of one that is cut short."""
    if not photo.startswith(b"RIFF") or photo[8:12] != b"WEBP" or len(photo) < 30:
        return 0
    if photo[12:16] == b"VP8X":
        sides = [1 + int.from_bytes(photo[at : at + 3], "little") for at in (24, 27)]
    elif photo[12:16] == b"VP8L":
        bits = int.from_bytes(photo[21:25], "little")
        sides = [1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)]
    else:
        sides = [int.from_bytes(photo[at : at + 2], "little") & 0x3FFF for at in (26, 28)]
    return sides[0] * sides[1]


def _check_canvas(kind: str, pixels: int, size_bytes: int) -> None:
    if pixels > max(MAX_EMPTY_CANVAS_PIXELS, MAX_CANVAS_PIXELS_PER_BYTE * size_bytes):
        raise PhotoTooLargeError(f"the {kind} claims {pixels} pixels and holds next to nothing; send a still picture")
