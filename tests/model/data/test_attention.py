"""Viewing points: values as the file says, and every fault named by file, photo and viewer."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.attention import VALIDATION_COUNT, read_attention, split_attention
from vrn_cropper.model.errors import DataError

SHARED = Path(__file__).parents[4] / "shared" / "data"
VIEWER = [[0.5, 0.25, 120], [0.75, 1, 80]]


def write(root, viewers):
    (root / "images" / "train").mkdir(parents=True)
    Image.new("RGB", (200, 100)).save(root / "images" / "train" / "cat.jpg")
    source = root / "viewed.json"
    source.write_text(json.dumps({"train": {"cat.jpg": viewers}}))
    return source


def test_points_come_by_viewer_and_viewers_who_were_not_tracked_are_left_out(tmp_path):
    (photo,) = read_attention(write(tmp_path, [VIEWER, [], VIEWER[:1]]), tmp_path, "train")
    assert (photo.name, photo.width, photo.height) == ("cat.jpg", 200, 100)
    assert photo.path == tmp_path / "images" / "train" / "cat.jpg"
    assert len(photo.viewers) == 2
    np.testing.assert_allclose(photo.points(), [*VIEWER, VIEWER[0]])


@pytest.mark.parametrize(
    ("viewers", "fault"),
    [
        ({}, "needs one list of points a viewer"),
        ([], "nobody looked at it"),
        ([[], []], "nobody looked at it"),
        ([VIEWER, [[0.5, 0.5]]], "viewer 1: points must be"),
        ([VIEWER, [[0.5, 0.5, 9], [0.5]]], "viewer 1: points must be"),
        ([["a"]], "viewer 0: points must be"),
        ([[[0.5, float("inf"), 9]]], "viewer 0: points must be"),
        ([[[0.5, 1.01, 9]]], "viewer 0: x and y are fractions"),
        ([[[0.5, 1, 0]]], "viewer 0: a point lasts"),
    ],
)
def test_a_bad_entry_is_named(tmp_path, viewers, fault):
    with pytest.raises(DataError, match=rf"viewed\.json: cat\.jpg: {fault}"):
        read_attention(write(tmp_path, viewers), tmp_path, "train")


def test_a_missing_split_or_photo_is_named(tmp_path):
    source = write(tmp_path, [VIEWER])
    with pytest.raises(DataError, match=r"viewed\.json: no split named 'test'"):
        read_attention(source, tmp_path, "test")
    (tmp_path / "images" / "train" / "cat.jpg").unlink()
    with pytest.raises(DataError, match=r"cat\.jpg: not a readable photo"):
        read_attention(source, tmp_path, "train")


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_osie_is_read_whole_and_its_validation_part_is_the_one_written_down():
    photos = read_attention(SHARED / "attention" / "osie.json", SHARED / "crops", "train")
    assert len(photos) == 630
    training, validation = split_attention(photos)
    assert (len(training), len(validation)) == (630 - VALIDATION_COUNT, VALIDATION_COUNT)
    assert {len(photo.viewers) for photo in photos} <= {14, 15}
