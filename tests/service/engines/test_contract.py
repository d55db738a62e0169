"""Stacking and cutting: what every engine shares."""

import numpy as np
import pytest

from vrn_cropper.service.engines.contract import VIEW_STEP, ScoreItem, split_scores, stack_items
from vrn_cropper.service.errors import EngineError


def item(views, shade=0, shape=(8, 12, 3)):
    return ScoreItem(np.full(shape, shade, np.uint8), np.full((views, 4), 0.5, np.float32))


def test_box_lists_are_padded_to_one_length_and_photos_kept_in_order():
    batch = stack_items([item(3, 1), item(VIEW_STEP + 1, 2)])
    assert batch.photos.shape == (2, 8, 12, 3)
    assert batch.photos[:, 0, 0, 0].tolist() == [1, 2]
    assert batch.boxes_normalized.shape == (2, 2 * VIEW_STEP, 4)
    assert (batch.boxes_normalized[0, :3] == 0.5).all()
    assert (batch.boxes_normalized[0, 3:] == [0, 0, 1, 1]).all()
    assert batch.view_counts == (3, VIEW_STEP + 1)


def test_batch_is_filled_up_to_a_warm_size():
    batch = stack_items([item(3, 9)], batch_size=4)
    assert batch.photos.shape[0] == 4
    assert not batch.photos[1:].any()
    assert batch.view_counts == (3,)


@pytest.mark.parametrize(
    "wrong",
    [
        item(3, shape=(12, 8, 3)),
        ScoreItem(np.zeros((8, 12, 3), np.float32), np.zeros((1, 4), np.float32)),
        ScoreItem(np.zeros((8, 12, 3), np.uint8), np.zeros((0, 4), np.float32)),
        ScoreItem(np.zeros((8, 12, 3), np.uint8), np.zeros((4,), np.float32)),
    ],
    ids=["another shape", "another type", "no view", "a single box"],
)
def test_item_that_does_not_fit_is_refused(wrong):
    with pytest.raises(EngineError):
        stack_items([item(3), wrong])


def test_each_photo_gets_its_own_scores_back():
    scores = np.arange(12, dtype=np.float32).reshape(2, 6)
    assert [list(part) for part in split_scores(scores, (2, 3))] == [[0, 1], [6, 7, 8]]


def test_scores_that_are_not_numbers_are_an_error_but_padding_does_not_count():
    scores = np.array([[1.0, np.nan]], np.float32)
    assert split_scores(scores, (1,))[0].tolist() == [1.0]
    with pytest.raises(EngineError):
        split_scores(scores, (2,))
