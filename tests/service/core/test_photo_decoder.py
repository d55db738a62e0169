"""A photo is decoded alike wherever it is decoded, and what its decoder does to a worker is its own fault alone."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from benchmarks.attack.bombs import jpeg_of_many_scans
from vrn_cropper.model.errors import BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES
from vrn_cropper.model.photos.orientation import orientation_of
from vrn_cropper.service.core.kept_metadata import kept_metadata
from vrn_cropper.service.core.photo_decoder import PhotoDecoder
from vrn_cropper.service.core.workers.messages import Message
from vrn_cropper.service.core.workers.pool import (
    WorkerDiedError,
    WorkerPool,
    WorkerStartError,
    WorkerTimeoutError,
    are_workers_possible,
)
from vrn_cropper.service.errors import DeadlineError, OverloadedError

LIMITS = DecodeLimits(max_pixels=4_000_000, max_side_px=8000)
needs_workers = pytest.mark.skipif(not are_workers_possible(), reason="needs Linux's memfd and pidfd")


class FakeWorkers:
    """Answers every question with `answer`, or raises it."""

    def __init__(self, answer=None):
        self.answer = answer
        self.asked = []

    def ask(self, header, parts, seconds):
        self.asked.append((header["task"], seconds))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture(scope="module")
def here():
    return PhotoDecoder(Decoder(LIMITS))


@pytest.fixture(scope="module")
def isolated():
    """Decodes in real workers."""
    options = {"max_pixels": 4_000_000, "max_side_px": 8000, "input_shapes": [list(shape) for shape in INPUT_SHAPES]}
    workers = WorkerPool("vrn_cropper.service.core.workers.photos", "answerer", options)
    yield PhotoDecoder(Decoder(LIMITS), workers)
    workers.close()


def encode(image, file_format, **options):
    pillow_heif.register_heif_opener(thumbnails=False)
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def picture(mode="RGB", size=(300, 200)):
    image = Image.linear_gradient("L").resize(size)
    return image.convert("I").convert("I;16") if mode == "I;16" else image.convert(mode)


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x0112], exif[0x8298] = orientation, "Zoë"
    return exif


FILES = {
    "webp": lambda: encode(picture(), "WEBP", exif=exif_of(6).tobytes(), icc_profile=b"p" * 200),
    "lossless webp with alpha": lambda: encode(picture("RGBA"), "WEBP", lossless=True),
    "avif": lambda: encode(picture(), "AVIF", exif=exif_of(3).tobytes()),
    "heif": lambda: encode(picture(), "HEIF"),
    "gif with a transparent palette": lambda: encode(picture("P"), "GIF", transparency=3),
    "bmp": lambda: encode(picture(), "BMP"),
    "bmp of one bit": lambda: encode(picture("1"), "BMP"),
    "tiff that is turned": lambda: encode(picture(), "TIFF", exif=exif_of(8), dpi=(72, 72)),
    "cmyk tiff": lambda: encode(picture("CMYK"), "TIFF"),
    "tiff of 16 bits": lambda: encode(picture("I;16"), "TIFF"),
    "tiff of floats": lambda: encode(picture("F"), "TIFF"),
    "tiff with alpha": lambda: encode(picture("LA"), "TIFF"),
    "lab tiff": lambda: encode(Image.new("LAB", (30, 20), (120, 90, 200)), "TIFF"),
}


@needs_workers
@pytest.mark.parametrize("at_full_scale", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_a_worker_hands_back_what_decoding_here_gives(here, isolated, name, at_full_scale):
    photo = FILES[name]()
    opened, expected_opened = (decoder.open(photo, at_full_scale=at_full_scale) for decoder in (isolated, here))
    assert opened.stored is None
    assert (opened.pixels, opened.full_pixels) == (expected_opened.pixels, expected_opened.full_pixels)
    decoded, expected = isolated.decode(opened), here.decode(expected_opened)
    np.testing.assert_array_equal(decoded.model_input, expected.model_input)
    assert (decoded.width, decoded.height, decoded.format) == (expected.width, expected.height, expected.format)
    if at_full_scale:
        image, wanted = opened.loaded_image, expected_opened.loaded_image
        assert (image.mode, image.size, image.format) == (wanted.mode, wanted.size, wanted.format)
        assert image.convert("RGBA").tobytes() == wanted.convert("RGBA").tobytes()
        assert orientation_of(image) == orientation_of(wanted)
        assert kept_metadata(image) == kept_metadata(wanted)
        for key in ("icc_profile", "transparency", "vrn_colour_space", "vrn_lossless"):
            assert image.info.get(key) == wanted.info.get(key)


@needs_workers
@pytest.mark.parametrize(
    ("photo", "error"),
    [
        (lambda: encode(picture(), "WEBP")[:-50], BrokenPhotoError),
        (lambda: encode(picture(size=(2001, 2000)), "WEBP", method=0), PhotoTooLargeError),
        (lambda: b"II*\x00" + struct.pack("<IH", 8, 1) + struct.pack("<HHII", 256, 4, 1, 9) + bytes(4),
         UnsupportedPhotoError),
    ],
    ids=["cut short", "too large", "no picture"],
)  # fmt: skip
def test_the_errors_of_a_worker_are_those_of_decoding_here(here, isolated, photo, error):
    said = []
    for decoder in (here, isolated):
        with pytest.raises(error) as raised:
            decoder.decode(decoder.open(photo()))
        said.append(str(raised.value))
    assert said[0] == said[1]


@needs_workers
def test_memory_of_a_photo_in_a_worker_is_bounded_by_its_pixels(isolated):
    """A palette of TIFF's that says it has 2 GiB of values: the table is refused, not made."""
    entries = [(256, 4, 1, 30), (257, 4, 1, 20), (258, 3, 1, 8), (262, 3, 1, 3), (320, 3, 900_000_000, 200)]
    content = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    with pytest.raises((BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError)):
        isolated.decode(isolated.open(b"II*\x00" + struct.pack("<IH", 8, len(entries)) + content + bytes(900)))


@pytest.mark.parametrize(
    "photo",
    [
        encode(picture(), "JPEG"),
        encode(picture(), "JPEG", progressive=True),
        encode(picture(), "MPO", save_all=True, append_images=[picture()]),
        encode(picture(), "PNG"),
    ],
)
def test_jpeg_and_png_need_no_worker(photo):
    workers = FakeWorkers()
    decoder = PhotoDecoder(Decoder(LIMITS), workers)
    assert decoder.decode(decoder.open(photo)).width == 300
    assert workers.asked == []


def test_what_is_no_photo_is_told_without_a_worker():
    workers = FakeWorkers()
    for upload in (b"%PDF-1.7", zlib.compress(bytes(1000)), b"RIFF\x00\x00\x00\x00WAVE"):
        with pytest.raises(UnsupportedPhotoError):
            PhotoDecoder(Decoder(LIMITS), workers).open(upload)
    assert workers.asked == []


def test_a_jpeg_of_many_scans_goes_to_a_worker_and_more_are_refused():
    workers = FakeWorkers(Message({"pixels": 7, "full_pixels": 8}, []))
    decoder = PhotoDecoder(Decoder(LIMITS), workers)
    opened = decoder.open(jpeg_of_many_scans(200), seconds=3.0)
    assert (opened.pixels, opened.full_pixels) == (7, 8)
    assert workers.asked == [("open", 3.0)]
    with pytest.raises(PhotoTooLargeError):
        decoder.open(jpeg_of_many_scans(2000))


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (WorkerTimeoutError(), DeadlineError, "not decoded within 2.0 s"),
        (WorkerDiedError(), BrokenPhotoError, "made its decoder fail"),
        (WorkerStartError(), OverloadedError, "no room"),
        (Message({"error": "PhotoTooLargeError", "message": "too large"}, []), PhotoTooLargeError, "too large"),
        (Message({"error": "SystemExit", "message": "odd"}, []), BrokenPhotoError, "odd"),
        (Message({}, []), BrokenPhotoError, "made its decoder fail"),
        (Message({"pixels": "many", "full_pixels": 1}, []), BrokenPhotoError, "made its decoder fail"),
    ],
)
def test_what_happens_to_a_worker_is_told_in_the_words_of_the_photo(answer, error, said):
    decoder = PhotoDecoder(Decoder(LIMITS), FakeWorkers(answer))
    with pytest.raises(error, match=said):
        decoder.open(FILES["webp"](), seconds=2.0)


@pytest.mark.parametrize(
    "answer",
    [
        Message({}, []),
        Message({"width": 1, "height": 1, "input_shape": [9, 9], "format": "x", "warnings": []}, [memoryview(b"")]),
    ],
)
def test_a_worker_that_answers_nonsense_costs_that_photo(answer):
    workers = FakeWorkers(Message({"pixels": 1, "full_pixels": 1}, []))
    decoder = PhotoDecoder(Decoder(LIMITS), workers)
    opened = decoder.open(FILES["webp"]())
    workers.answer = answer
    with pytest.raises(BrokenPhotoError, match="made its decoder fail"):
        decoder.decode(opened)
