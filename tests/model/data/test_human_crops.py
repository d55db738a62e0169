"""Photos with human crops."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.human_crops import read_human_crops
from vrn_cropper.model.errors import DataError

SHARED = Path(__file__).parent.parent.parent.parent.parent / "shared" / "data" / "flms20"


def write(root, entry):
    (root / "images").mkdir()
    Image.new("RGB", (200, 100)).save(root / "images" / "cat.jpg")
    (root / "annotations.json").write_text(json.dumps({"cat.jpg": entry}))
    return root


def test_boxes_are_normalized_and_a_small_overshoot_of_the_hand_is_clipped(tmp_path):
    entry = {"size": [200, 100], "boxes_xyxy": [[0, 50, 203, 100], [20, 10, 180, 90]]}
    (photo,) = read_human_crops(write(tmp_path, entry))
    assert (photo.name, photo.width, photo.height) == ("cat.jpg", 200, 100)
    assert photo.boxes_normalized.dtype == np.float32
    np.testing.assert_allclose(photo.boxes_normalized, [[0, 0.5, 1, 1], [0.1, 0.1, 0.9, 0.9]])


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ({"size": [200, 101], "boxes_xyxy": [[0, 0, 1, 1]]}, "the photo has"),
        ({"size": [200, 100], "boxes_xyxy": []}, "must be a list"),
        ({"size": [200, 100], "boxes_xyxy": [[0, 0, 1]]}, "must be a list"),
        ({"size": [200, 100], "boxes_xyxy": [[0, 0, 1, 1], [0, 0, 300, 100]]}, "box 1: .*outside"),
        ({"size": [200, 100], "boxes_xyxy": [[5, 5, 5, 9]]}, "box 0: .*empty"),
        ({"size": [200, 100]}, "needs size and boxes_xyxy"),
        ([1, 2], "needs size and boxes_xyxy"),
    ],
)
def test_a_bad_entry_is_named(tmp_path, entry, fault):
    with pytest.raises(DataError, match=rf"annotations\.json: cat\.jpg: .*{fault}"):
        read_human_crops(write(tmp_path, entry))


def test_a_listed_photo_that_is_missing_is_named(tmp_path):
    write(tmp_path, {"size": [200, 100], "boxes_xyxy": [[0, 0, 1, 1]]})
    (tmp_path / "images" / "cat.jpg").unlink()
    with pytest.raises(DataError, match=r"cat\.jpg: not a readable photo"):
        read_human_crops(tmp_path)


@pytest.mark.parametrize(("content", "fault"), [("{}", "no photos listed"), ("[]", "JSON object"), ("{", "JSON")])
def test_a_list_that_is_none_is_named(tmp_path, content, fault):
    (tmp_path / "annotations.json").write_text(content)
    with pytest.raises(DataError, match=fault):
        read_human_crops(tmp_path)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_flms_is_read_whole():
    photos = read_human_crops(SHARED)
    assert (len(photos), sum(len(photo.boxes_normalized) for photo in photos)) == (20, 199)
