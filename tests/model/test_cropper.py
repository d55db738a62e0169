"""`Cropper`: the service's result without the service."""

import multiprocessing
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper import (
    BrokenPhotoError,
    CropOptionError,
    Cropper,
    CropRequestError,
    DeviceError,
    PhotoTooLargeError,
    RankedCrops,
    UnsupportedPhotoError,
)
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.build import build_core
from vrn_cropper.service.settings import read_settings

PHOTOS = Path(__file__).parents[1] / "photos"


@pytest.fixture(scope="module")
def cropper():
    return Cropper.load(threads=1)


async def service_result(photo, options):
    """What the server's core answers for the bytes of a photo."""
    settings = read_settings({"VRN_DEVICE": "cpu", "VRN_ENGINE_THREADS": "1", "VRN_DECODE_THREADS": "1"})
    core = build_core(settings)
    async with core.running(), core.accepted.accept() as permit:
        return (await core.crops.crop(photo, options, permit)).ranked


def assert_same(ours, theirs):
    assert (ours.width, ours.height) == (theirs.width, theirs.height)
    assert [(c.rank, c.aspect_ratio, c.box_xyxy, c.focal_point) for c in ours.crops] == [
        (c.rank, c.aspect_ratio, c.box_xyxy, c.focal_point) for c in theirs.crops
    ]
    np.testing.assert_allclose([c.score for c in ours.crops], [c.score for c in theirs.crops], atol=1e-5)
    assert ours.whole_frame_score == pytest.approx(theirs.whole_frame_score, abs=1e-5)


async def test_result_is_the_servers_for_small_large_and_turned_photos(cropper):
    chelsea = Image.open(PHOTOS / "chelsea.jpg")
    large, turned = BytesIO(), BytesIO()
    chelsea.resize((2400, 1600)).save(large, "JPEG")  # decoded at reduced scale
    exif = Image.Exif()
    exif[0x0112] = 6
    chelsea.save(turned, "JPEG", exif=exif)
    options = CropOptions.parse("4", ["free", "16:9"], max_overlap="0.8", keep=["0.4,0.4,0.2,0.2"], min_scale="0.7")
    for photo in (large.getvalue(), turned.getvalue(), (PHOTOS / "rocket-panorama.jpg").read_bytes()):
        ours = cropper.crop(
            photo,
            top_k=4,
            aspect_ratios=["free", "16:9"],
            max_overlap=0.8,
            keep=[(0.4, 0.4, 0.2, 0.2)],
            min_scale=0.7,
        )
        assert_same(ours, await service_result(photo, options))


def test_path_bytes_image_and_array_give_the_same_crops(cropper):
    path = PHOTOS / "coffee.jpg"
    image = Image.open(path).convert("RGB")
    crops = [cropper.crop(photo, top_k=3) for photo in (path, str(path), path.read_bytes(), image, np.asarray(image))]
    assert all(other == crops[0] for other in crops)


def test_a_callers_picture_is_left_as_it_is(cropper):
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    Image.open(PHOTOS / "coffee.jpg").save(buffer, "JPEG", exif=exif)
    image = Image.open(buffer)
    before = (image.size, image.convert("RGB").tobytes(), dict(image.info))
    ranked = cropper.crop(image)
    assert (ranked.width, ranked.height) == image.size[::-1]  # upright
    assert (image.size, image.convert("RGB").tobytes(), dict(image.info)) == before


def test_ratios_are_strings_or_numbers_each_once(cropper):
    ranked = cropper.crop(PHOTOS / "coffee.jpg", top_k=1, aspect_ratios=["1:1", 1.5, "free", "1:1"])
    assert [crop.aspect_ratio.label for crop in ranked.crops] == ["1:1", "1.5", "free"]
    x1, y1, x2, y2 = ranked.crops[0].box_xyxy
    assert x2 - x1 == y2 - y1


@pytest.mark.parametrize(
    "options",
    [{"top_k": 0}, {"top_k": 1.5}, {"aspect_ratios": ["wide"]}, {"keep": [(1, 2, 3)]}, {"keep": [(0, 0, -1, 5)]},
     {"max_overlap": 2}, {"min_scale": 0}, {"max_overlap": "much"}, {"keep": 5}, {"keep": ["a"]},
     {"aspect_ratios": float("nan")}, {"aspect_ratios": [None]}, {"aspect_ratios": 1000}, {"top_k": True}],
)  # fmt: skip
def test_option_out_of_range_is_refused(cropper, options):
    with pytest.raises(CropOptionError):
        cropper.crop(PHOTOS / "coffee.jpg", **options)


@pytest.mark.parametrize(
    ("short", "long"),
    [({"aspect_ratios": "16:9"}, {"aspect_ratios": ["16:9"]}), ({"aspect_ratios": 1.5}, {"aspect_ratios": ["1.5"]}),
     ({"keep": (0.4, 0.4, 0.2, 0.2)}, {"keep": [(0.4, 0.4, 0.2, 0.2)]}),
     ({"keep": "9,9,5,5"}, {"keep": [(9, 9, 5, 5)]}),
     ({"top_k": np.int64(2), "min_scale": np.float32(0.5)}, {"top_k": 2, "min_scale": 0.5}),
     ({"keep": np.array([[9, 9, 5, 5]])}, {"keep": [(9, 9, 5, 5)]})],
)  # fmt: skip
def test_a_lone_ratio_or_box_needs_no_list_and_numpys_numbers_are_numbers(cropper, short, long):
    assert cropper.crop(PHOTOS / "coffee.jpg", **short) == cropper.crop(PHOTOS / "coffee.jpg", **long)


def test_a_ratio_may_be_any_number_and_is_told_in_few_digits(cropper):
    ranked = cropper.crop(PHOTOS / "coffee.jpg", top_k=1, aspect_ratios=[16 / 9, np.float32(0.8)])
    assert [crop.aspect_ratio.label for crop in ranked.crops] == ["1.77778", "0.8"]
    x1, y1, x2, y2 = ranked.crops[0].box_xyxy
    assert y2 - y1 == round((x2 - x1) / (16 / 9))


def test_option_that_the_photo_cannot_fulfil_is_named(cropper):
    with pytest.raises(CropRequestError, match="outside the 100 x 80 photo"):
        cropper.crop(np.zeros((80, 100, 3), np.uint8), keep=[(90, 0, 20, 20)])


@pytest.mark.parametrize("precision", ["f32", "auto"])
def test_many_photos_get_what_each_gets_alone_and_errors_stand_in_their_places(precision):
    cropper = Cropper.load(threads=1, precision=precision)
    names = ["coffee.jpg", "rocket-panorama.jpg", "chelsea.jpg", "astronaut.jpg"]
    photos = [PHOTOS / name for name in names]
    given = [photos[0], b"no photo", *photos[1:], PHOTOS / "missing.jpg", None]
    results = cropper.crop_many((photo for photo in given), top_k=2, aspect_ratios=["free", "4:5"])
    assert [type(result) for result in results] == [
        RankedCrops, UnsupportedPhotoError, RankedCrops, RankedCrops, RankedCrops, FileNotFoundError,
        UnsupportedPhotoError,
    ]  # fmt: skip
    alone = [cropper.crop(photo, top_k=2, aspect_ratios=["free", "4:5"]) for photo in photos]
    for result, other in zip((r for r in results if isinstance(r, RankedCrops)), alone, strict=True):
        assert_same(result, other)
    assert cropper.crop_many([]) == []


def test_more_photos_than_fit_a_window_come_back_in_order(cropper):
    sizes = [(120 + 3 * index, 90) for index in range(70)]
    results = cropper.crop_many((np.zeros((height, width, 3), np.uint8) for width, height in sizes), top_k=1)
    assert [(ranked.width, ranked.height) for ranked in results] == sizes


def test_wrong_option_of_many_is_raised_not_returned(cropper):
    with pytest.raises(CropOptionError):
        cropper.crop_many([PHOTOS / "coffee.jpg"], top_k=0)


def test_own_boxes_get_the_scores_that_crops_of_theirs_have(cropper):
    ranked = cropper.crop(PHOTOS / "coffee.jpg", top_k=5)
    whole = (0, 0, ranked.width, ranked.height)
    scored = cropper.score(PHOTOS / "coffee.jpg", [*(crop.box_xyxy for crop in ranked.crops), whole])
    assert scored.scores.dtype == np.float32
    np.testing.assert_allclose(scored.scores[:-1], [crop.score for crop in ranked.crops], atol=1e-5)
    assert scored.scores[-1] == pytest.approx(ranked.whole_frame_score, abs=1e-5) == scored.whole_frame_score
    fixed = cropper.crop(PHOTOS / "coffee.jpg", top_k=3, aspect_ratios="1:1")
    boxes = np.array([crop.box_xyxy for crop in fixed.crops])
    scored = cropper.score(PHOTOS / "coffee.jpg", boxes, aspect_ratio=1)
    np.testing.assert_allclose(scored.scores, [crop.score for crop in fixed.crops], atol=1e-5)
    assert scored.boxes[0].preferred_to_centre == pytest.approx(fixed.crops[0].preferred_to_centre, abs=1e-5)


@pytest.mark.parametrize(
    ("boxes", "error"),
    [([], CropOptionError), ([(1, 2, 3)], CropOptionError), ("free", CropOptionError), (None, CropOptionError),
     ([(9, 9, 9, 20)], CropOptionError), ([(-1, 0, 5, 5)], CropOptionError), ([(0, 0, 1, 999)], CropRequestError),
     ([(0, 0, float("nan"), 5)], CropOptionError)],
)  # fmt: skip
def test_boxes_that_are_none_are_refused_in_plain_words(cropper, boxes, error):
    with pytest.raises(error, match="box"):
        cropper.score(np.zeros((80, 100, 3), np.uint8), boxes)


def test_a_copy_in_another_process_answers_the_same():
    cropper = Cropper.load(threads=1, precision="f32", max_side_px=700)
    copy = pickle.loads(pickle.dumps(cropper))
    assert copy.crop(PHOTOS / "coffee.jpg") == cropper.crop(PHOTOS / "coffee.jpg")
    with pytest.raises(PhotoTooLargeError, match="700"):
        copy.crop(np.zeros((80, 701, 3), np.uint8))
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        future = pool.submit(cropper.crop, PHOTOS / "coffee.jpg")
        assert_same(future.result(), cropper.crop(PHOTOS / "coffee.jpg"))


@pytest.mark.parametrize("device", ["gpu", "cpu:0", "cuda:x", ""])
def test_unknown_device_is_named(device):
    with pytest.raises(DeviceError, match="cuda:N"):
        Cropper.load(device=device)


def test_device_without_its_extra_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "vrn_cropper.model.network.torch_scorer", raising=False)
    with pytest.raises(DeviceError, match=r"vrn-cropper\[torch\]"):
        Cropper.load(device="cuda")


@pytest.mark.parametrize(
    ("photo", "error"),
    [(b"", BrokenPhotoError), (b"text", UnsupportedPhotoError), (b"\xff\xd8\xff cut", BrokenPhotoError),
     (b"RIFF\0\0\0\0WAVE", UnsupportedPhotoError), ("missing.jpg", FileNotFoundError)],
)  # fmt: skip
def test_file_that_is_no_photo_gets_the_services_named_error(cropper, photo, error):
    with pytest.raises(error):
        cropper.crop(photo)


def test_photo_above_the_limits_is_refused_before_its_pixels_are_read(cropper, photo_bytes):
    small = Cropper.load(threads=1, max_pixels=10_000)
    for photo in (photo_bytes(200, 100, "PNG"), Image.new("RGB", (200, 100)), np.zeros((100, 200), np.uint8)):
        with pytest.raises(PhotoTooLargeError, match="10000 pixels"):
            small.crop(photo)


def test_loading_leaves_the_limits_of_the_users_own_pillow_alone():
    program = (
        "import warnings; from PIL import Image; before = Image.MAX_IMAGE_PIXELS;"
        "from vrn_cropper import Cropper; Cropper.load(threads=1); assert Image.MAX_IMAGE_PIXELS == before;"
        "assert Image.DecompressionBombWarning not in [entry[2] for entry in warnings.filters]"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_threads_may_share_one(cropper):
    photos = [PHOTOS / name for name in ("coffee.jpg", "chelsea.jpg", "astronaut.jpg")]
    alone = [cropper.crop(photo) for photo in photos]
    together = [None] * len(photos)

    def work(index):
        together[index] = cropper.crop(photos[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(photos))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_importing_the_package_imports_nothing_and_the_cropper_needs_no_torch():
    program = (
        "import sys; import vrn_cropper; heavy = {'numpy', 'torch', 'onnxruntime', 'PIL'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "from vrn_cropper import Cropper; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])


def test_a_head_that_the_network_would_cut_is_kept_unless_faces_are_ignored(cropper):
    for ratio in ("16:9", "2:1"):
        kept, ignored = (
            cropper.crop(PHOTOS / "astronaut.jpg", aspect_ratios=ratio, top_k=1, faces=faces).crops[0].box_xyxy
            for faces in ("keep", "ignore")
        )
        assert kept[1] <= 20 < ignored[1]  # her hair begins at the upper edge
        assert kept[3] >= 200  # and her chin ends here
