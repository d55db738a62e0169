"""Colour spaces that a file states without a profile (cICP, nclx, gAMA, DCF's Adobe RGB) -> sRGB.

What is brighter than white (PQ, HLG) is tone-mapped: left alone up to near white, compressed above. Knows Pillow.
"""

import struct
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageFile

_SPACE_KEY = "vrn_colour_space"
_STRIP_ROWS = 256
_WHITE_XY = (0.3127, 0.3290)
_WHITE_NITS = 203.0  # what PQ and HLG pictures show as the white of paper (ITU-R BT.2408)
_HLG_WHITE = 0.265  # scene light of 75 %, where HLG has that white
_KNEE = 0.8
# Code points of ITU-T H.273.
_PRIMARIES_XY = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),  # BT.709 and sRGB
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
    0: ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),  # Adobe RGB, which has no code point of its own
}
_LINEAR, _SRGB, _PQ, _HLG = 8, 13, 16, 18
_GAMMAS = {4: 2.2, 5: 2.8, _LINEAR: 1.0}
_ENCODE_STEPS = 16_384


class ColourSpace(NamedTuple):
    """Primaries and transfer by their code points; with `gamma` the transfer is that power."""

    primaries: int
    transfer: int
    gamma: float | None = None

    @property
    def is_srgb(self) -> bool:
        """Nothing to convert. The transfers of video (BT.709 and its kin) are shown as sRGB, as browsers do."""
        known = self.primaries in _PRIMARIES_XY and self.primaries != 1
        return not known and self.gamma is None and self.transfer not in (*_GAMMAS, _PQ, _HLG)


def note_colour_space(image: Image.Image) -> None:
    """Look up, in an opened and not yet loaded picture, what its file states; `stated_space` tells it later."""
    space = _space_of(image)
    if space is not None and not space.is_srgb:
        image.info[_SPACE_KEY] = space


def stated_space(image: Image.Image) -> ColourSpace | None:
    """The space that the file of a picture states without a profile, if it is another than sRGB."""
    return image.info.get(_SPACE_KEY)


def in_srgb(image: Image.Image) -> Image.Image:
    """`image` in sRGB by its stated space; itself if it states none. Greys become RGB; alpha stays."""
    space = stated_space(image)
    if space is None or image.mode not in ("L", "LA", "RGB", "RGBA"):
        return image
    rgb = image.convert("RGB")
    source = np.asarray(rgb)
    converted = np.empty_like(source)
    linear, to_srgb, encoded = _linear_table(space), _matrix(space), _encode_table()
    for row in range(0, len(source), _STRIP_ROWS):
        light = linear[source[row : row + _STRIP_ROWS]]
        light = light @ to_srgb.T
        if space.transfer in (_PQ, _HLG):
            light = _tone_mapped(light)
        steps = np.rint(np.clip(light, 0, 1) * (_ENCODE_STEPS - 1)).astype(np.uint16)
        converted[row : row + _STRIP_ROWS] = encoded[steps]
    made = Image.fromarray(converted)
    if image.mode in ("LA", "RGBA"):
        made.putalpha(image.getchannel("A"))
    made.info = {key: value for key, value in image.info.items() if key not in (_SPACE_KEY, "gamma")}
    return made


def _space_of(image: Image.Image) -> ColourSpace | None:
    has_profile = bool(image.info.get("icc_profile"))
    code = _code_points(image)
    # A profile says more than code points do, but cannot say PQ or HLG; in PNG cICP comes first by its standard.
    if code is not None and (image.format == "PNG" or not has_profile or code[1] in (_PQ, _HLG)):
        return ColourSpace(*code)
    if has_profile:
        return None
    gamma = image.info.get("gamma")
    if image.format == "PNG" and gamma and "srgb" not in image.info and not 0.44 < gamma < 0.47:
        return ColourSpace(1, _SRGB, 1 / min(max(gamma, 0.1), 5.0))
    return ColourSpace(0, _SRGB, 563 / 256) if image.format in ("JPEG", "MPO") and _is_adobe_by_dcf(image) else None


def _code_points(image: Image.Image) -> tuple[int, int] | None:
    nclx = image.info.get("nclx_profile")
    if nclx:
        return int(nclx["color_primaries"]), int(nclx["transfer_characteristics"])
    if not isinstance(image, ImageFile.ImageFile) or image.format not in ("PNG", "AVIF") or image.fp is None:
        return None
    position = image.fp.tell()
    image.fp.seek(0)
    head = image.fp.read(65_536)
    image.fp.seek(position)
    if image.format == "PNG":
        at = head.find(b"\x00\x00\x00\x04cICP")
        end = head.find(b"IDAT")
        return (head[at + 8], head[at + 9]) if at >= 0 and (end < 0 or at < end) and at + 9 < len(head) else None
    at = head.find(b"colrnclx")
    return struct.unpack_from(">HH", head, at + 8) if 0 <= at <= len(head) - 12 else None


def _is_adobe_by_dcf(image: Image.Image) -> bool:
    """Whether the camera says Adobe RGB in the one way that DCF has: index R03 of the interoperability directory."""
    try:
        details = image.getexif().get_ifd(ExifTags.IFD.Exif)
        if details.get(ExifTags.Base.ColorSpace) in (None, 1):
            return False
        index = image.getexif().get_ifd(ExifTags.IFD.Interop).get(1, "")
        return str(index.decode("latin-1") if isinstance(index, bytes) else index).startswith("R03")
    except Exception:  # damaged EXIF raises whatever its parser trips over, and must not cost the crop
        return False


def _linear_table(space: ColourSpace) -> np.ndarray:
    """Linear light of the 256 codes, float32; 1 is the white of paper."""
    code = np.arange(256) / 255
    if space.gamma is not None or space.transfer in _GAMMAS:
        light = code ** (space.gamma or _GAMMAS[space.transfer])
    elif space.transfer == _PQ:
        root = code ** (32 / 2523)
        light = (
            10_000 / _WHITE_NITS * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** 6.277394636
        )
    elif space.transfer == _HLG:
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        # The display's own gamma (1.2 at 1000 nits) is about 1 at the brightness of an sRGB screen: left out.
        light = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12) / _HLG_WHITE
    else:
        light = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _encode_table() -> np.ndarray:
    """sRGB codes of evenly spaced linear light, uint8 (_ENCODE_STEPS,)."""
    light = np.linspace(0, 1, _ENCODE_STEPS)
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(code * 255).astype(np.uint8)


def _to_xyz(primaries: int) -> np.ndarray:
    def xyz(xy: tuple[float, float]) -> np.ndarray:
        return np.array([xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]])

    columns = np.stack([xyz(xy) for xy in _PRIMARIES_XY[primaries]], axis=1)
    return columns * np.linalg.solve(columns, xyz(_WHITE_XY))


def _matrix(space: ColourSpace) -> np.ndarray:
    """Linear light of the space -> of sRGB, float32 (3, 3)."""
    primaries = space.primaries if space.primaries in _PRIMARIES_XY else 1
    return np.linalg.solve(_to_xyz(1), _to_xyz(primaries)).astype(np.float32)


def _tone_mapped(light: np.ndarray) -> np.ndarray:
    """Compressed above the knee by the strongest colour, so that hues stay."""
    peak = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    shown = np.where(peak <= _KNEE, peak, 1 - (1 - _KNEE) * np.exp(-(peak - _KNEE) / (1 - _KNEE)))
    return light * (shown / peak)
