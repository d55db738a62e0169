"""A loaded picture and what its file says beside the pixels -> parts of a message, and back.

Only plain words, numbers and bytes cross. Knows Pillow; nothing of processes.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

from PIL import Image

from vrn_cropper.model.photos.colour_spaces import ColourSpace
from vrn_cropper.model.photos.orientation import exif_of_tiff

_STRIP_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 4
_SKIP = object()


def picture_parts(image: Image.Image) -> tuple[dict[str, Any], list[bytes | Iterator[bytes]]]:
    """Header and parts: what the file says, the palette, the pixels packed row by row."""
    palette_mode = image.im.getpalettemode() if image.mode in ("P", "PA") else None
    palette = image.im.getpalette(palette_mode, palette_mode) if palette_mode else b""
    header = {"mode": image.mode, "size": image.size, "format": image.format, "palette_mode": palette_mode}
    return header, [json.dumps(_to_json(_said_of(image), 0)).encode(), palette, _rows(image)]


def picture_of(header: dict[str, Any], said: memoryview, palette: memoryview, pixels: memoryview) -> Image.Image:
    """The picture again, loaded. Raises ValueError, KeyError or TypeError for what `picture_parts` did not make."""
    width, height = header["size"]
    image = Image.frombytes(str(header["mode"]), (int(width), int(height)), pixels)
    if header["palette_mode"]:
        image.putpalette(bytes(palette), str(header["palette_mode"]))
    image.info = _from_json(json.loads(bytes(said)))
    image.format = str(header["format"])
    return image


def _said_of(image: Image.Image) -> dict[Any, Any]:
    said = dict(image.info)
    if hasattr(image, "tag_v2"):  # TIFF has its entries in the file itself
        said["exif"] = exif_of_tiff(image)
    return said


def _rows(image: Image.Image) -> Iterator[bytes]:
    """The pixels in strips: packed whole they would be held twice."""
    width, height = image.size
    rows = max(1, _STRIP_BYTES // (4 * width))
    for top in range(0, height, rows):
        yield image.crop((0, top, width, min(top + rows, height))).tobytes()


def _to_json(value: Any, depth: int) -> Any:
    """Itself for JSON's own scalars, else a pair of a kind and content; what has no place here is left out."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes | bytearray):
        return {"bytes": base64.b64encode(value).decode()}
    if depth < _MAX_DEPTH:
        if isinstance(value, ColourSpace):
            return {"space": list(value)}
        if isinstance(value, tuple | list):
            items = [_to_json(item, depth + 1) for item in value]
            return {"tuple": [item for item in items if item is not _SKIP]}
        if isinstance(value, dict):
            pairs = [(_to_json(key, _MAX_DEPTH), _to_json(item, depth + 1)) for key, item in value.items()]
            return {"dict": [pair for pair in pairs if _SKIP not in pair]}
    try:
        return float(value)  # a fraction, as resolutions are
    except (TypeError, ValueError, ZeroDivisionError):
        return _SKIP


def _from_json(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "bytes":
        return base64.b64decode(content)
    if kind == "space":
        return ColourSpace(*content)
    if kind == "tuple":
        return tuple(_from_json(item) for item in content)
    return {_from_json(key): _from_json(item) for key, item in content}
