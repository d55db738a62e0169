"""Calibration: the fitted scale is the one that made the votes, and the error is zero where the statement is true."""

import numpy as np
import pytest

from vrn_cropper.model.evaluation.calibration import (
    VoteCounts,
    draw_reliability,
    error_interval,
    fit_scale,
    preference,
    reliability,
)


@pytest.fixture
def photos():
    """Votes of 400 people a pair who prefer by the score with log-odds 3 a unit."""
    rng = np.random.default_rng(0)
    differences = rng.normal(0, 0.5, (80, 10))
    for_a = rng.binomial(400, preference(differences, 3.0))
    return [VoteCounts(d, np.stack([a, 400 - a], axis=1)) for d, a in zip(differences, for_a, strict=True)]


def test_the_scale_that_made_the_votes_is_found(photos):
    assert fit_scale(photos) == pytest.approx(3, abs=0.05)


def test_the_error_is_small_for_the_true_scale_and_large_for_another(photos):
    assert reliability(photos, 3.0).error < 0.01
    assert reliability(photos, 12.0).error > 0.1
    low, high = error_interval(photos, 12.0)
    assert low <= reliability(photos, 12.0).error <= high


def test_the_order_of_a_pair_makes_no_difference(photos):
    turned = [VoteCounts(-photo.differences, photo.votes[:, ::-1]) for photo in photos]
    assert reliability(turned, 5.0).error == pytest.approx(reliability(photos, 5.0).error)
    assert fit_scale(turned) == pytest.approx(fit_scale(photos))


def test_scores_that_contradict_the_votes_get_no_weight():
    wrong = [VoteCounts(np.array([1.0, -1.0]), np.array([[0, 5], [5, 0]]))]
    assert fit_scale(wrong) == pytest.approx(0, abs=1e-9)


def test_the_plot_is_written(photos, tmp_path):
    draw_reliability(reliability(photos, 3.0), tmp_path / "deep" / "reliability.png")
    assert (tmp_path / "deep" / "reliability.png").read_bytes().startswith(b"\x89PNG")
