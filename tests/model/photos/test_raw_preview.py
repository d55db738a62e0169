"""Of a camera's RAW file its own preview is cropped, if it is worth that; else the file is named for what it is."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.errors import UnsupportedPhotoError
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.raw_preview import MIN_PREVIEW_PIXELS, largest_preview

SHORT, LONG = 3, 4


@pytest.fixture(scope="module")
def decoder():
    return Decoder(DecodeLimits(10**7, 10**4))


def jpeg(size, colour):
    buffer = BytesIO()
    Image.new("RGB", size, colour).save(buffer, "JPEG")
    return buffer.getvalue()


def lossless_jpeg(content):
    """What RAW pixels are stored as: the frame marker of another kind."""
    return content.replace(b"\xff\xc0", b"\xff\xc3", 1)


def directory(order, entries, following=0):
    content = struct.pack(order + "H", len(entries))
    for tag, (kind, value) in sorted(entries.items()):
        number = struct.pack(order + ("H" if kind == SHORT else "I"), value).ljust(4, b"\0")
        content += struct.pack(order + "HHI", tag, kind, 1) + number
    return content + struct.pack(order + "I", following)


def raw_file(previews, order="<", orientation=1, inner=True):
    """A thumbnail in the first directory, as NEF and DNG have it, and JPEGs in directories inside or behind it."""
    stored, directories, position = b"", b"", 8
    thumbnail = bytes(3 * 16 * 16)
    first_size = 2 + 12 * 11 + 4
    at = position + first_size + len(thumbnail)
    following = 0
    for content in reversed(previews):  # each directory names the one behind it
        stored += content
        directories += directory(
            order, {256: (LONG, 9), 259: (SHORT, 7), 513: (LONG, at), 514: (LONG, len(content))}, following
        )
        following = at + len(content)
        at = following + 2 + 12 * 4 + 4
        stored, directories = stored + directories, b""
    entries = {
        254: (LONG, 1), 256: (LONG, 16), 257: (LONG, 16), 258: (SHORT, 8), 259: (SHORT, 1), 262: (SHORT, 2),
        273: (LONG, position + first_size), 274: (SHORT, orientation), 277: (SHORT, 3), 279: (LONG, len(thumbnail)),
        330 if inner else 50706: (LONG, following),
    }  # fmt: skip
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    return head + directory(order, entries, 0 if inner else following) + thumbnail + stored


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("inner", [True, False])
def test_the_largest_preview_is_cropped_and_said_so(decoder, order, inner):
    small, large = jpeg((800, 500), "red"), jpeg((1200, 800), "blue")
    photo = raw_file([small, large, lossless_jpeg(jpeg((4000, 3000), "green"))], order, inner=inner)
    decoded = decoder.decode(decoder.open(photo))
    assert (decoded.width, decoded.height, decoded.format) == (1200, 800, "JPEG")
    assert decoded.model_input.mean((0, 1)) == pytest.approx((0, 0, 254), abs=2)
    assert "preview of 1200 x 800" in decoded.warnings[0]


@pytest.mark.parametrize("at_full_scale", [True, False])
def test_a_preview_is_turned_as_the_raw_file_says(decoder, at_full_scale):
    opened = decoder.open(raw_file([jpeg((1200, 800), "blue")], orientation=6), at_full_scale=at_full_scale)
    decoded = decoder.decode(opened)
    assert (decoded.width, decoded.height) == (800, 1200)


@pytest.mark.parametrize(
    "previews", [[], [jpeg((160, 107), "red")], [lossless_jpeg(jpeg((1200, 800), "red"))], [b"\xff\xd8\xff"]]
)
def test_without_a_preview_worth_having_the_file_is_named_raw(decoder, previews):
    with pytest.raises(UnsupportedPhotoError, match="camera RAW"):
        decoder.open(raw_file(previews))


def test_canons_raw_is_known_by_its_first_bytes(decoder):
    buffer = BytesIO()
    Image.new("RGB", (60, 40)).save(buffer, "TIFF")
    photo = buffer.getvalue()
    count = int.from_bytes(photo[8:10], "little")
    entries = photo[10 : 10 + 12 * count]  # the directory again, behind the file
    canon = photo[:4] + struct.pack("<I", len(photo)) + b"CR" + photo[10:] + photo[8:10] + entries + bytes(4)
    with pytest.raises(UnsupportedPhotoError, match="camera RAW"):
        decoder.open(canon)


def test_any_bytes_have_a_preview_or_none():
    chance = np.random.default_rng(3)
    photo = raw_file([jpeg((800, 500), "red"), jpeg((900, 500), "red")])
    found = 0
    for _ in range(2000):
        damaged = bytearray(photo)
        for at in chance.integers(0, len(photo), 5):
            damaged[at] = chance.integers(0, 256)
        kept = chance.integers(0, 2 * len(damaged))
        preview = largest_preview(bytes(damaged[:kept]))
        found += preview is not None
        assert preview is None or preview.width * preview.height >= MIN_PREVIEW_PIXELS
    assert found
