"""The field's measures against hand-made cases, plain loops, scipy, and GAICD's real ratings."""

import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from vrn_cropper.model.data.gaicd import read_gaicd_annotations
from vrn_cropper.model.evaluation.metrics import (
    CropMetrics,
    bootstrap_interval,
    compare_with_crops,
    evaluate_photo,
    mean_accuracy,
    summarize,
    weighted_mean,
)
from vrn_cropper.model.views.boxes import pairwise_iou

SHARED = Path(__file__).parent.parent.parent.parent.parent / "shared" / "data" / "gaicd"
values = st.sampled_from([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0])


def plain_accuracy(scores, mos, k, n):
    """Acc_K/N by its definition, view by view."""
    returned = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:k]
    threshold = sorted(mos, reverse=True)[min(n, len(mos)) - 1]
    return sum(mos[i] >= threshold for i in returned) / len(returned)


def plain_weighted_accuracy(scores, mos, n, decay):
    """Weighted Acc_N of GAIC's evaluation, view by view."""
    by_mos = sorted(range(len(mos)), key=lambda i: (-mos[i], i))
    by_score = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    total = 0.0
    for k in range(1, 5):
        ranks = sorted(by_mos.index(i) for i in by_score[:k])
        total += sum(math.exp(-decay * (r - j)) for j, r in enumerate(ranks) if r < n) / len(ranks)
    return total / 4


def random_case(seed, count=83):
    random = np.random.default_rng(seed)
    mos = random.integers(7, 36, count) / 7
    return (mos + random.normal(0, 1, count)).round(1), mos


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("count", [1, 2, 4, 5, 9, 10, 83])
def test_accuracies_equal_plain_loops(seed, count):
    scores, mos = random_case(seed, count)
    found = evaluate_photo(scores, mos)
    for n, accuracy, mean in [(5, found.acc_1_5, found.acc_5), (10, found.acc_1_10, found.acc_10)]:
        assert accuracy == plain_accuracy(scores, mos, 1, n)
        assert mean == pytest.approx(np.mean([plain_accuracy(scores, mos, k, n) for k in range(1, 5)]))
    assert found.weighted_acc_5 == pytest.approx(plain_weighted_accuracy(scores, mos, 5, 0.2))
    assert found.weighted_acc_10 == pytest.approx(plain_weighted_accuracy(scores, mos, 10, 0.1))


@pytest.mark.parametrize("seed", range(20))
def test_correlations_equal_scipys(seed):
    scores, mos = random_case(seed)
    found = evaluate_photo(scores, mos)
    assert found.srcc == pytest.approx(stats.spearmanr(scores, mos).statistic, abs=1e-12)
    assert found.pcc == pytest.approx(stats.pearsonr(scores, mos).statistic, abs=1e-12)


def test_a_perfect_and_a_reversed_prediction():
    mos = np.arange(1, 5, 0.1)
    assert evaluate_photo(10 * mos - 3, mos) == pytest.approx((1,) * 8)
    assert evaluate_photo(-mos, mos) == pytest.approx((0,) * 6 + (-1, -1))


def test_a_tie_with_the_nth_highest_mos_is_a_hit():
    mos = np.array([5, 4, 3, 3, 3, 3, 3, 1, 1, 1, 1])
    scores = np.zeros(11)
    scores[6] = 1  # a seventh view, as good as the fifth
    assert evaluate_photo(scores, mos).acc_1_5 == 1
    scores[7] = 2
    assert evaluate_photo(scores, mos).acc_1_5 == 0


def test_a_hand_made_acc_5():
    mos = np.array([5.0, 4.8, 4.6, 4.4, 4.2, 3, 2, 1])
    scores = np.array([0, 0, 9, 0, 7, 8, 6, 0])  # returned: hit, miss, hit, miss
    found = evaluate_photo(scores, mos)
    assert found.acc_5 == pytest.approx((1 + 1 / 2 + 2 / 3 + 2 / 4) / 4)
    # The formula as printed in the VRN paper takes K up to N: the fifth is view 0 (first of the tied), a hit.
    order = np.argsort(-scores, kind="stable")
    assert mean_accuracy(order, mos, n=5, max_k=5) == pytest.approx((1 + 1 / 2 + 2 / 3 + 2 / 4 + 3 / 5) / 5)


def test_equal_scores_keep_the_order_of_the_candidates():
    mos = np.array([1.0] * 5 + [5.0] * 5)
    assert evaluate_photo(np.zeros(10), mos).acc_1_5 == 0
    assert evaluate_photo(np.zeros(10), mos[::-1]).acc_1_5 == 1


@pytest.mark.parametrize(
    ("scores", "mos"),
    [([0.7], [3]), ([0.1] * 7, range(7)), (range(7), [3.3] * 7), ([0.1] * 3, [0.3] * 3)],
)
def test_a_ranking_that_says_nothing_has_no_correlation(scores, mos):
    found = evaluate_photo(np.array(scores), np.array(list(mos)))
    assert (found.srcc, found.pcc) == (0, 0)


@given(st.lists(st.tuples(st.floats(allow_nan=False, allow_infinity=False), values), min_size=1, max_size=30))
def test_every_measure_is_finite_and_in_range(pairs):
    scores, mos = (np.array(column) for column in zip(*pairs, strict=True))
    # A difference of extreme scores may overflow float64; the measures must say so in no way.
    scores = np.clip(scores, -1e300, 1e300) / 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluate_photo(scores, mos)
    assert all(0 <= value <= 1 for value in found[:6])
    assert all(-1 <= value <= 1 for value in found[6:])


@pytest.mark.parametrize(
    ("scores", "mos", "message"),
    [([1, 2], [1], "one score and one MOS"), ([], [], "one score and one"), ([np.nan], [1], "not finite")],
)
def test_scores_that_do_not_fit_are_refused(scores, mos, message):
    with pytest.raises(ValueError, match=message):
        evaluate_photo(np.array(scores), np.array(mos))


def test_a_summary_is_the_mean_over_photos():
    found = summarize([CropMetrics(0.5, 0.1, 0.4), CropMetrics(0.75, 0.3, 0.6)])
    assert found == pytest.approx({"iou": 0.625, "bde": 0.2, "mean_iou": 0.5})
    with pytest.raises(ValueError, match="no photos"):
        summarize([])


def test_the_nearest_human_crop_counts():
    crops = np.array([[0, 0, 0.5, 1], [0, 0, 1, 0.9]])
    found = compare_with_crops(np.array([0, 0, 1, 1]), crops)
    assert found == pytest.approx((0.9, 0.025, pairwise_iou(np.array([0, 0, 1, 1]), crops).mean()))


def test_what_is_counted_on_a_photo_is_drawn_with_it():
    values, weights = np.array([1.0, 0.0, 0.5]), np.array([3, 1, 0])
    assert weighted_mean(values, weights) == 0.75
    assert np.isnan(weighted_mean(values, np.zeros(3)))
    low, high = bootstrap_interval(values, weights)
    assert low == 0
    assert high == 1
    even = np.random.default_rng(0).random(50)
    np.testing.assert_allclose(bootstrap_interval(even, np.full(50, 7)), bootstrap_interval(even))


def test_the_bootstrap_equals_a_plain_loop_over_the_same_draws():
    data = np.random.default_rng(3).random((40, 2))
    draws = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40), size=200)
    means = [np.repeat(data, times, axis=0).mean(axis=0) for times in draws]
    expected = np.quantile(means, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(bootstrap_interval(data, seed=5, resamples=200), expected)


def test_the_bootstrap_agrees_with_the_normal_interval_of_many_photos():
    data = np.random.default_rng(0).normal(3, 2, 2000)
    half = 1.96 * data.std() / math.sqrt(2000)
    np.testing.assert_allclose(bootstrap_interval(data), [data.mean() - half, data.mean() + half], atol=0.01)
    np.testing.assert_array_equal(bootstrap_interval(data), bootstrap_interval(data))


def test_one_photo_has_no_interval():
    assert np.isnan(bootstrap_interval(np.array([0.5]))).all()


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_random_ranking_of_gaicd_reaches_what_the_specification_says():
    random = np.random.default_rng(0)
    photos = read_gaicd_annotations(SHARED, "test")
    found = summarize([evaluate_photo(random.random(len(p.mos)), p.mos) for _ in range(20) for p in photos])
    # VRN.md: "Acc_1/5 about 7, Acc_1/10 about 13"; ties lift both a little above 5 / 86 and 10 / 86.
    assert found["acc_1_5"] == pytest.approx(0.07, abs=0.015)
    assert found["acc_1_10"] == pytest.approx(0.13, abs=0.015)
    assert found["srcc"] == pytest.approx(0, abs=0.01)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not here")
def test_a_constant_prediction_does_not_read_the_order_of_gaicds_files():
    photos = read_gaicd_annotations(SHARED, "test")
    found = summarize([evaluate_photo(np.zeros(len(photo.mos)), photo.mos) for photo in photos])
    assert found["acc_5"] < 0.2
