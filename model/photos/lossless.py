"""Whether a WebP was stored without loss, which Pillow does not tell."""

from PIL import Image

_LOSSLESS_KEY = "vrn_lossless"


def note_lossless(image: Image.Image, content: bytes) -> None:
    """Look it up in the bytes of an opened picture; `is_lossless` tells it later."""
    if image.format != "WEBP":
        return
    position = 12
    while position + 8 <= len(content):
        name = content[position : position + 4]
        if name in (b"VP8L", b"VP8 "):
            image.info[_LOSSLESS_KEY] = name == b"VP8L"
            return
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        # A frame of an animation holds its picture as chunks of its own, behind sixteen bytes.
        position += 24 if name == b"ANMF" else 8 + length + length % 2


def is_lossless(image: Image.Image) -> bool:
    """Whether an opened WebP was noted as lossless."""
    return bool(image.info.get(_LOSSLESS_KEY))
