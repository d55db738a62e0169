"""The cropped picture: right pixels, upright, right colours, nothing of the metadata unless asked."""

import struct
import zlib
from dataclasses import replace
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from vrn_cropper.model.errors import CropOptionError, CropRequestError
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.orientation import stored_box
from vrn_cropper.service.core.encode import MAX_UPSCALED_PIXELS, encode_crop, output_size
from vrn_cropper.service.core.picture_request import PictureFormat, PictureOptions

BOX = (40, 20, 240, 140)
LOSSLESS = PictureOptions(format=PictureFormat.PNG)


def stored(photo):
    """A loaded photo, as the decoder hands it over."""
    pillow_heif.register_heif_opener(thumbnails=False)
    image = Image.open(BytesIO(photo))
    image.load()
    return image


def opened(picture):
    image = Image.open(BytesIO(picture.content))
    image.load()
    return image


def private_exif(orientation=1):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Make] = "Camera maker"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:01:02 03:04:05"
    return exif


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_baked_in_at_the_right_place(photo_bytes, orientation):
    photo = photo_bytes(300, 200, "PNG", exif=private_exif(orientation))
    upright = ImageOps.exif_transpose(Image.open(BytesIO(photo)))
    box = (10, 20, 150, 90)
    assert stored_box((0, 0, *upright.size), (300, 200), orientation) == (0, 0, 300, 200)
    cut = opened(encode_crop(stored(photo), box, LOSSLESS))
    np.testing.assert_array_equal(np.asarray(cut), np.asarray(upright.crop(box)))
    assert ExifTags.Base.Orientation not in cut.getexif()


@pytest.mark.parametrize(
    ("source", "written"),
    [("JPEG", "JPEG"), ("PNG", "PNG"), ("WEBP", "WEBP"), ("AVIF", "AVIF"), ("HEIF", "JPEG"), ("GIF", "PNG"),
     ("BMP", "PNG"), ("TIFF", "PNG")],
)  # fmt: skip
def test_format_is_the_sources_unless_only_cameras_write_it(photo_bytes, source, written):
    picture = encode_crop(stored(photo_bytes(300, 200, source)), BOX, PictureOptions())
    assert opened(picture).format == written
    assert opened(picture).size == (picture.width, picture.height) == (200, 120)


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF"])
@pytest.mark.parametrize("written", list(PictureFormat))
def test_metadata_is_dropped_unless_it_is_to_be_kept(photo_bytes, source, written):
    extras = {"comment": b"secret"} if source == "JPEG" else {}
    # As bytes: given as an object, Pillow leaves the GPS position out of a TIFF that it writes.
    photo = photo_bytes(300, 200, source, exif=private_exif().tobytes(), **extras)
    bare = opened(encode_crop(stored(photo), BOX, PictureOptions(format=written)))
    assert not bare.getexif()
    assert not {"exif", "xmp", "comment", "XML:com.adobe.xmp"} & set(bare.info)
    kept = opened(encode_crop(stored(photo), BOX, PictureOptions(format=written, keeps_metadata=True))).getexif()
    assert kept[ExifTags.Base.Make] == "Camera maker"
    assert kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert kept.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05"
    assert ExifTags.Base.Orientation not in kept


@pytest.mark.parametrize("written", list(PictureFormat))
def test_colour_profile_is_kept(photo_bytes, written):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = photo_bytes(300, 200, "PNG", icc_profile=profile)
    assert opened(encode_crop(stored(photo), BOX, PictureOptions(format=written))).info["icc_profile"] == profile


def test_profile_that_no_longer_fits_the_pixels_is_left_out(photo_bytes):
    grey = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    grey[16:20] = b"GRAY"
    photo = photo_bytes(300, 200, "PNG", mode="L", icc_profile=bytes(grey))
    assert (
        "icc_profile" not in opened(encode_crop(stored(photo), BOX, PictureOptions(format=PictureFormat.WEBP))).info
    )


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("written", list(PictureFormat))
@pytest.mark.parametrize("width", [None, 50])
def test_every_kind_of_pixels_can_be_written(photo_bytes, mode, written, width):
    if mode == "I;16":
        buffer = BytesIO()
        Image.fromarray(np.full((200, 300), 40_000, np.uint16)).save(buffer, "PNG")
        photo = buffer.getvalue()
    else:
        photo = photo_bytes(300, 200, "PNG", mode=mode)
    cut = opened(encode_crop(stored(photo), BOX, PictureOptions(format=written, width=width)))
    assert cut.size == ((200, 120) if width is None else (50, 30))
    if mode == "I;16":
        value = 40_000 if cut.mode.startswith("I") else 40_000 / 257
        assert np.asarray(cut).mean() == pytest.approx(value, rel=0.02)


def test_cmyk_jpeg_stays_cmyk_and_becomes_rgb_elsewhere(photo_bytes):
    photo = photo_bytes(300, 200, "JPEG", mode="CMYK", quality=95)
    kept = opened(encode_crop(stored(photo), BOX, PictureOptions(quality=95)))
    assert kept.mode == "CMYK"
    rgb = opened(encode_crop(stored(photo), BOX, LOSSLESS))
    assert rgb.mode == "RGB"
    np.testing.assert_allclose(
        np.asarray(kept.convert("RGB"), int).mean((0, 1)), np.asarray(rgb).mean((0, 1)), atol=3
    )


def test_transparency_is_kept_or_laid_over_white():
    buffer = BytesIO()
    Image.new("RGBA", (300, 200), (255, 0, 0, 0)).save(buffer, "PNG")
    assert opened(encode_crop(stored(buffer.getvalue()), BOX, LOSSLESS)).mode == "RGBA"
    jpeg = opened(encode_crop(stored(buffer.getvalue()), BOX, PictureOptions(format=PictureFormat.JPEG)))
    assert np.asarray(jpeg).min() > 250


@pytest.mark.parametrize(
    ("given", "size"),
    [({}, (400, 300)), ({"width": 200}, (200, 150)), ({"height": 30}, (40, 30)), ({"width": 800}, (400, 300)),
     ({"width": 800, "upscale": True}, (800, 600)), ({"width": 100, "height": 30}, (40, 30)),
     ({"width": 200, "height": 151, "is_exact": True}, (200, 151)),
     ({"width": 800, "height": 601, "is_exact": True}, (400, 300))],
)  # fmt: skip
def test_picture_fits_what_was_asked_and_is_never_enlarged_unasked(given, size):
    assert output_size(400, 300, PictureOptions(**given)) == size


def test_enlarging_is_bounded():
    options = PictureOptions(width=20_000, upscale=True)
    with pytest.raises(CropRequestError, match=str(MAX_UPSCALED_PIXELS)):
        output_size(10, 10, options)


def test_side_too_long_for_webp_is_named_and_a_smaller_width_helps():
    wide = Image.new("L", (17_000, 10))
    options = PictureOptions(format=PictureFormat.WEBP)
    with pytest.raises(CropRequestError, match="16383 pixels a side"):
        encode_crop(wide, (0, 0, 17_000, 10), options)
    assert encode_crop(wide, (0, 0, 17_000, 10), replace(options, width=1000)).width == 1000


@pytest.mark.parametrize(
    "given",
    [{"width": "0"}, {"width": "40000"}, {"height": "1.5"}, {"format": "gif"}, {"quality": "0"}, {"quality": "101"},
     {"metadata": "yes"}, {"upscale": "1"}, {"width": ""}],
)  # fmt: skip
def test_wrong_picture_option_is_refused_by_name(given):
    with pytest.raises(CropOptionError, match=next(iter(given))):
        PictureOptions.parse(**given)


def test_jpg_is_jpeg():
    assert PictureOptions.parse(format="jpg").format is PictureFormat.JPEG
    assert PictureOptions.parse(format="JPEG").format is PictureFormat.JPEG


def test_a_picture_whose_file_states_other_colours_is_written_as_srgb(photo_bytes):
    """Display P3 by cICP: without a profile in the answer the codes would be taken for sRGB."""
    photo = photo_bytes(300, 200, "PNG")
    chunk = b"cICP" + bytes([12, 13, 0, 1])
    photo = photo[:33] + struct.pack(">I", 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + photo[33:]
    opened_photo = Decoder(DecodeLimits(10**6, 10**4)).open(photo, at_full_scale=True).stored.image
    cut = np.asarray(opened(encode_crop(opened_photo, BOX, LOSSLESS)).convert("RGB"), int)
    plain = np.asarray(opened(encode_crop(stored(photo_bytes(300, 200, "PNG")), BOX, LOSSLESS)).convert("RGB"), int)
    assert np.abs(cut - plain).mean() > 4
    assert (cut[..., 0] >= plain[..., 0] - 1).mean() > 0.6  # P3's red is stronger than sRGB's


@pytest.mark.parametrize("written", list(PictureFormat))
def test_sixteen_bit_grey_with_a_transparent_value_is_not_blank(written):
    values = np.tile(np.linspace(1000, 64_000, 300).astype(np.uint16), (200, 1))
    buffer = BytesIO()
    Image.fromarray(values).save(buffer, "PNG", transparency=1000)
    cut = opened(encode_crop(stored(buffer.getvalue()), BOX, PictureOptions(format=written))).convert("RGB")
    assert np.asarray(cut)[60, :, 0] == pytest.approx(values[60, 40:240] / 257, abs=6)


def decoded_whole(photo):
    """As the service hands a picture to its encoder."""
    decoder = Decoder(DecodeLimits(10**7, 10**4))
    photo_opened = decoder.open(photo, at_full_scale=True)
    decoder.decode(photo_opened)
    return photo_opened.stored.image


def keep(photo, written=None):
    return opened(encode_crop(decoded_whole(photo), BOX, PictureOptions(format=written, keeps_metadata=True)))


def exif_block(order, *entries):
    """A TIFF block of one directory; entries are (tag, type, count, bytes)."""
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "IH", 8, len(entries))
    directory, data, start = b"", b"", len(head) + 12 * len(entries) + 4
    for tag, kind, count, content in sorted(entries):
        value = content.ljust(4, b"\x00") if len(content) <= 4 else struct.pack(order + "I", start + len(data))
        data += content if len(content) > 4 else b""
        directory += struct.pack(order + "HHI", tag, kind, count) + value
    return b"Exif\x00\x00" + head + directory + bytes(4) + data


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("written", list(PictureFormat))
def test_kept_text_is_copied_byte_for_byte(photo_bytes, order, written):
    author = "Zo\u00eb \u6d77 \u00a9".encode()
    block = exif_block(order, (315, 2, len(author) + 1, author + b"\x00"), (274, 3, 1, struct.pack(order + "H", 1)))
    kept = keep(photo_bytes(300, 200, "JPEG", exif=block), written)
    assert author in kept.info["exif"]
    assert ExifTags.Base.Orientation not in kept.getexif()


@pytest.mark.filterwarnings("ignore:Tag data larger than file")
def test_one_odd_entry_is_left_out_and_the_rest_kept(photo_bytes):
    odd = (33432, 99, 1, b"????")  # a type that does not exist
    block = exif_block(">", (271, 2, 7, b"Camera\x00"), odd, (305, 2, 10_000, b"cut"))
    exif = keep(photo_bytes(300, 200, "JPEG", exif=block)).getexif()
    assert exif[ExifTags.Base.Make] == "Camera"
    assert set(exif) == {ExifTags.Base.Make}


def test_thumbnails_and_maker_notes_are_never_kept(photo_bytes):
    exif = private_exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.MakerNote] = b"SECRET PREVIEW"
    block = exif.tobytes() + b"THUMBNAIL OF WHAT WAS CUT OFF"
    kept = keep(photo_bytes(300, 200, "JPEG", exif=block)).info["exif"]
    assert b"SECRET" not in kept
    assert b"THUMBNAIL" not in kept
    assert b"2020:01:02" in kept


@pytest.mark.parametrize("written", list(PictureFormat))
def test_xmp_is_kept_upright(photo_bytes, written):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6" dc:creator="Jane"/></x:xmpmeta>'
    kept = keep(photo_bytes(300, 200, "JPEG", xmp=xmp), written).info
    packet = kept.get("xmp") or kept["XML:com.adobe.xmp"].encode()
    assert b'dc:creator="Jane"' in packet
    assert b'tiff:Orientation="1"' in packet


def test_iptc_and_resolution_are_kept_in_a_jpeg(photo_bytes):
    record = b"\x1c\x02P\x00\x08Jane Doe"
    content = b"Photoshop 3.0\x008BIM" + struct.pack(">HHI", 1028, 0, len(record)) + record + bytes(len(record) % 2)
    segment = b"\xff\xed" + struct.pack(">H", len(content) + 2) + content
    kept = keep(photo_bytes(300, 200, "JPEG", dpi=(300, 300), extra=segment))
    assert kept.info["photoshop"][1028] == record
    assert kept.info["dpi"] == (300, 300)


def test_lossless_webp_stays_lossless(photo_bytes):
    photo = photo_bytes(300, 200, "WEBP", lossless=True)
    picture = encode_crop(decoded_whole(photo), BOX, PictureOptions())
    expected = np.asarray(Image.open(BytesIO(photo)).crop(BOX))
    np.testing.assert_array_equal(np.asarray(opened(picture)), expected)
    lossy = encode_crop(decoded_whole(photo_bytes(300, 200, "WEBP", quality=80)), BOX, PictureOptions())
    assert b"VP8 " in lossy.content[:40]


def test_few_colours_stay_few(photo_bytes):
    photo = photo_bytes(300, 200, "PNG", mode="P")
    cut = opened(encode_crop(decoded_whole(photo), BOX, PictureOptions()))
    assert cut.mode == "P"
    expected = Image.open(BytesIO(photo)).convert("RGB").crop(BOX)
    np.testing.assert_array_equal(np.asarray(cut.convert("RGB")), np.asarray(expected))
    transparent = photo_bytes(300, 200, "PNG", mode="P", transparency=3)
    assert "transparency" in opened(encode_crop(decoded_whole(transparent), BOX, PictureOptions())).info


@pytest.mark.parametrize(("quality", "is_full"), [(100, True), (90, True), (88, False), (None, False)])
def test_jpeg_of_high_quality_keeps_its_colours_at_full_resolution(photo_bytes, quality, is_full):
    cut = opened(
        encode_crop(
            stored(photo_bytes(300, 200, "PNG")), BOX, PictureOptions(format=PictureFormat.JPEG, quality=quality)
        )
    )
    assert (cut.layer[0][1:3] == (1, 1)) is is_full
