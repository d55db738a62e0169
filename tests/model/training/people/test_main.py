"""The command of the second stage: what its options set, and that faults are one line."""

import numpy as np

from vrn_cropper.model.training.people.__main__ import config_of, main, parser
from vrn_cropper.model.training.people.config import LossWeights, PeopleConfig
from vrn_cropper.model.training.people.views import (
    LEAST_AREA,
    served_views,
    views_of_any_shape,
    views_of_ratio,
    windows,
)
from vrn_cropper.model.views.boxes import area

NEEDED = ["--data", "x", "--start-from", "y"]


def config(*options: str) -> PeopleConfig:
    return config_of(parser().parse_args([*NEEDED, *options]))


def test_the_defaults_are_the_settings_of_the_shipped_weights():
    assert config() == PeopleConfig()


def test_losses_are_switched_off_by_name():
    assert config("--without", "votes", "viewing").weights == LossWeights(votes=0, viewing=0)
    only = config("--only", "votes").weights
    assert only.votes == LossWeights().votes
    assert only.human_crops == only.region_maps == 0


def test_options_reach_the_network():
    assert config("--fixed-ratio-gain", "3").network.fixed_ratio_gain == 3


def test_a_folder_without_peoples_labels_is_one_line(tmp_path, capsys):
    assert main(["--data", str(tmp_path), "--start-from", "y"]) == 1
    assert "no data set here" in capsys.readouterr().err


def test_random_views_lie_in_the_photo_and_have_what_they_are_named_for():
    rng = np.random.default_rng(0)
    size = (300, 200)
    any_shape, of_ratio = views_of_any_shape(rng, 200), views_of_ratio(rng, 30, 1.0, *size)
    spread, served = windows(rng, 24, *size), served_views(rng, 40, *size)
    for views in (any_shape, of_ratio, spread, served):
        assert views.min() >= -1e-9
        assert views.max() <= 1 + 1e-9
    assert area(any_shape).min() >= LEAST_AREA
    assert (any_shape == 0).any()
    sides = (of_ratio[:, 2:] - of_ratio[:, :2]) * size
    np.testing.assert_allclose(sides[:, 0], sides[:, 1])
    np.testing.assert_allclose(np.ptp(spread[:, 2:] - spread[:, :2], axis=0), 0, atol=1e-9)
    assert len(served) == 40
