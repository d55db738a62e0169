"""The exported head is the trained learner in another order of the same multiplications."""

import pytest
import torch

from vrn_cropper.model.network.inference_head import MatrixProductVdl
from vrn_cropper.model.network.learners import ViewwiseDifferenceLearner

CHANNELS, HIDDEN = 6, (16, 8)


@pytest.mark.parametrize("size", [(4, 4), (5, 9), (16, 24)])
@pytest.mark.parametrize("has_added", [False, True])
def test_scores_are_the_learner_s(size, has_added):
    torch.manual_seed(0)
    learner = ViewwiseDifferenceLearner(CHANNELS, 9, 2, HIDDEN, 0.0).eval()
    head = MatrixProductVdl(learner, CHANNELS).eval()
    feature = torch.randn(2, CHANNELS, *size)
    corners = torch.rand(2, 11, 2, 2).sort(dim=2).values
    boxes = corners.flatten(2)
    boxes[:, 0] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    added = torch.randn(2, 11, HIDDEN[0]) if has_added else None
    with torch.inference_mode():
        expected, scores = learner(feature, boxes, added), head(feature, boxes, added)
    assert expected.std() > 1e-3, "a test of constants shows nothing"
    torch.testing.assert_close(scores, expected, atol=2e-6, rtol=1e-5)
