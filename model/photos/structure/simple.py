"""BMP, GIF and WebP: headers at fixed places."""

from vrn_cropper.model.errors import PhotoTooLargeError

# Pillow decodes run-length BMP in a Python loop that stops every other thread: 9 megapixels a second.
MAX_RUN_LENGTH_PIXELS = 4_000_000
# An animation's canvas is held several times over, and drawn while the interpreter is held.
MAX_ANIMATION_PIXELS = 25_000_000
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
    """Raises PhotoTooLargeError for a canvas larger than an animation may have."""
    _check_canvas("GIF", int.from_bytes(photo[6:8], "little"), int.from_bytes(photo[8:10], "little"))


def check_webp(photo: bytes) -> None:
    """Raises PhotoTooLargeError for an animation whose canvas is too large."""
    if photo[12:16] == b"VP8X" and len(photo) >= 30 and photo[20] & _CAN_ANIMATE:
        width, height = (1 + int.from_bytes(photo[at : at + 3], "little") for at in (24, 27))
        _check_canvas("animated WebP", width, height)


def _check_canvas(kind: str, width: int, height: int) -> None:
    if width * height > MAX_ANIMATION_PIXELS:
        raise PhotoTooLargeError(
            f"the {kind} is {width} x {height}; send at most {MAX_ANIMATION_PIXELS} pixels, or a still picture"
        )
