"""Whole files come out as they are meant, whatever Pillow makes of them."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.orientation import orientation_of
from vrn_cropper.model.photos.reading import read_photo, read_upright

WIDTH, HEIGHT = 60, 40
SHORT, LONG = 3, 4
_CODES = {SHORT: "H", LONG: "I"}


@pytest.fixture(scope="module")
def decoder():
    return Decoder(DecodeLimits(10**6, 10**4))


def tiff(strips, entries, order="<"):
    """A TIFF of the given strips; `entries` are short values by tag, one or a list."""
    values = {256: WIDTH, 257: HEIGHT, 259: 1, 278: HEIGHT, **entries}
    table = {tag: (SHORT, value if isinstance(value, list) else [value]) for tag, value in values.items()}
    table[273], table[279] = (LONG, [0] * len(strips)), (LONG, [len(strip) for strip in strips])

    def packed(kind, numbers):
        return struct.pack(f"{order}{len(numbers)}{_CODES[kind]}", *numbers)

    start = 8 + 2 + 12 * len(table) + 4
    inside = sum(len(packed(*entry)) for entry in table.values() if len(packed(*entry)) > 4)
    offsets = [start + inside + sum(map(len, strips[:index])) for index in range(len(strips))]
    table[273] = (LONG, offsets)
    directory, extra = b"", b""
    for tag, (kind, numbers) in sorted(table.items()):
        content = packed(kind, numbers)
        directory += struct.pack(order + "HHI", tag, kind, len(numbers))
        if len(content) <= 4:
            directory += content.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "I", start + len(extra))
            extra += content
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, len(table))
    return head + directory + bytes(4) + extra + b"".join(strips)


def ramps(order):
    """Red to the right, green downwards, blue in the top left; each uint16 (HEIGHT, WIDTH)."""
    red = np.linspace(0, 65535, WIDTH).astype(f"{order}u2")[None, :].repeat(HEIGHT, 0)
    green = np.linspace(0, 65535, HEIGHT).astype(f"{order}u2")[:, None].repeat(WIDTH, 1)
    blue = np.zeros((HEIGHT, WIDTH), f"{order}u2")
    blue[: HEIGHT // 2, : WIDTH // 2] = 65535
    return red, green, blue


def decoded(decoder, photo):
    opened = decoder.open(photo, at_full_scale=True)
    return decoder.decode(opened), opened.loaded_image


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
def test_planes_of_16_bits_are_the_picture(decoder, order, compression):
    strips = [plane.tobytes() if compression == 1 else zlib.compress(plane.tobytes()) for plane in ramps(order)]
    entries = {258: [16, 16, 16], 259: compression, 262: 2, 277: 3, 284: 2}
    photo, image = decoded(decoder, tiff(strips, entries, order))
    expected = np.stack(ramps("<"), axis=2) >> 8
    assert np.abs(np.asarray(image).astype(int) - expected).max() <= 1
    np.testing.assert_array_equal(photo.model_input, read_photo(tiff(strips, entries, order)).model_input)


@pytest.mark.parametrize("bits", [1, 8, 16])
def test_grey_whose_zero_is_white_is_no_negative(decoder, bits):
    red = ramps("<")[0]
    strips = {1: np.packbits(red > 32767, axis=1), 8: (red >> 8).astype("u1"), 16: red}[bits].tobytes()
    photo, image = decoded(decoder, tiff([strips], {258: bits, 262: 0, 274: 6, 277: 1}))
    grey = np.asarray(read_upright(image.copy() if bits != 16 else image))[..., 0]
    assert grey[0].mean() > 220  # turned: what was on the left is on top
    assert grey[-1].mean() < 35
    assert (image.size, orientation_of(image)) == ((HEIGHT, WIDTH), 1)  # Pillow turns TIFF itself
    assert (photo.width, photo.height) == (HEIGHT, WIDTH)


def gif(frames, **options):
    buffer = BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], **options)
    return buffer.getvalue()


def with_smaller_first_frame(photo, left, top, canvas):
    """The GIF on a larger canvas, its first frame at (left, top)."""
    content = bytearray(photo)
    content[6:10] = struct.pack("<HH", *canvas)
    at = content.index(b"\x2c", 13 + 3 * 2 ** ((content[10] & 7) + 1))
    content[at + 1 : at + 5] = struct.pack("<HH", left, top)
    return bytes(content)


def test_what_a_gifs_first_frame_leaves_free_is_transparent(decoder):
    photo = with_smaller_first_frame(gif([Image.new("RGB", (60, 40), (200, 0, 0))]), 30, 20, (120, 80))
    shown, image = decoded(decoder, photo)
    assert image.mode == "RGBA"
    alpha = np.asarray(image)[..., 3]
    assert alpha[20:60, 30:90].min() == 255
    assert alpha.astype(int).sum() == 255 * 60 * 40
    assert shown.model_input[2, 2].tolist() == [255, 255, 255]
    assert shown.model_input[80, 120].tolist() == pytest.approx([200, 0, 0], abs=3)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP"])
def test_of_an_animation_that_begins_empty_the_first_frame_with_something_is_taken(decoder, file_format):
    full = Image.new("RGBA", (60, 40), (0, 0, 200, 255))
    frames = [Image.new("RGBA", (60, 40)), Image.new("RGBA", (60, 40), (0, 0, 0, 0)), full]
    buffer = BytesIO()
    frames[0].save(buffer, file_format, save_all=True, append_images=frames[1:], duration=[10, 20, 30], lossless=True)
    shown, image = decoded(decoder, buffer.getvalue())
    assert shown.model_input.mean((0, 1)) == pytest.approx((0, 0, 200), abs=3)
    assert (image.format, image.size) == (file_format, (60, 40))


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG"])
def test_a_picture_with_nothing_on_it_is_still_a_picture(decoder, file_format):
    buffer = BytesIO()
    Image.new("RGBA", (60, 40)).save(buffer, file_format)
    shown, _ = decoded(decoder, buffer.getvalue())
    assert shown.model_input.min() == 255
