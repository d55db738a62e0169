"""Decoding's promises: right picture, right coordinates, limits before pixels, one named error a fault."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from vrn_cropper.model.errors import BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.input_shapes import choose_input_shape
from vrn_cropper.model.photos.reading import REDUCE_MARGIN

LIMITS = DecodeLimits(max_pixels=4_000_000, max_side_px=8000)


class WholeDecoder(Decoder):
    """Opens and decodes in one go."""

    def decode(self, photo):
        return super().decode(self.open(photo))


@pytest.fixture(scope="module")
def decoder():
    return WholeDecoder(LIMITS)


def encode(image, file_format, **options):
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def flat(colour, mode="RGB", size=(300, 200)):
    return Image.new(mode, size, colour)


def corner_colours(model_input):
    """Mean colour near top left, top right, bottom left, bottom right."""
    height, width = model_input.shape[:2]
    ys, xs = (height // 8, height - height // 8), (width // 8, width - width // 8)
    return [model_input[y - 3 : y + 3, x - 3 : x + 3].mean((0, 1)) for y in ys for x in xs]


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF"])
def test_every_allowed_format_is_decoded_to_the_same_picture(decoder, photo_bytes, file_format):
    options = {"lossless": True} if file_format == "WEBP" else {}
    decoded = decoder.decode(photo_bytes(300, 200, file_format, **options))
    expected = decoder.decode(photo_bytes(300, 200, "PNG"))
    assert (decoded.width, decoded.height, decoded.format) == (300, 200, file_format)
    assert decoded.model_input.dtype == np.uint8
    assert decoded.model_input.shape == (*decoded.input_shape, 3)
    difference = np.abs(decoded.model_input.astype(int) - expected.model_input.astype(int)).mean()
    assert difference < 6  # lossy formats, and 256 colours of a GIF


def test_content_decides_not_what_it_claims_to_be(decoder):
    with pytest.raises(UnsupportedPhotoError):
        decoder.decode(b"%PDF-1.7 \xff\xd8\xff")
    with pytest.raises(UnsupportedPhotoError):
        decoder.decode(encode(flat("red"), "PPM"))  # Pillow knows it, the allow-list does not


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("file_format", "size"),
    [(name, (300, 200)) for name in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF")]
    + [(name, (1500, 1000)) for name in ("JPEG", "PNG", "TIFF")],  # large enough to be reduced
)
def test_orientation_is_applied_to_pixels_and_size(decoder, photo_bytes, orientation, file_format, size):
    upright = Image.open(BytesIO(photo_bytes(*size, "PNG")))
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = upright.transpose(back[orientation]) if orientation in back else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    decoded = decoder.decode(encode(stored, file_format, exif=exif.tobytes()))
    expected = decoder.decode(photo_bytes(*size, "PNG"))
    assert (decoded.width, decoded.height) == size
    for ours, theirs in zip(corner_colours(decoded.model_input), corner_colours(expected.model_input), strict=True):
        assert ours == pytest.approx(theirs, abs=20)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_crop(decoder):
    exif = b"Exif\x00\x00MM\x00*\xff\xff\xff\xff garbage"
    assert decoder.decode(encode(flat("red"), "JPEG", exif=exif)).width == 300


@pytest.mark.parametrize(
    ("image", "file_format", "expected"),
    [
        (flat((0, 255, 255, 0), "CMYK"), "JPEG", (255, 0, 0)),
        (flat((0, 255, 255, 0), "CMYK"), "TIFF", (255, 0, 0)),
        (flat("red").convert("P"), "PNG", (255, 0, 0)),
        (flat(128, "L"), "PNG", (128, 128, 128)),
        (flat(1, "1"), "PNG", (255, 255, 255)),
        (flat(32896, "I;16"), "PNG", (128, 128, 128)),
        (flat(32896, "I;16"), "TIFF", (128, 128, 128)),
        (flat(0.5, "F"), "TIFF", (128, 128, 128)),
        (flat((255, 0, 0, 0), "RGBA"), "PNG", (255, 255, 255)),
        (flat((255, 0, 0, 128), "RGBA"), "PNG", (255, 127, 127)),
        (flat((255, 0, 0, 128), "RGBA", (2000, 1500)), "PNG", (255, 127, 127)),
        (flat((0, 0), "LA"), "PNG", (255, 255, 255)),
        (flat((255, 0, 0, 0), "RGBA"), "WEBP", (255, 255, 255)),
    ],
    ids=lambda value: getattr(value, "mode", str(value)),
)
def test_every_kind_of_pixel_becomes_what_a_viewer_shows(decoder, image, file_format, expected):
    decoded = decoder.decode(encode(image, file_format))
    assert decoded.model_input.mean((0, 1)) == pytest.approx(expected, abs=4)


def test_palette_transparency_is_laid_over_white(decoder):
    palette = flat("red").convert("P")
    index = palette.getpixel((0, 0))
    decoded = decoder.decode(encode(palette, "PNG", transparency=index))
    assert decoded.model_input.mean((0, 1)) == pytest.approx((255, 255, 255), abs=1)


def test_embedded_profile_is_applied(decoder):
    lab = ImageCms.createProfile("sRGB")
    # A profile whose red and green primaries are swapped would be a green picture: XYZ columns exchanged.
    profile = bytearray(ImageCms.ImageCmsProfile(lab).tobytes())
    tags = {
        bytes(profile[offset : offset + 4]): offset + 4
        for offset in range(132, 132 + 12 * struct.unpack(">I", profile[128:132])[0], 12)
    }
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 8], profile[green : green + 8] = (
        profile[green : green + 8], profile[red : red + 8],
    )  # fmt: skip
    decoded = decoder.decode(encode(flat((255, 0, 0)), "PNG", icc_profile=bytes(profile)))
    assert decoded.model_input.mean((0, 1)) == pytest.approx((0, 255, 0), abs=6)


@pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 16 + b"RGB " + b"\x00" * 200])
def test_damaged_or_foreign_profile_is_ignored(decoder, profile):
    decoded = decoder.decode(encode(flat((255, 0, 0)), "PNG", icc_profile=profile))
    assert decoded.model_input.mean((0, 1)) == pytest.approx((255, 0, 0), abs=1)


def test_first_frame_of_an_animation_is_taken(decoder):
    frames = [flat("red"), flat("blue")]
    decoded = decoder.decode(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert decoded.model_input.mean((0, 1)) == pytest.approx((255, 0, 0), abs=1)


def test_phone_jpeg_with_a_second_picture_is_a_photo(decoder):
    decoded = decoder.decode(
        encode(flat("red", size=(2400, 1600)), "MPO", save_all=True, append_images=[flat("blue")])
    )
    assert (decoded.width, decoded.height) == (2400, 1600)
    assert decoded.model_input.mean((0, 1)) == pytest.approx((254, 0, 0), abs=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (60, 1), (3, 4000), (4000, 3)])
def test_tiny_photos_and_strips_are_decoded(decoder, photo_bytes, size):
    decoded = decoder.decode(photo_bytes(*size, "PNG"))
    assert (decoded.width, decoded.height) == size
    assert decoded.model_input.shape == (*choose_input_shape(*size), 3)


def test_large_jpeg_is_decoded_at_reduced_scale_and_keeps_its_coordinates(decoder, photo_bytes):
    photo = photo_bytes(2400, 1600, "JPEG")
    assert decoder.open(photo).pixels == 600 * 400
    assert decoder.open(photo, at_full_scale=True).pixels == 2400 * 1600
    decoded = decoder.decode(photo)
    assert (decoded.width, decoded.height) == (2400, 1600)
    assert REDUCE_MARGIN * decoded.input_shape.width <= 600


# Nine tenths of a JPEG are nearly the whole photo, and are taken with a warning.
CUT_SHORT = [("JPEG", 0.3), ("JPEG", 0.8)] + [
    (file_format, share)
    for file_format in ("PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF")
    for share in (0.3, 0.8, 0.9)
]


@pytest.mark.parametrize(("file_format", "share"), CUT_SHORT)
def test_file_cut_short_is_named_broken(decoder, file_format, share):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8))
    photo = encode(noise, file_format)
    with pytest.raises(BrokenPhotoError):
        decoder.decode(photo[: int(len(photo) * share)])


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "HEIF", "AVIF"])
def test_damaged_bytes_give_a_photo_or_a_named_error_and_nothing_else(decoder, photo_bytes, file_format):
    photo = bytearray(photo_bytes(64, 48, file_format))
    chance = np.random.default_rng(7)
    for _ in range(60):
        damaged = bytearray(photo)
        for position in chance.integers(0, len(photo), 4):
            damaged[position] = chance.integers(0, 256)
        try:
            decoded = decoder.decode(bytes(damaged))
        except (BrokenPhotoError, UnsupportedPhotoError, PhotoTooLargeError):
            continue
        assert decoded.model_input.shape == (*decoded.input_shape, 3)


def test_empty_upload_says_so(decoder):
    with pytest.raises(BrokenPhotoError, match="empty"):
        decoder.decode(b"")


def png_header(width, height):
    """A PNG that promises many pixels and holds none."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(2001, 2000), (8001, 1), (1, 8001), (100_000, 100_000)])
def test_too_many_pixels_are_refused_before_any_is_decoded(decoder, size):
    with pytest.raises(PhotoTooLargeError, match="4000000 pixels and 8000 pixels a side"):
        decoder.decode(png_header(*size))


def test_photo_at_the_limit_is_taken(decoder, photo_bytes):
    assert decoder.decode(photo_bytes(2000, 2000, "PNG")).width == 2000


def test_heif_thumbnails_and_threads_are_not_used(decoder):
    assert pillow_heif.options.DECODE_THREADS == 1
    assert pillow_heif.options.THUMBNAILS is False


def test_large_photo_with_alpha_is_laid_over_white_whatever_hides_in_transparent_pixels(decoder):
    photo = Image.new("RGBA", (2000, 1500), (255, 0, 0, 0))
    photo.paste((0, 0, 255, 255), (1000, 0, 2000, 1500))
    buffer = BytesIO()
    photo.save(buffer, "PNG", compress_level=1)
    seen = decoder.decode(buffer.getvalue()).model_input
    assert seen[:, : seen.shape[1] // 2 - 4].min() == 255
    assert (seen[:, seen.shape[1] // 2 + 4 :] == (0, 0, 255)).all()


def noise(width=300, height=200):
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("lost_bytes", [1, 2, 200])
@pytest.mark.parametrize("at_full_scale", [False, True])
def test_jpeg_that_lacks_only_its_end_is_decoded_with_a_warning(decoder, progressive, lost_bytes, at_full_scale):
    photo = encode(noise(1200, 800), "JPEG", progressive=progressive)
    opened = decoder.open(photo[:-lost_bytes], at_full_scale=at_full_scale)
    decoded = Decoder.decode(decoder, opened)
    assert (decoded.width, decoded.height) == (1200, 800)
    assert len(decoded.warnings) == 1
    assert "cut short" in decoded.warnings[0]
    whole = decoder.decode(photo)
    assert whole.warnings == ()
    assert np.abs(decoded.model_input.astype(int) - whole.model_input).mean() < 2
    if at_full_scale:  # what a crop is cut from
        assert opened.stored.image.size == (1200, 800)
        assert np.asarray(opened.stored.image)[:700].std() > 20


def png_chunk(kind, data, checksum=None):
    checksum = zlib.crc32(kind + data) if checksum is None else checksum
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"tEXt", b"Comment\x00hello", checksum=1),
        png_chunk(b"eXIf", b"MM\x00*", checksum=1),
        png_chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(80_000_000))),
        png_chunk(b"iCCP", b"profile\x00\x00" + zlib.compress(bytes(80_000_000))),
    ],
    ids=["text", "exif", "text bomb", "profile bomb"],
)
@pytest.mark.parametrize("place", ["before", "after"])
def test_damage_outside_the_pixels_does_not_cost_the_photo(decoder, chunk, place):
    photo = encode(noise(), "PNG")
    at = 33 if place == "before" else len(photo) - 12
    expected = decoder.decode(photo).model_input
    np.testing.assert_array_equal(decoder.decode(photo[:at] + chunk + photo[at:]).model_input, expected)


@pytest.mark.parametrize("stated", [0, 10, 2**31])
def test_wrong_size_of_a_webp_container_does_not_cost_the_photo(decoder, stated):
    photo = encode(noise(), "WEBP")
    damaged = photo[:4] + struct.pack("<I", stated) + photo[8:]
    np.testing.assert_array_equal(decoder.decode(damaged).model_input, decoder.decode(photo).model_input)


def test_compatible_brands_tell_what_the_major_brand_does_not(decoder):
    photo = encode(flat("red"), "HEIF")
    for brand in (b"miaf", b"mif2", b"MiHE"):
        assert decoder.decode(photo[:8] + brand + photo[12:]).format == "HEIF"


def bmp_of_bitfields():
    """32 bits a pixel with masks that nobody uses; every byte that it promises is there."""
    header = struct.pack("<IiiHHIIiiII", 56, 20, 10, 1, 32, 3, 800, 0, 0, 0, 0)
    masks = struct.pack("<IIII", 0x3FF, 0xFFC00, 0x3FF00000, 0xC0000000)
    return b"BM" + struct.pack("<IHHI", 14 + 56 + 800, 0, 0, 70) + header + masks + bytes(800)


def tiff_of(**entries):
    """A TIFF directory alone, of short values by tag number."""
    numbers = sorted((int(tag[1:]), value) for tag, value in entries.items())
    content = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in numbers)
    return b"II*\x00" + struct.pack("<IH", 8, len(numbers)) + content + bytes(4 + 2000)


@pytest.mark.parametrize(
    ("upload", "said"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(40), "not a photo in a supported format"),
        (bmp_of_bitfields(), "this kind of BMP"),
        (tiff_of(t256=20, t257=20, t258=24, t259=1, t262=2, t273=300, t277=7, t279=900), "this kind of TIFF"),
        (
            tiff_of(t254=1, t256=20, t257=10, t258=8, t259=1, t262=1, t273=200, t277=1, t278=10, t279=200, t50706=1),
            "camera RAW",
        ),
    ],
    ids=["sound", "bitfields", "seven samples", "thumbnail of a RAW file"],
)
def test_whole_files_of_kinds_that_are_not_read_are_not_called_damaged(decoder, upload, said):
    with pytest.raises(UnsupportedPhotoError, match=said):
        decoder.decode(upload)


def test_full_page_of_a_tiff_is_taken_not_its_thumbnail(decoder):
    buffer = BytesIO()
    thumbnail, full = flat("red", size=(60, 40)), flat("blue", size=(600, 400))
    thumbnail.save(buffer, "TIFF", tiffinfo={254: 1}, save_all=True, append_images=[full])
    both_marked = buffer.getvalue()  # Pillow writes the tag to both pages
    at = both_marked.rindex(struct.pack("<HHII", 254, 4, 1, 1))
    decoded = decoder.decode(both_marked[: at + 8] + bytes(4) + both_marked[at + 12 :])
    assert (decoded.width, decoded.height) == (600, 400)
    assert decoded.model_input.mean((0, 1)) == pytest.approx((0, 0, 255), abs=1)
    assert decoder.decode(both_marked).width == 60  # no RAW file, and nothing better in it


def jpeg_of(size, **options):
    """One grey, quickly made."""
    return encode(Image.new("L", size, 90), "JPEG", **options)


def test_jpeg_at_reduced_scale_may_have_four_times_the_pixels(decoder):
    """Phones make photos of 108 and 200 megapixels, where 100 are the limit of what is decoded at full scale."""
    photo = jpeg_of((4000, 3900))
    opened = decoder.open(photo)
    assert opened.pixels < 4_000_000 / 8
    assert (decoder.decode(photo).width, decoder.decode(photo).height) == (4000, 3900)
    with pytest.raises(PhotoTooLargeError):
        decoder.open(photo, at_full_scale=True)
    with pytest.raises(PhotoTooLargeError):
        decoder.open(jpeg_of((4000, 4100)))
    with pytest.raises(PhotoTooLargeError):  # held whole, whatever its scale
        decoder.open(jpeg_of((4000, 3900), progressive=True))


def in_one_scan_a_component(photo):
    """A baseline JPEG whose header says that its first scan has one component."""
    at = photo.index(b"\xff\xda")
    return photo[:at] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + photo[at + 14 :]


def test_jpeg_whose_first_scan_lacks_colours_counts_at_full_scale(decoder):
    photo = encode(noise(1600, 1200), "JPEG")
    assert decoder.open(photo).pixels <= 1600 * 1200 / 4
    assert decoder.open(in_one_scan_a_component(photo)).pixels >= 1600 * 1200
