"""Reading data sets: values as the files say, and every fault named before training starts."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.checks import split_validation
from vrn_cropper.model.data.gaicd import (
    RatedPhoto,
    load_upright_rgb,
    read_gaicd,
    read_gaicd_annotations,
    read_validation,
)
from vrn_cropper.model.errors import DataError
from vrn_cropper.model.views.candidates import grid_views

SHARED = Path(__file__).parent.parent.parent.parent.parent / "shared" / "data"
LINES = ["10 20 90 180 3.5", "0 0 100 200 2.25", "5 10 95 190 -2"]


def write_gaicd(root, lines=LINES, name="cat", split="train", size=(200, 100)):
    """A data set of one photo (200 x 100); more by calling again."""
    (root / "images" / split).mkdir(parents=True, exist_ok=True)
    (root / "annotations").mkdir(exist_ok=True)
    Image.new("RGB", size, (90, 120, 30)).save(root / "images" / split / f"{name}.jpg")
    (root / "annotations" / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root


def rated(name):
    return RatedPhoto(name, None, 10, 10, np.zeros((1, 4), np.float32), np.ones(1, np.float32))


def test_lines_become_normalized_boxes_and_unrated_views_do_not_exist(tmp_path):
    (photo,) = read_gaicd(write_gaicd(tmp_path), "train")
    assert (photo.name, photo.width, photo.height) == ("cat.jpg", 200, 100)
    assert photo.path == tmp_path / "images" / "train" / "cat.jpg"
    assert photo.boxes_normalized.dtype == photo.mos.dtype == np.float32
    np.testing.assert_allclose(photo.boxes_normalized, [[0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9]])
    np.testing.assert_allclose(photo.mos, [2.25, 3.5])


def test_views_come_in_the_grids_order_whatever_the_file_says(tmp_path):
    boxes = grid_views(200, 100) * [200, 100, 200, 100]
    lines = [f"{y1} {x1} {y2} {x2} {1 + i / 20}" for i, (x1, y1, x2, y2) in enumerate(boxes.tolist())]
    (photo,) = read_gaicd(write_gaicd(tmp_path, lines=lines[::-1]), "train")
    np.testing.assert_allclose(photo.boxes_normalized, grid_views(200, 100), atol=1e-6)
    np.testing.assert_allclose(photo.mos, 1 + np.arange(len(boxes)) / 20, rtol=1e-6)


def test_photos_come_by_name(tmp_path):
    for name in ("b", "c", "a"):
        write_gaicd(tmp_path, name=name)
    assert [photo.name for photo in read_gaicd(tmp_path, "train")] == ["a.jpg", "b.jpg", "c.jpg"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("10 20 90 180", "expected 'ymin xmin ymax xmax mos'"),
        ("10 20 90 180 3.5 1", "expected 'ymin xmin ymax xmax mos'"),
        ("", "expected 'ymin xmin ymax xmax mos'"),
        ("10 20 ninety 180 3.5", "expected 'ymin xmin ymax xmax mos'"),
        ("10 20 90 180 nan", "expected 'ymin xmin ymax xmax mos'"),
        ("10 20 103 180 3.5", "outside the photo"),
        ("20 10 180 90 3.5", "outside the photo"),
        ("-3 20 90 180 3.5", "outside the photo"),
        ("90 20 10 180 3.5", "is empty"),
        ("10 20 90 180 6", "a MOS is 1 to 5"),
        ("10 20 90 180 -1", "a MOS is 1 to 5"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(tmp_path, line, fault):
    write_gaicd(tmp_path, lines=[LINES[0], line, LINES[1]])
    with pytest.raises(DataError, match=rf"cat\.txt:2: .*{fault}"):
        read_gaicd(tmp_path, "train")


def test_an_edge_may_be_rounded_up_by_a_pixel_and_is_clipped(tmp_path):
    (photo,) = read_gaicd(write_gaicd(tmp_path, lines=["-1 0 101 201 3"]), "train")
    np.testing.assert_array_equal(photo.boxes_normalized, [[0, 0, 1, 1]])


def test_a_missing_annotation_is_named(tmp_path):
    (write_gaicd(tmp_path) / "annotations" / "cat.txt").unlink()
    with pytest.raises(DataError, match=r"cat: no annotation; looked for .*/cat\.txt and .*/train/cat\.txt"):
        read_gaicd(tmp_path, "train")


def test_annotations_may_lie_in_folders_of_their_split(tmp_path):
    annotations = write_gaicd(tmp_path) / "annotations"
    (annotations / "train").mkdir()
    (annotations / "cat.txt").rename(annotations / "train" / "cat.txt")
    assert len(read_gaicd(tmp_path, "train")[0].mos) == 2
    (annotations / "cat.txt").write_text("0 0 100 200 3\n")
    with pytest.raises(DataError, match="two annotations"):
        read_gaicd(tmp_path, "train")


def test_the_journal_version_s_validation_photos_are_read_where_there_are_any(tmp_path):
    assert read_validation(write_gaicd(tmp_path)) is None
    write_gaicd(tmp_path, name="dog", split="val")
    assert [photo.name for photo in read_validation(tmp_path)] == ["dog.jpg"]
    write_gaicd(tmp_path, name="cat", split="val")
    with pytest.raises(DataError, match="the same name is in"):
        read_validation(tmp_path)


@pytest.mark.parametrize("keep", [0, 10, 400])
def test_a_broken_photo_is_named(tmp_path, keep):
    path = write_gaicd(tmp_path) / "images" / "train" / "cat.jpg"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cat\.jpg: not a readable photo"):
        read_gaicd(tmp_path, "train")


@pytest.mark.parametrize(("lines", "fault"), [(["1 2 3 4 -2"] * 3, "every view is marked -2"), ([], "cat.txt")])
def test_a_photo_without_rated_views_is_named(tmp_path, lines, fault):
    with pytest.raises(DataError, match=fault):
        read_gaicd(write_gaicd(tmp_path, lines=lines), "train")


def test_all_faults_are_found_in_one_reading(tmp_path):
    for index in range(12):
        write_gaicd(tmp_path, name=f"p{index:02}", lines=["nonsense"])
    with pytest.raises(DataError, match=r"p00\.txt:1(.|\n)*p09\.txt:1(.|\n)*and 2 more problems"):
        read_gaicd(tmp_path, "train")


def test_an_empty_or_missing_folder_is_named(tmp_path):
    (tmp_path / "images" / "train").mkdir(parents=True)
    for split in ("train", "test"):
        with pytest.raises(DataError, match=rf"images/{split}: no photos"):
            read_gaicd(tmp_path, split)


def test_a_photo_in_two_splits_is_refused(tmp_path):
    write_gaicd(write_gaicd(tmp_path), split="test")
    with pytest.raises(DataError, match="the same name is in"):
        read_gaicd(tmp_path, "train")


def test_exif_orientation_is_applied_before_the_boxes_are_checked(tmp_path):
    path = write_gaicd(tmp_path) / "images" / "train" / "cat.jpg"
    exif = Image.Exif()
    exif[274] = 6  # turn by 90 degrees
    with Image.open(path) as photo:
        photo.save(path, exif=exif)
    (tmp_path / "annotations" / "cat.txt").write_text("0 0 200 100 3\n")
    (photo,) = read_gaicd(tmp_path, "train")
    assert (photo.width, photo.height) == (100, 200)
    assert load_upright_rgb(path).size == (100, 200)


def test_grey_photos_become_rgb(tmp_path):
    Image.new("L", (8, 6), 77).save(tmp_path / "grey.png")
    photo = load_upright_rgb(tmp_path / "grey.png")
    assert photo.mode == "RGB"
    assert photo.getpixel((0, 0)) == (77, 77, 77)


def test_sizes_are_estimated_where_the_photos_are_missing(tmp_path):
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "7.txt").write_text("28 43 537 981 4.29\n654 0 655 100 3\n")
    (tmp_path / "split.json").write_text(json.dumps({"train": ["7.jpg"]}))
    (photo,) = read_gaicd_annotations(tmp_path, "train")
    assert (photo.name, photo.path, photo.width, photo.height) == ("7.jpg", None, 1024, 683)
    with pytest.raises(DataError, match="no split named 'test'"):
        read_gaicd_annotations(tmp_path, "test")


def test_validation_photos_do_not_move_when_photos_are_added():
    few, many = ([rated(f"{i}.jpg") for i in range(count)] for count in (300, 1000))
    _, held_few = split_validation(few, seed=1, share=0.1)
    training, held_many = split_validation(many, seed=1, share=0.1)
    assert {photo.name for photo in held_few} <= {photo.name for photo in held_many}
    assert not {photo.name for photo in training} & {photo.name for photo in held_many}
    assert len(training) + len(held_many) == 1000
    assert 70 < len(held_many) < 130
    assert held_many != split_validation(many, seed=2, share=0.1)[1]


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_neither_side_of_a_small_split_is_empty(share):
    training, held_out = split_validation([rated("a"), rated("b")], seed=0, share=share)
    assert len(training) == len(held_out) == 1


def test_one_photo_cannot_be_split():
    with pytest.raises(DataError, match="at least two photos"):
        split_validation([rated("a")], seed=0, share=0.1)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_the_real_annotations_of_gaicd_are_read_whole():
    photos = [photo for split in ("train", "test") for photo in read_gaicd_annotations(SHARED / "gaicd", split)]
    assert len(photos) == 1236
    assert sum(len(photo.mos) for photo in photos) == 106_853
    # The estimated sizes put every view back on the grid: corners at half bins, to about a pixel.
    boxes = np.concatenate([photo.boxes_normalized for photo in photos]) * 12 - 0.5
    assert np.abs(boxes - np.rint(boxes)).max() < 0.03
