"""What a view keeps and cuts: shares of maps inside it, and its place and size."""

import pytest
import torch

from vrn_cropper.model.network.regions import (
    GEOMETRY,
    MAP_NAMES,
    RegionHead,
    ViewJudge,
    region_densities,
    shares_inside,
    view_evidence,
    view_geometry,
)

WHOLE = torch.tensor([[[0.0, 0.0, 1.0, 1.0]]])


def densities() -> torch.Tensor:
    return region_densities(torch.randn(1, len(MAP_NAMES), 6, 9, generator=torch.Generator().manual_seed(0)))


def test_the_whole_photo_holds_all_of_what_people_look_at() -> None:
    torch.testing.assert_close(shares_inside(densities(), WHOLE)[0, 0, :2], torch.ones(2))


def test_two_halves_share_the_whole() -> None:
    halves = torch.tensor([[[0.0, 0.0, 0.37, 1.0], [0.37, 0.0, 1.0, 1.0]]])
    maps = densities()
    torch.testing.assert_close(shares_inside(maps, halves).sum(dim=1), shares_inside(maps, WHOLE)[:, 0])


def test_a_subject_on_the_border_is_cut_and_one_inside_is_not() -> None:
    maps = torch.zeros(1, 3, 10, 10)
    maps[:, :, 5, 4:6] = 0.5
    across, around = [0.5, 0.0, 1.0, 1.0], [0.2, 0.2, 0.8, 0.8]
    border = view_evidence(maps, torch.tensor([[across, around]]))[0, :, len(MAP_NAMES) :]
    assert border[0].min() > 0.1
    assert border[1].max() == pytest.approx(0, abs=1e-6)


def test_geometry_is_the_same_mirrored_but_for_the_margins_that_change_sides() -> None:
    like = torch.zeros(1, 1, 12, 18)
    left, right = view_geometry(torch.tensor([[[0.0, 0.1, 0.6, 0.9], [0.4, 0.1, 1.0, 0.9]]]), like)[0]
    assert left.shape == (GEOMETRY,)
    torch.testing.assert_close(left[8:], right[8:])
    torch.testing.assert_close(left[0], right[2])


def test_the_judge_begins_at_nothing() -> None:
    own, joined = ViewJudge(16)(torch.rand(2, 5, GEOMETRY), torch.rand(2, 5, 2 * len(MAP_NAMES)))
    assert own.shape == (2, 5)
    assert joined.shape == (2, 5, 16)
    assert not own.any()
    assert not joined.any()


def test_the_head_gives_one_map_a_name() -> None:
    assert RegionHead(8)(torch.rand(2, 8, 4, 6)).shape == (2, len(MAP_NAMES), 4, 6)
