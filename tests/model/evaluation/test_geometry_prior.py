"""The geometry-only prior: fitted as stated, and as good on GAICD as the specification says."""

from pathlib import Path

import numpy as np
import pytest

from vrn_cropper.model.data.gaicd import RatedPhoto, read_gaicd_annotations
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR, fit_prior, view_features
from vrn_cropper.model.evaluation.metrics import evaluate_photo, summarize
from vrn_cropper.model.views.candidates import grid_views

SHARED = Path(__file__).parent.parent.parent.parent.parent / "shared" / "data" / "gaicd"
needs_gaicd = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")


def photos_rated_by(rule, count=5):
    """Photos whose MOS is `rule` of the views plus a level of their own."""
    views = grid_views(900, 600)
    random = np.random.default_rng(0)
    return [
        RatedPhoto(f"{i}", None, 900, 600, views, (rule(views) + random.random()).astype(np.float32))
        for i in range(count)
    ]


def test_features_are_centre_sides_and_their_products():
    (row,) = view_features(np.array([[0.1, 0.2, 0.9, 0.8]]))
    base = [0.0, 0.0, 0.8, 0.6]
    products = [base[i] * base[j] for i in range(4) for j in range(i, 4)]
    np.testing.assert_allclose(row, base + products, atol=1e-12)


def test_a_quadratic_rule_is_found_again_whatever_the_level_of_a_photo():
    def rule(views):
        centre_x = (views[:, 0] + views[:, 2]) / 2
        return 3 - 4 * (centre_x - 0.55) ** 2 + (views[:, 3] - views[:, 1])

    photos = photos_rated_by(rule, count=20)
    found = fit_prior(photos).predict(photos[0].boxes_normalized)
    expected = rule(photos[0].boxes_normalized)
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=0.01)


def test_the_size_of_the_best_view_is_averaged_over_ties_first():
    mos = np.ones(83, np.float32)
    mos[[0, 82]] = 2
    views = grid_views(900, 600)
    prior = fit_prior([RatedPhoto("a", None, 900, 600, views, mos)])
    sides = views[[0, 82], 2:] - views[[0, 82], :2]
    np.testing.assert_allclose([prior.view_width, prior.view_height], sides.mean(axis=0), rtol=1e-6)


def test_one_photo_of_one_view_still_gives_a_finite_prior():
    prior = fit_prior([RatedPhoto("a", None, 9, 9, np.array([[0, 0, 1, 1]]), np.ones(1))])
    assert np.isfinite(prior.predict(grid_views(9, 9))).all()


@needs_gaicd
def test_geometry_alone_reaches_on_gaicd_what_the_specification_says():
    prior = fit_prior(read_gaicd_annotations(SHARED, "train"))
    test = read_gaicd_annotations(SHARED, "test")
    found = summarize([evaluate_photo(prior.predict(photo.boxes_normalized), photo.mos) for photo in test])
    # VRN.md section 5: Acc_1/5 24, Acc_5 21, Acc_1/10 40, Acc_10 37, SRCC .36.
    assert found["acc_1_5"] == pytest.approx(0.24, abs=0.01)
    assert found["acc_5"] == pytest.approx(0.21, abs=0.01)
    assert found["acc_1_10"] == pytest.approx(0.40, abs=0.011)
    assert found["acc_10"] == pytest.approx(0.37, abs=0.01)
    assert found["srcc"] == pytest.approx(0.36, abs=0.01)


@needs_gaicd
def test_the_stored_prior_is_the_fit_of_gaicds_training_photos():
    fitted = fit_prior(read_gaicd_annotations(SHARED, "train"))
    np.testing.assert_allclose(GAICD_PRIOR.weights, fitted.weights, rtol=1e-4)
    assert GAICD_PRIOR.view_width == pytest.approx(fitted.view_width, abs=1e-4)
    assert GAICD_PRIOR.view_height == pytest.approx(fitted.view_height, abs=1e-4)
