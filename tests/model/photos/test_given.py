"""What a Python caller may hand in as a photo: each way of holding pixels works, or is refused in plain words."""

from io import BytesIO, StringIO

import numpy as np
import pytest
import torch
from PIL import Image

from vrn_cropper.model.errors import BrokenPhotoError, UnsupportedPhotoError
from vrn_cropper.model.photos.given import given_photo, read_given_upright

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def same(photo):
    return np.array_equal(np.asarray(given_photo(photo)), PIXELS)


@pytest.mark.parametrize(
    "array",
    [PIXELS, PIXELS.transpose(2, 0, 1), PIXELS[None], PIXELS.astype(np.int64), PIXELS / 255, np.float32(PIXELS / 255),
     np.float16(PIXELS / 255), PIXELS.astype(np.uint16) * 257, np.asfortranarray(PIXELS), PIXELS / 255 + 1e-3],
    ids=["uint8", "channels first", "batch of one", "int64", "float64", "float32", "float16", "uint16", "fortran",
         "a little above 1"],
)  # fmt: skip
def test_array_however_it_is_held_is_the_same_picture(array):
    assert same(array)


def test_torchs_tensors_are_arrays():
    assert same(torch.from_numpy(PIXELS.copy()).permute(2, 0, 1).float() / 255)


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 1), (1, 40, 60)])
def test_grey_may_have_a_channel_or_none(shape):
    assert given_photo(PIXELS[..., 0].reshape(shape)).mode == "L"


def test_four_channels_are_alpha():
    assert given_photo(np.zeros((4, 40, 60), np.uint8)).mode == "RGBA"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, BytesIO])
def test_bytes_of_every_kind_are_the_file(kind):
    assert given_photo(kind(b"a file")) == b"a file"


def test_open_file_and_path_are_read(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"a file")
    with path.open("rb") as file:
        assert given_photo(file) == given_photo(path) == given_photo(str(path)) == b"a file"


@pytest.mark.parametrize(
    ("photo", "says"),
    [
        (PIXELS.astype(float), "floats are pixels from 0 to 1"),
        (PIXELS / 127.5 - 1, "normalisation"),
        (PIXELS.astype(float) * float("nan"), "0 to 1"),
        (PIXELS.astype(np.int32) - 1, "from 0 to 255"),
        (PIXELS > 100, "bool"),
        (PIXELS.astype(complex), "complex"),
        (PIXELS[..., :2], r"\(40, 60, 2\)"),
        (PIXELS[:0], r"\(0, 60, 3\)"),
        (np.stack([PIXELS, PIXELS]), "crop_many"),
        (np.array("photo.jpg"), "array of pixels"),
        (torch.zeros((3, 4, 4), requires_grad=True), "detach"),
        ("https://example.com/photo.jpg", "fetch it"),
        (StringIO("text"), "'rb'"),
        (None, "NoneType"),
        (["photo.jpg"], "list"),
        (42, "int"),
    ],
)
def test_what_could_mean_two_things_or_nothing_is_refused_in_plain_words(photo, says):
    with pytest.raises(UnsupportedPhotoError, match=says):
        given_photo(photo)


def test_damaged_file_read_whole_has_a_name():
    buffer = BytesIO()
    Image.fromarray(PIXELS).save(buffer, "PNG")
    with pytest.raises(BrokenPhotoError):
        read_given_upright(buffer.getvalue()[:-2000])
    with pytest.raises(BrokenPhotoError):
        read_given_upright(b"no photo")
