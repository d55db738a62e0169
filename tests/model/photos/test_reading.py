"""From any photo to the network's input: whole, averaged, and by window as boxes move."""

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.photos.reading import open_photo, read_photo, read_upright


def test_resizing_keeps_the_whole_photo():
    photo = np.zeros((100, 300, 3), dtype=np.uint8)
    photo[:, 150:] = 200
    resized = read_photo(photo, (InputShape(256, 512),)).model_input
    assert resized.shape == (256, 512, 3)
    assert resized.dtype == np.uint8
    assert (resized[:, :250] == 0).all()
    assert (resized[:, 262:] == 200).all()


@pytest.mark.parametrize("side", [1024, 3000])
def test_shrinking_averages_instead_of_skipping_pixels(side):
    stripes = np.zeros((side, side, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    resized = read_photo(stripes, (InputShape(256, 256),)).model_input
    # Skipped pixels would be 0 or 255; the outermost average over half a window.
    assert np.abs(resized.astype(int) - 127).max() <= 12


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_window_is_a_part_of_the_upright_photo(orientation):
    pixels = np.zeros((120, 200, 3), dtype=np.uint8)
    pixels[:60, :100] = (255, 0, 0)  # the top left quarter, as the file has it
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels)
    image.info["exif"] = exif.tobytes()
    upright = np.asarray(read_upright(image))[..., 0]
    height, width = upright.shape
    for left, top in ((0, 0), (0.5, 0), (0, 0.5), (0.5, 0.5)):
        window = (left, top, left + 0.5, top + 0.5)
        quarter = upright[int(top * height) :, int(left * width) :][: height // 2, : width // 2]
        seen = read_photo(image, window_normalized=window).model_input[..., 0]
        assert seen[8:-8, 8:-8].mean() == pytest.approx(quarter.mean(), abs=2)


def test_a_colour_marked_as_transparent_is_white_however_small_the_photo_is_made():
    stripes = np.zeros((1024, 1024), dtype=np.uint8)
    stripes[:, ::2] = 200
    image = Image.fromarray(stripes)
    image.info["transparency"] = 200
    seen = read_photo(image, (InputShape(256, 256),)).model_input
    assert seen[:, 8:-8].mean() == pytest.approx(127, abs=3)  # white and black, not grey of 200


def test_sixteen_bit_grey_with_a_transparent_value_keeps_its_picture():
    values = np.full((300, 300), 65535, dtype=np.uint16)
    values[:, :150] = 20_000
    image = Image.fromarray(values)
    image.info["transparency"] = 12_345  # a value that no pixel has
    seen = read_photo(image, (InputShape(256, 256),)).model_input
    assert seen[:, :120].mean() == pytest.approx(20_000 / 257, abs=1)
    image.info["transparency"] = 20_000
    assert read_photo(image, (InputShape(256, 256),)).model_input.min() == 255


def test_an_orientation_in_xmp_alone_is_not_followed(tmp_path):
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    Image.new("RGB", (60, 40)).save(tmp_path / "photo.jpg", xmp=xmp)
    assert read_upright(tmp_path / "photo.jpg").size == (60, 40)
    both = Image.Exif()
    both[0x0112] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "photo.jpg", xmp=xmp.replace(b"6", b"3"), exif=both)
    assert read_upright(tmp_path / "photo.jpg").size == (40, 60)


def test_a_picture_in_memory_is_left_as_it_is(tmp_path):
    Image.new("RGB", (2400, 1600), "red").save(tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as image:
        assert open_photo(image).full_size == image.size == (2400, 1600)
        read_photo(image)
        assert image.size == (2400, 1600)
