"""What the second stage starts from: the first stage's network, narrower, with new layers that change no score."""

import pytest
import torch

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.checkpoint import save_checkpoint
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.training.people.start import start_from

BOXES = torch.tensor([[[0.1, 0.1, 0.8, 0.9], [0.3, 0.0, 1.0, 0.7]]])


@pytest.fixture
def first_stage(tmp_path):
    torch.manual_seed(0)
    vrn = Vrn(VrnConfig(hidden_sizes=(16, 8))).eval()
    # Half of the neurons say nothing: the ones to be left out.
    with torch.no_grad():
        vrn.vdl.tail[2].weight[:, ::2] = 0
    path = tmp_path / "first.safetensors"
    save_checkpoint(path, vrn, {"name": "first"}, with_idl=True)
    return vrn, path


def test_the_neurons_that_weigh_nothing_go_and_the_scores_stay(first_stage):
    before, path = first_stage
    vrn = Vrn(VrnConfig(hidden_sizes=(8, 8), has_regions=True)).eval()
    start_from(vrn, path)
    photos = torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.inference_mode():
        torch.testing.assert_close(vrn.score_views(photos, BOXES), before.score_views(photos, BOXES))


def test_a_checkpoint_of_another_network_is_refused(first_stage):
    path = first_stage[1]
    with pytest.raises(CheckpointError, match="another network"):
        start_from(Vrn(VrnConfig(hidden_sizes=(32, 8))), path)
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        start_from(Vrn(VrnConfig(hidden_sizes=(8, 8))), path.with_name("missing"))
