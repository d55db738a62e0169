"""Colours that a file states without a profile come out as they were meant."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image

from vrn_cropper.model.photos.colour_spaces import ColourSpace, in_srgb, stated_space
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.photos.reading import read_photo

SHAPE = (InputShape(256, 256),)
# Linear sRGB -> linear Display P3 and BT.2020, from the standards' own tables.
TO_P3 = np.array([[0.8225, 0.1774, 0.0], [0.0332, 0.9669, 0.0], [0.0171, 0.0724, 0.9108]])
TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
COLOURS = [(200, 60, 40), (60, 160, 70), (40, 60, 180), (128, 128, 128), (20, 20, 24)]


def srgb_to_linear(code):
    code = np.asarray(code) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(light):
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def pq(light):
    power = (light * 203 / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def hlg(light):
    scene = light * 0.265
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 0.1)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


SPACES = {
    "Display P3": (12, 13, TO_P3, linear_to_srgb),
    "PQ": (9, 16, TO_2020, pq),
    "HLG": (9, 18, TO_2020, hlg),
}


def flat(codes):
    """Codes 0..1 of one colour -> a picture of it."""
    return Image.new("RGB", (300, 300), tuple(np.rint(np.clip(codes, 0, 1) * 255).astype(int).tolist()))


def png(image, *chunks):
    """A PNG with further chunks behind its header."""
    buffer = BytesIO()
    image.save(buffer, "PNG")
    content = buffer.getvalue()
    extra = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return content[:33] + extra + content[33:]


def avif(image, primaries, transfer):
    """An AVIF whose nclx box states other colours than those it was written with."""
    buffer = BytesIO()
    image.save(buffer, "AVIF", quality=100, subsampling="4:4:4", speed=10)
    content = bytearray(buffer.getvalue())
    at = content.index(b"colrnclx")
    content[at + 8 : at + 12] = struct.pack(">HH", primaries, transfer)
    return bytes(content)


def heif(image, primaries, transfer):
    pillow_heif.register_heif_opener(thumbnails=False)
    buffer = BytesIO()
    options = {"color_primaries": primaries, "transfer_characteristics": transfer}
    image.save(buffer, "HEIF", quality=100, chroma=444, **options)
    return buffer.getvalue()


def colour_of(photo):
    return read_photo(photo, SHAPE).model_input.mean((0, 1))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("container", ["PNG", "AVIF", "HEIF"])
def test_a_colour_in_another_space_comes_back_as_it_was(space, colour, container):
    primaries, transfer, matrix, encode = SPACES[space]
    image = flat(encode(np.maximum(matrix @ srgb_to_linear(colour), 0)))
    if container == "PNG":
        photo = png(image, (b"cICP", bytes([primaries, transfer, 0, 1])))
    else:
        photo = (avif if container == "AVIF" else heif)(image, primaries, transfer)
    assert colour_of(photo) == pytest.approx(colour, abs=9)


def test_what_is_brighter_than_white_is_compressed_not_wrapped():
    levels = [
        colour_of(png(flat([code] * 3), (b"cICP", bytes([9, 16, 0, 1])))).mean() for code in (0.58, 0.7, 0.9, 1)
    ]
    assert levels == sorted(levels)
    assert levels[0] > 240
    assert levels[-1] <= 255


def test_gamma_is_applied_unless_the_file_says_srgb():
    colour = (200, 60, 40)
    linear = flat(srgb_to_linear(colour))
    gamma = (b"gAMA", struct.pack(">I", 100_000))
    assert colour_of(png(linear, gamma)) == pytest.approx(colour, abs=4)
    assert colour_of(png(linear, (b"sRGB", b"\x00"), gamma)) == pytest.approx(np.asarray(linear).mean((0, 1)), abs=1)
    usual = (b"gAMA", struct.pack(">I", 45_455))
    assert colour_of(png(flat(np.array(colour) / 255), usual)) == pytest.approx(colour, abs=0.1)


def test_adobe_rgb_by_the_cameras_tag_alone():
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.ColorSpace: 65535, ExifTags.IFD.Interop: {1: "R03"}}
    buffer = BytesIO()
    Image.new("RGB", (300, 300), (150, 130, 60)).save(buffer, "JPEG", quality=95, exif=exif)
    red, green, blue = colour_of(buffer.getvalue())
    assert red > 155  # Adobe RGB is wider: the same codes are stronger colours
    assert blue < 58
    assert green == pytest.approx(130, abs=3)


def test_a_profile_is_believed_before_code_points_but_cannot_say_pq():
    image = Image.new("RGB", (8, 8))
    assert stated_space(image) is None
    assert in_srgb(image) is image
    assert ColourSpace(1, 13).is_srgb
    assert ColourSpace(2, 2).is_srgb
    assert ColourSpace(1, 1).is_srgb
    assert not ColourSpace(12, 13).is_srgb
    assert not ColourSpace(1, 16).is_srgb
