"""Ranked crops as values, cut out, drawn, and in a notebook."""

import json
import re
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps

from vrn_cropper.model.errors import CropRequestError
from vrn_cropper.model.views.crops import CropOptions, RankedCrops, plan_views, rank_crops
from vrn_cropper.model.views.options import AspectRatio
from vrn_cropper.service.answers import photo_answer
from vrn_cropper.service.core.crop_service import CropResult

WIDTH, HEIGHT = 300, 200


@pytest.fixture
def ranked() -> RankedCrops:
    ratios = (AspectRatio("free", None), AspectRatio("<b>1:1", 1.0))
    options = CropOptions(top_k=2, aspect_ratios=ratios)
    plan = plan_views(WIDTH, HEIGHT, options)
    return rank_crops(plan, np.linspace(1, 0, len(plan.boxes_xyxy), dtype=np.float32), options)


@pytest.fixture
def turned_photo() -> bytes:
    """Upright 300 x 200 with a red left half; stored on its side."""
    upright = Image.new("RGB", (WIDTH, HEIGHT), "blue")
    upright.paste("red", (0, 0, WIDTH // 2, HEIGHT))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = BytesIO()
    upright.transpose(Image.Transpose.ROTATE_90).save(buffer, "PNG", exif=exif)
    return buffer.getvalue()


def test_values_are_the_apis_answer_and_json(ranked):
    size = {"width": WIDTH, "height": HEIGHT}
    result = CropResult(**size, source_format="JPEG", seconds={}, batch_size=1, ranked=ranked)
    answer = photo_answer(result).model_dump(mode="json")
    assert ranked.to_dict() == {name: answer[name] for name in ("image", "crops", "whole_image")}
    assert json.loads(json.dumps(ranked.to_dict())) == ranked.to_dict()


def test_crops_are_cut_from_the_upright_photo_in_order(ranked, turned_photo, tmp_path):
    upright = ImageOps.exif_transpose(Image.open(BytesIO(turned_photo)))
    (tmp_path / "photo.png").write_bytes(turned_photo)
    for photo in (turned_photo, tmp_path / "photo.png", upright, np.asarray(upright)):
        cuts = ranked.cut(photo)
        assert len(cuts) == len(ranked.crops)
        for crop, cut in zip(ranked.crops, cuts, strict=True):
            assert np.array_equal(np.asarray(cut), np.asarray(upright.crop(crop.box_xyxy)))


def test_another_photo_is_not_cut(ranked):
    with pytest.raises(CropRequestError, match="300 x 200 pixels; this one has 200 x 300"):
        ranked.cut(Image.new("RGB", (200, 300)))


def test_drawing_keeps_the_best_crop_bright_and_dims_the_rest(ranked, turned_photo):
    best = replace(ranked.crops[0], box_xyxy=(100, 50, 250, 150))
    ranked = replace(ranked, crops=(best, *ranked.crops[1:2]))
    picture = ranked.draw(turned_photo)
    assert (picture.size, picture.mode) == ((WIDTH, HEIGHT), "RGB")
    assert picture.getpixel((130, 125)) == (255, 0, 0)
    assert picture.getpixel((20, 190)) == (int(255 * 0.35), 0, 0)
    assert max(ranked.draw(turned_photo, max_side_px=64).size) == 64


def test_notebook_shows_a_sketch_and_a_row_a_crop_and_no_markup_of_the_caller(ranked):
    shown = ranked._repr_html_()
    assert shown.count("<tr>") == 1 + len(ranked.crops)
    assert len(re.findall("<rect", shown)) == 2
    assert "<b>" not in shown
    assert "&lt;b&gt;1:1" in shown
