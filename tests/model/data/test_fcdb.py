"""Human crops with votes: values as the files say, and every fault named by file, photo and pair."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.fcdb import VALIDATION_COUNT, read_fcdb, split_fcdb
from vrn_cropper.model.errors import DataError

SHARED = Path(__file__).parents[4] / "shared" / "data" / "fcdb"
PAIR = {"boxes_xyxy": [[0, 0, 100, 50], [20, 10, 200, 100]], "votes": [1, 4]}


def write(root, pairs, names=("cat.jpg",)):
    (root / "images").mkdir()
    entry = {"size": [200, 100], "boxes_xyxy": [[0, 0, 100, 100]]}
    for name in names:
        Image.new("RGB", (200, 100)).save(root / "images" / name)
    (root / "annotations.json").write_text(json.dumps({name: entry for name in names}))
    (root / "pairs.json").write_text(json.dumps(pairs))
    return root


def test_pairs_are_normalized_and_keep_their_votes(tmp_path):
    draw = {**PAIR, "votes": [2, 2]}
    (photo,) = read_fcdb(write(tmp_path, {"cat.jpg": [PAIR, draw]}))
    assert photo.name == "cat.jpg"
    np.testing.assert_allclose(photo.human_crops.boxes_normalized, [[0, 0, 0.5, 1]])
    assert photo.pairs_normalized.dtype == np.float32
    np.testing.assert_allclose(photo.pairs_normalized[0], [[0, 0, 0.5, 0.5], [0.1, 0.1, 1, 1]])
    np.testing.assert_array_equal(photo.votes, [[1, 4], [2, 2]])
    np.testing.assert_array_equal(photo.margins, [-3, 0])


@pytest.mark.parametrize(
    ("pairs", "fault"),
    [
        ([], "needs a list of pairs"),
        ({}, "needs a list of pairs"),
        ([PAIR, {"votes": [1, 4]}], "pair 1: needs boxes_xyxy and votes"),
        ([{**PAIR, "votes": [5]}], "pair 0: needs boxes_xyxy and votes"),
        ([{**PAIR, "votes": [0, 0]}], "pair 0: votes must be"),
        ([{**PAIR, "votes": [-1, 4]}], "pair 0: votes must be"),
        ([{**PAIR, "votes": [0.5, 4]}], "pair 0: votes must be"),
        ([{**PAIR, "boxes_xyxy": [[0, 0, 9, 9]]}], "pair 0: boxes_xyxy must be two boxes"),
        ([{**PAIR, "boxes_xyxy": [[0, 0, 9, 9], [0, 0, float("nan"), 9]]}], "pair 0: boxes_xyxy must be two boxes"),
        ([{**PAIR, "boxes_xyxy": [[0, 0, 9, 9], [0, 0, 300, 9]]}], "pair 0: .*outside the photo"),
        ([{**PAIR, "boxes_xyxy": [[0, 0, 9, 9], [9, 9, 9, 20]]}], "pair 0: .*is empty"),
    ],
)
def test_a_bad_pair_is_named(tmp_path, pairs, fault):
    with pytest.raises(DataError, match=rf"pairs\.json: cat\.jpg: {fault}"):
        read_fcdb(write(tmp_path, {"cat.jpg": pairs}))


def test_photos_and_pairs_belong_together(tmp_path):
    write(tmp_path, {"cat.jpg": [PAIR], "dog.jpg": [PAIR]})
    with pytest.raises(DataError, match=r"pairs\.json: dog\.jpg: not among the photos"):
        read_fcdb(tmp_path)
    (tmp_path / "pairs.json").write_text("{}")
    with pytest.raises(DataError, match=r"pairs\.json: cat\.jpg: needs a list of pairs"):
        read_fcdb(tmp_path)


def test_all_faults_are_found_in_one_reading(tmp_path):
    names = ("a.jpg", "b.jpg")
    with pytest.raises(DataError, match=r"a\.jpg: needs(.|\n)*b\.jpg: needs"):
        read_fcdb(write(tmp_path, {name: [] for name in names}, names))


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_fcdb_is_read_whole_and_its_validation_part_is_the_one_written_down():
    photos, test = read_fcdb(SHARED / "train"), read_fcdb(SHARED / "test")
    assert (len(photos), len(test)) == (1200, 334)
    assert sum(len(photo.votes) for photo in photos) == 12_000
    training, validation = split_fcdb(photos)
    assert (len(training), len(validation)) == (1200 - VALIDATION_COUNT, VALIDATION_COUNT)
    assert not {photo.name for photo in photos} & {photo.name for photo in test}
