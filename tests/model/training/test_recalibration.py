"""Recalibrated ratings: people's dependence on size, the judge's favourites on top, and nothing else moved."""

import numpy as np
import pytest

from vrn_cropper.model.data.gaicd import RatedPhoto
from vrn_cropper.model.data.judgements import NO_VIEWS, JudgedRegions
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR
from vrn_cropper.model.training.recalibration import PEOPLE_RESIDUAL_STD, recalibrated
from vrn_cropper.model.views.boxes import area
from vrn_cropper.model.views.candidates import grid_views

VIEWS = grid_views(400, 300)


def slope_on_area(photos):
    areas = np.concatenate([area(p.boxes_normalized) - area(p.boxes_normalized).mean() for p in photos])
    mos = np.concatenate([p.mos - p.mos.mean() for p in photos])
    return float(areas @ mos / (areas @ areas))


def judged(best=NO_VIEWS, poor=NO_VIEWS):
    return JudgedRegions(NO_VIEWS, np.zeros(0, np.float32), NO_VIEWS, best, poor)


@pytest.fixture
def photos():
    """Ratings that lean to large views twice as much as people's."""
    noise = np.random.default_rng(0).normal(0, 0.3, (40, len(VIEWS)))
    rows = (6 * area(VIEWS) + noise).astype(np.float32)
    return [RatedPhoto(f"p{index}.jpg", None, 400, 300, VIEWS, mos) for index, mos in enumerate(rows)]


def test_ratings_depend_on_size_as_people_s_do_and_spread_as_far(photos):
    assert slope_on_area(photos) > 5.5
    people = [RatedPhoto("x", None, 400, 300, VIEWS, GAICD_PRIOR.predict(VIEWS).astype("f4"))]
    found = recalibrated(photos, {})
    assert slope_on_area(found) == pytest.approx(slope_on_area(people), abs=0.05)
    residuals = [p.mos - p.mos.mean() - (people[0].mos - people[0].mos.mean()) for p in found]
    assert np.mean([r.std() for r in residuals]) == pytest.approx(PEOPLE_RESIDUAL_STD, rel=0.02)


def test_a_photo_keeps_its_mean_its_views_and_its_name(photos):
    for before, after in zip(photos, recalibrated(photos, {}), strict=True):
        assert after.name == before.name
        assert after.mos.dtype == np.float32
        assert after.mos.mean() == pytest.approx(before.mos.mean(), abs=1e-5)
        assert after.boxes_normalized is before.boxes_normalized


def test_the_judge_s_favourites_rise_and_the_worst_fall(photos):
    plain = recalibrated(photos, {})
    favoured = recalibrated(photos, {"p3": judged(best=VIEWS[[5, 9]], poor=VIEWS[[60]])})
    change = favoured[3].mos - plain[3].mos
    assert change.argmax() == 5
    assert change.argmin() == 60
    assert change[9] > np.median(change)
    np.testing.assert_allclose(favoured[4].mos, plain[4].mos, atol=0.05)


def test_no_photos_are_no_fault():
    assert recalibrated([], {}) == []
