"""Small whole files of every format and kind of pixels: what the mutator starts from. Made by script."""

import struct
from io import BytesIO
from typing import Any

import pillow_heif
from PIL import Image, ImageCms

_SIZE = (96, 64)
_MODES = {
    "JPEG": ("RGB", "L", "CMYK"), "PNG": ("RGB", "RGBA", "LA", "P", "1", "I;16"), "WEBP": ("RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"), "HEIF": ("RGB", "RGBA"), "GIF": ("P", "L"), "BMP": ("RGB", "P", "1"),
    "TIFF": ("RGB", "RGBA", "CMYK", "I;16", "F", "1"),
}  # fmt: skip
_VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "progressive JPEG": ("JPEG", {"progressive": True}),
    "lossless WebP": ("WEBP", {"lossless": True}),
    "animated WebP": ("WEBP", {"save_all": True}),
    "animated GIF": ("GIF", {"save_all": True}),
    "LZW TIFF": ("TIFF", {"compression": "tiff_lzw"}),
}


def seeds() -> dict[str, bytes]:
    """Files by name."""
    pillow_heif.register_heif_opener(thumbnails=False)
    files = {f"{kind} {mode}": _saved(kind, mode, {}) for kind, modes in _MODES.items() for mode in modes}
    return files | {name: _saved(kind, "RGB", options) for name, (kind, options) in _VARIANTS.items()}


def _saved(kind: str, mode: str, options: dict[str, Any]) -> bytes:
    ramp = Image.linear_gradient("L").resize(_SIZE)
    image = ramp.convert("I").convert("I;16") if mode == "I;16" else ramp.convert(mode)
    if options.get("save_all"):
        options = {**options, "append_images": [image.transpose(Image.Transpose.ROTATE_180)]}
    if kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF"):
        exif = Image.Exif()
        exif[0x0112], exif[0x8298] = 6, "somebody"
        options = {**options, "exif": exif.tobytes()}
    if mode == "RGB" and kind not in ("GIF", "BMP", "HEIF"):
        options = {**options, "icc_profile": ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()}
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def multipart(photo: bytes, boundary: bytes = b"frontier", **fields: str) -> bytes:
    """A form of one file and text fields."""
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name.encode(), text.encode())
        for name, text in fields.items()
    ]
    head = b'--%s\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n' % boundary
    return b"".join([*parts, head, b"Content-Type: image/jpeg\r\n\r\n", photo, b"\r\n--%s--\r\n" % boundary])


INTERESTING = [b"\x00" * 4, b"\xff" * 4, struct.pack(">I", 2**31 - 1), struct.pack("<I", 2**31), b"\x00\x01", b"\x7f"]
