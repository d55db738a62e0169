"""Bombs are refused by their structure; photos of every ordinary kind pass."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from benchmarks.attack.bombs import BOMBS, jpeg_of_many_scans
from vrn_cropper.model.errors import PhotoTooLargeError
from vrn_cropper.model.photos.structure.check import check_structure

PHOTOS = sorted((Path(__file__).parents[3] / "photos").glob("*.jpg"))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_any_decoder_sees_it(name):
    with pytest.raises(PhotoTooLargeError):
        check_structure(BOMBS[name]())


@pytest.mark.parametrize("path", PHOTOS, ids=lambda path: path.stem)
def test_photos_pass(path):
    check_structure(path.read_bytes())


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF"])
@pytest.mark.parametrize("size", [(1, 1), (3000, 2000)])
def test_flat_pictures_pass_in_every_format(file_format, size):
    pillow_heif.register_heif_opener()
    buffer = BytesIO()
    Image.new("RGB", size, "white").save(buffer, file_format)
    check_structure(buffer.getvalue())


@pytest.mark.parametrize("scans", [1, 80])
def test_a_progressive_jpeg_may_have_more_scans_than_usual(scans):
    check_structure(jpeg_of_many_scans(scans))


def test_scans_are_counted_up_to_the_end_of_the_first_picture():
    """A phone's JPEG has a second picture behind the first, and previews inside it, each with scans of its own."""
    photo = PHOTOS[0].read_bytes()
    check_structure(photo + photo * 200)


def test_any_bytes_end_in_nothing_or_a_named_error():
    chance = np.random.default_rng(0)
    starts = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"II+\x00", b"BM", b"GIF89a", b"RIFF")
    for start in starts:
        for length in (0, 1, 7, 30, 400):
            for _ in range(40):
                try:
                    check_structure(start + chance.bytes(length))
                except PhotoTooLargeError:
                    continue
