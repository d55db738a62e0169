"""Baselines: each ranks views as its name says."""

import numpy as np
import pytest
from PIL import Image

from vrn_cropper.model.evaluation.baselines import (
    CentreCrop,
    GeometryScorer,
    RandomScorer,
    WholeFrame,
    own_baselines,
)
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR
from vrn_cropper.model.evaluation.methods import RATIOS, OverlapScorer, Question
from vrn_cropper.model.views.boxes import area
from vrn_cropper.model.views.candidates import grid_views

PHOTO = Image.new("RGB", (600, 400))
VIEWS = grid_views(600, 400)


class FixedCropper:
    def __init__(self, box):
        self.box = np.array(box)

    def crop(self, photo, ratio=None):
        return self.box


def test_views_are_ranked_by_their_overlap_with_the_croppers_box():
    views = np.array([[0, 0, 1, 1], [0, 0, 0.5, 0.5], [0, 0, 0.5, 0.6], [0.5, 0.5, 1, 1]])
    scores = OverlapScorer(FixedCropper([0, 0, 0.5, 0.5])).score(PHOTO, views)
    assert np.argsort(-scores).tolist() == [1, 2, 0, 3]
    assert scores[1] == pytest.approx(1, abs=1e-5)


def test_equal_overlaps_go_to_the_more_central_view():
    views = np.array([[0, 0, 0.6, 0.6], [0.2, 0.2, 0.8, 0.8], [0.4, 0.4, 1, 1]])
    scores = OverlapScorer(WholeFrame()).score(PHOTO, views)
    assert scores.argmax() == 1


def test_overlap_with_the_whole_frame_is_the_widest_crop():
    scores = OverlapScorer(WholeFrame()).score(PHOTO, VIEWS)
    assert area(VIEWS)[scores.argmax()] == area(VIEWS).max()
    assert (np.diff(area(VIEWS)[np.argsort(-scores)]) <= 1e-6).all()


def test_the_centre_crop_is_centred_and_of_the_wanted_size():
    np.testing.assert_allclose(CentreCrop(0.8, 0.6).crop(PHOTO), [0.1, 0.2, 0.9, 0.8])


def test_the_geometry_scorer_never_looks_at_the_photo():
    scorer = GeometryScorer(GAICD_PRIOR)
    noise = Image.effect_noise((600, 400), 90).convert("RGB")
    np.testing.assert_array_equal(scorer.score(PHOTO, VIEWS), scorer.score(noise, VIEWS))


def test_random_scores_repeat_with_their_seed_and_differ_between_photos():
    first, again = RandomScorer(3), RandomScorer(3)
    np.testing.assert_array_equal(first.score(PHOTO, VIEWS), again.score(PHOTO, VIEWS))
    assert (first.score(PHOTO, VIEWS) != RandomScorer(3).score(PHOTO, VIEWS)).any()


@pytest.mark.parametrize("method", own_baselines(GAICD_PRIOR), ids=lambda method: method.name)
@pytest.mark.parametrize("size", [(600, 400), (1, 1), (900, 60)])
def test_every_baseline_gives_one_finite_score_a_view_on_any_shape(method, size):
    views = grid_views(*size)
    scores = method.scorer.score(Image.new("RGB", size), views)
    assert scores.shape == (len(views),)
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("method", own_baselines(GAICD_PRIOR), ids=lambda method: method.name)
def test_every_baseline_crops_to_each_ratio_that_is_asked_for(method):
    crops = method.answer(Question(PHOTO, 600, 400, RATIOS, largest=True)).crops
    sides = (crops[:, 2:] - crops[:, :2]) * [600, 400]
    np.testing.assert_allclose(sides[:, 0] / sides[:, 1], [ratio.value for ratio in RATIOS], rtol=0.01)
    assert np.isclose(sides, [600, 400], atol=1.01).any(axis=1).all(), "the largest of its ratio touches two sides"
