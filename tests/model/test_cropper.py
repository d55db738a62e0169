"""`Cropper`: the service's result without the service."""

import asyncio
import subprocess
import sys
import threading
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper import CropOptionError, Cropper, CropRequestError
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.core.build import build_core
from vrn_cropper.service.settings import read_settings

PHOTOS = Path(__file__).parents[1] / "photos"


@pytest.fixture(scope="module")
def cropper():
    return Cropper.load(threads=1)


def service_result(photo, options):
    """What the server's core answers for the bytes of a photo."""

    async def scenario():
        settings = read_settings({"VRN_DEVICE": "cpu", "VRN_ENGINE_THREADS": "1", "VRN_DECODE_THREADS": "1"})
        core = build_core(settings)
        async with core.running(), core.accepted.accept() as permit:
            return (await core.crops.crop(photo, options, permit)).ranked

    return asyncio.run(scenario())


def assert_same(ours, theirs):
    assert (ours.width, ours.height) == (theirs.width, theirs.height)
    assert [(c.rank, c.aspect_ratio, c.box_xyxy, c.focal_point) for c in ours.crops] == [
        (c.rank, c.aspect_ratio, c.box_xyxy, c.focal_point) for c in theirs.crops
    ]
    np.testing.assert_allclose([c.score for c in ours.crops], [c.score for c in theirs.crops], atol=1e-5)
    assert ours.whole_frame_score == pytest.approx(theirs.whole_frame_score, abs=1e-5)


def test_result_is_the_servers_for_small_large_and_turned_photos(cropper):
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
        assert_same(ours, service_result(photo, options))


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
    "wishes",
    [{"top_k": 0}, {"top_k": 1.5}, {"aspect_ratios": ["wide"]}, {"keep": [(1, 2, 3)]}, {"keep": [(0, 0, -1, 5)]},
     {"max_overlap": 2}, {"min_scale": 0}],
)  # fmt: skip
def test_wish_out_of_range_is_refused(cropper, wishes):
    with pytest.raises(CropOptionError):
        cropper.crop(PHOTOS / "coffee.jpg", **wishes)


def test_wish_that_the_photo_cannot_fulfil_is_named(cropper):
    with pytest.raises(CropRequestError, match="outside the 100 x 80 photo"):
        cropper.crop(np.zeros((80, 100, 3), np.uint8), keep=[(90, 0, 20, 20)])


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
        "import sys; import vrn_cropper; heavy = {'numpy', 'torch', 'openvino', 'PIL'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
        "from vrn_cropper import Cropper; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parents[2])
