"""Views and targets of one photo: each target belongs to its views, whatever part of the photo is shown."""

import numpy as np
import pytest

from vrn_cropper.model.data.judgements import JudgedRegions
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.training.losses.human_crops import crop_targets
from vrn_cropper.model.training.losses.listwise import soft_targets
from vrn_cropper.model.training.losses.subjects import kept_subjects
from vrn_cropper.model.training.losses.viewing import kept_times, viewing_map
from vrn_cropper.model.training.people.photos import read_people
from vrn_cropper.model.training.people.targets import (
    RATED_PARTS,
    VOTED_PARTS,
    Shown,
    rated_targets,
    voted_targets,
)

WHOLE = np.array([0.0, 0.0, 1.0, 1.0])
SHAPE = InputShape(64, 96)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("kept", [WHOLE, np.array([0.02, 0.01, 0.97, 1.0])])
def test_a_photo_with_votes_has_the_crop_among_its_views(tiny_people, kept):
    photo = read_people(tiny_people)[0].voted[0]
    shown = Shown(kept, 96 * (kept[2] - kept[0]), 72 * (kept[3] - kept[1]), SHAPE)
    boxes, targets = voted_targets(photo, shown, 0.08, rng())
    assert len(boxes) == sum(VOTED_PARTS)
    pairs, of_ratio = boxes[: VOTED_PARTS[0]], boxes[-VOTED_PARTS[2] :]
    np.testing.assert_allclose(pairs[::2], np.tile(shown.move(photo.pairs_normalized[0, :1]), (10, 1)), atol=1e-6)
    np.testing.assert_allclose(targets["votes"], 0.8)
    assert targets["human_crops_of_ratio"].argmax() == 0
    np.testing.assert_allclose(of_ratio[0], shown.move(photo.human_crops.boxes_normalized)[0])
    assert targets["human_crops"].sum() == pytest.approx(1, abs=1e-5)


def test_a_rated_photo_has_targets_for_each_of_its_views(tiny_people):
    photos = read_people(tiny_people)[0]
    photo = photos.rated[0]
    judged = photos.judged[photo.name[:-4]]
    shown = Shown(WHOLE, photo.width, photo.height, SHAPE)
    boxes, targets = rated_targets(photo, judged, photos.points.get(photo.name), shown, 0.08, rng())
    assert len(boxes) == sum(RATED_PARTS)
    assert (boxes >= -1e-9).all()
    assert (boxes <= 1 + 1e-9).all()
    assert targets["rating"].shape == (RATED_PARTS[0],)
    assert targets["judge_crops"].shape == (sum(RATED_PARTS[:2]),)
    assert targets["region_maps"].shape == (2, 4, 6)


def test_where_nobody_looked_the_targets_are_zeros_that_count_nothing(tiny_people):
    photos = read_people(tiny_people)[0]
    photo = photos.rated[0]
    shown = Shown(WHOLE, photo.width, photo.height, SHAPE)
    _, targets = rated_targets(photo, photos.judged[photo.name[:-4]], None, shown, 0.08, rng())
    assert not targets["viewing"].any()
    assert not targets["viewing_map"].any()


def test_no_validation_photo_is_trained_on(tiny_people):
    training, held_out = read_people(tiny_people)
    names = {photo.name for photo in training.rated} | {photo.name for photo in training.voted}
    for part in (held_out.voted, held_out.viewed, held_out.rated):
        assert part
        assert not names & {photo.name for photo in part}


def test_targets_follow_the_nearest_crop_and_sum_to_one():
    views = np.array([[0, 0, 1, 1], [0, 0, 0.5, 1], [0.5, 0, 1, 1]], float)
    found = crop_targets(views, views[1:2], 0.08)
    assert found.argmax() == 1
    assert found.sum() == pytest.approx(1)
    both = crop_targets(views, views[1:], 0.08, (0.75, 0.25))
    assert both[1] / both[2] == pytest.approx(3, rel=0.01)


def test_a_wide_temperature_tells_views_apart_less():
    sharp, soft = (soft_targets(np.array([0.9, 0.5]), temperature) for temperature in (0.05, 1.0))
    assert sharp[0] > soft[0] > 0.5


def test_kept_time_is_the_share_of_time_not_of_points():
    points = np.array([[0.2, 0.5, 300.0], [0.8, 0.5, 100.0]])
    views = np.array([[0, 0, 0.5, 1], [0.5, 0, 1, 1]], float)
    np.testing.assert_allclose(kept_times(views, points), [0.75, 0.25])


def test_the_map_is_brightest_where_people_looked_longest():
    found = viewing_map(np.array([[0.9, 0.17, 500.0], [0.1, 0.9, 50.0]]), 1.5, 10, 15)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert np.unravel_index(found.argmax(), found.shape) == (1, 13)


def test_a_main_subject_cut_in_half_costs_more_than_a_minor_one():
    regions = JudgedRegions(
        np.array([[0.0, 0.4, 0.2, 0.6], [0.8, 0.4, 1.0, 0.6]]), np.array([1.0, 1 / 3]), np.zeros((0, 4))
    )
    windows = np.array([[0.0, 0.0, 0.7, 1.0], [0.3, 0.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0]])
    found = kept_subjects(windows, *regions[:2])
    assert found[2] == pytest.approx(1)
    assert found[0] > 0.9
    assert found[1] < 0.1
    assert not kept_subjects(windows, np.zeros((0, 4)), np.zeros(0)).any()
