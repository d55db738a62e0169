"""What a crop cuts and whether it holds still, on photos made by script."""

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.data.gaicd import RatedPhoto, load_upright_rgb
from vrn_cropper.model.evaluation.measures.mos import mos_table
from vrn_cropper.model.evaluation.measures.stability import pixel_jump, same_crop, stability_markdown
from vrn_cropper.model.evaluation.measures.subjects import Subjects, subjects_table, would_fit
from vrn_cropper.model.evaluation.methods import RATIOS, Method
from vrn_cropper.model.evaluation.tables import NOT_MEASURED
from vrn_cropper.model.views.boxes import area
from vrn_cropper.model.views.candidates import grid_views
from vrn_cropper.model.views.heads import kept_shares

WIDE = np.array([[0, 0.4, 0.9, 0.6]])
SMALL = np.array([[0, 0, 0.1, 0.1]])


class BoxCropper:
    def __init__(self, box):
        self.box = np.array(box, dtype=float)

    def crop(self, photo, ratio=None):
        return self.box


class BrightnessScorer:
    """Likes views whose centre lies near the brightest column: the same for a mirrored photo."""

    def score(self, photo, boxes_normalized):
        light = np.asarray(load_upright_rgb(photo).convert("L")).mean(axis=0)
        brightest = (light.argmax() + 0.5) / len(light)
        centres = boxes_normalized[:, [0, 2]].mean(axis=1)
        return -np.abs(centres - brightest) + 0.1 * area(boxes_normalized)


class LeftScorer:
    def score(self, photo, boxes_normalized):
        return -boxes_normalized[:, 0] - boxes_normalized[:, 2]


@pytest.fixture
def photo(tmp_path):
    pixels = np.zeros((200, 300, 3), np.uint8)
    pixels[:, 60:80] = 250
    Image.fromarray(pixels).save(tmp_path / "a.png")
    views = grid_views(300, 200)
    return RatedPhoto("a.png", tmp_path / "a.png", 300, 200, views, 1 + area(views) * 4)


def test_the_share_of_a_subject_inside_a_crop():
    boxes = np.array([[0, 0, 0.2, 0.2], [0.4, 0, 0.6, 1], [0.8, 0.8, 1, 1]])
    np.testing.assert_allclose(kept_shares(np.array([[0, 0, 0.5, 1]]), boxes), [[1, 0.5, 0]])


def test_only_subjects_that_would_fit_are_counted(photo):
    subjects = Subjects(photo.path, 300, 200, np.concatenate([WIDE, SMALL]))
    assert would_fit(subjects, 1.0).tolist() == [False, True]
    assert would_fit(subjects, 3.0).tolist() == [True, True]
    method = Method.of_cropper("right", BoxCropper([0.5, 0, 1, 1]))
    table = subjects_table([method], [subjects, Subjects(photo.path, 300, 200, np.zeros((0, 4)))], "x", "heads", 0.5)
    ratios = [ratio.label for ratio in RATIOS]
    fitting = [2 if label in ("16:9", "3:1") else 1 for label in ratios]
    np.testing.assert_array_equal(table.rows[0].weights[0], fitting)
    np.testing.assert_allclose(table.rows[0].values[0], 1)
    assert "1 photos with heads" in table.text


def test_photos_without_a_subject_are_a_table_that_says_so(tmp_path):
    nobody = Subjects(tmp_path / "x.jpg", 300, 200, np.zeros((0, 4)))
    table = subjects_table([Method("left", LeftScorer())], [nobody], "x", "heads", 0.5).markdown()
    assert "0 photos with heads" in table
    assert table.count(NOT_MEASURED) == len(RATIOS)


def test_a_crop_is_the_same_to_a_share_of_the_sides():
    box = np.array([0.1, 0.1, 0.9, 0.9])
    assert same_crop(box, box + 0.01)
    assert not same_crop(box, box + np.array([0.1, 0, 0, 0]))


def test_a_scorer_that_follows_the_mirror_is_stable_and_one_that_does_not_is_named(photo):
    steady = stability_markdown(Method("bright", BrightnessScorer()), [photo], "Stability")
    assert "| mirrored | 100.0 " in steady
    assert "bright, 1 photos" in steady
    assert "| mirrored | 0.0 " in stability_markdown(Method("left", LeftScorer()), [photo], "Stability")


def test_a_pixel_s_jump_is_a_share_of_the_range_of_scores():
    smooth = pixel_jump(lambda views: views[:, 0], (300, 200))
    stepped = pixel_jump(lambda views: np.floor(views[:, 0] * 300) % 2, (300, 200))
    assert smooth < 0.02
    assert stepped == 1
    assert pixel_jump(lambda views: np.zeros(len(views)), (300, 200)) == 0


def test_an_oracle_of_the_ratings_reaches_the_top_of_every_measure(photo):
    class Oracle:
        def score(self, source, boxes_normalized):
            return photo.mos

    np.testing.assert_allclose(mos_table([Method("oracle", Oracle())], [photo], "x").rows[0].values, 1)
