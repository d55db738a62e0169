"""The network: its parts, what inference may not depend on, and its weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from vrn_cropper.model.errors import CheckpointError
from vrn_cropper.model.network.align import discard_mask, roi_align, whole_map_grid
from vrn_cropper.model.network.backbone import Backbone
from vrn_cropper.model.network.learners import ViewwiseDifferenceLearner
from vrn_cropper.model.network.splitter import FeatureSplitter
from vrn_cropper.model.network.vrn import Vrn, VrnConfig
from vrn_cropper.model.photos.input_shapes import INPUT_SHAPES, InputShape


@pytest.fixture(scope="module")
def vrn() -> Vrn:
    torch.manual_seed(0)
    return Vrn(VrnConfig(hidden_sizes=(32, 16))).eval()


def random_boxes(*shape: int, seed: int = 0) -> torch.Tensor:
    corners = torch.rand(*shape, 4, generator=torch.Generator().manual_seed(seed))
    return torch.cat([corners[..., :2] * 0.4, 0.6 + corners[..., 2:] * 0.4], dim=-1)


def random_photos(count: int, shape: InputShape, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, *shape, 3), dtype=torch.uint8, generator=generator)


def test_backbone_gives_448_channels_at_stride_16() -> None:
    assert Backbone().eval()(torch.zeros(2, 3, 64, 96)).shape == (2, 448, 4, 6)


def test_batch_norm_keeps_its_statistics_in_training() -> None:
    backbone = Backbone()
    before = backbone.features[0][1].running_mean.clone()
    backbone.train()(torch.randn(2, 3, 64, 64))
    assert backbone.training
    assert not any(m.training for m in backbone.modules() if isinstance(m, nn.BatchNorm2d))
    torch.testing.assert_close(backbone.features[0][1].running_mean, before)


def test_splitter_shares_out_the_map_by_channel() -> None:
    feature = torch.rand(2, 8, 3, 4) + 0.1
    view_wise, image_wise = FeatureSplitter(8, reduction=4)(feature)
    torch.testing.assert_close(view_wise + image_wise, feature)
    weights = view_wise / feature
    assert ((weights > 0) & (weights < 1)).all()
    torch.testing.assert_close(weights, weights[:, :, :1, :1].expand_as(weights))


def test_vdl_is_a_layer_on_the_concatenation_of_both_alignments() -> None:
    """The first layer is written in two halves; together they are the plain one."""
    torch.manual_seed(0)
    vdl = ViewwiseDifferenceLearner(4, bins=9, sampling_ratio=2, sizes=(16, 8), dropout=0.0).eval()
    feature, boxes = torch.randn(2, 4, 8, 12), random_boxes(2, 5)
    outside = discard_mask(boxes, 9).unsqueeze(2) * whole_map_grid(feature, 9).unsqueeze(1)
    both = torch.cat([roi_align(feature, boxes, 9, 2), outside], dim=2).flatten(2)
    weight = torch.cat([vdl.inside.weight, vdl.discarded.weight], dim=1)
    plain = vdl.tail(both @ weight.T + vdl.inside.bias).squeeze(-1)
    torch.testing.assert_close(vdl(feature, boxes), plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("shape", [INPUT_SHAPES[0], INPUT_SHAPES[3], INPUT_SHAPES[-1]], ids=str)
def test_scores_do_not_depend_on_batch_mates(vrn: Vrn, shape: InputShape) -> None:
    photos, boxes = random_photos(4, shape), random_boxes(4, 30)
    with torch.no_grad():
        together = vrn.score_views(photos, boxes)
        alone = torch.cat([vrn.score_views(photos[i : i + 1], boxes[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_a_view_is_scored_alike_beside_any_other_views(vrn: Vrn) -> None:
    photo, boxes = random_photos(1, INPUT_SHAPES[0]), random_boxes(1, 40)
    with torch.no_grad():
        many, few = vrn.score_views(photo, boxes), vrn.score_views(photo, boxes[:, 7:9])
    torch.testing.assert_close(many[:, 7:9], few, atol=1e-5, rtol=0)


def test_training_and_inference_agree(vrn: Vrn) -> None:
    photos, boxes = random_photos(2, INPUT_SHAPES[1]), random_boxes(2, 5)
    with torch.no_grad():
        output = vrn(vrn.normalise(photos), boxes)
        torch.testing.assert_close(output.view_scores, vrn.score_views(photos, boxes))
    assert output.image_scores is not None
    assert output.image_scores.shape == (2, 5)


def test_without_splitter_there_is_no_idl() -> None:
    plain = Vrn(VrnConfig(hidden_sizes=(8, 8), has_splitter=False)).eval()
    output = plain(torch.zeros(1, 3, 64, 64), random_boxes(1, 3))
    assert output.image_scores is None
    assert plain.idl is None


def test_config_survives_its_dictionary() -> None:
    config = VrnConfig(hidden_sizes=(1, 2, 3), dropout=0.5)
    assert VrnConfig.from_dict(config.to_dict()) == config
    with pytest.raises(TypeError):
        VrnConfig.from_dict({**config.to_dict(), "unknown": 1})


def test_imagenet_file_is_loaded_strictly(tmp_path: Path) -> None:
    source, target = Backbone(), Backbone()
    state = {k: v for k, v in source.state_dict().items() if not k.endswith("num_batches_tracked")}
    state |= {"classifier.1.weight": torch.zeros(1), "features.18.0.weight": torch.zeros(1)}
    save_file(state, tmp_path / "good.safetensors")
    target.load_weights_file(tmp_path / "good.safetensors")
    for name, tensor in source.state_dict().items():
        torch.testing.assert_close(target.state_dict()[name], tensor)
    state.pop("features.3.conv.0.0.weight")
    save_file(state, tmp_path / "missing.safetensors")
    with pytest.raises(CheckpointError, match=r"features\.3\.conv"):
        target.load_weights_file(tmp_path / "missing.safetensors")
    (tmp_path / "broken.safetensors").write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match=r"broken\.safetensors"):
        target.load_weights_file(tmp_path / "broken.safetensors")
    with pytest.raises(CheckpointError, match=r"absent\.safetensors"):
        target.load_weights_file(tmp_path / "absent.safetensors")


def test_the_shared_imagenet_weights_load() -> None:
    path = Path(__file__).parents[3].parent / "shared" / "weights" / "mobilenet_v2_imagenet.safetensors"
    if not path.exists():
        pytest.skip("needs ../shared/weights")
    backbone = Backbone()
    before = backbone.features[0][0].weight.clone()
    backbone.load_weights_file(path)
    assert not torch.equal(backbone.features[0][0].weight, before)


def test_a_mirrored_photo_has_the_mirrored_scores() -> None:
    """Where inference averages both, the crop of one is that of the other, by construction."""
    torch.manual_seed(0)
    vrn = Vrn(VrnConfig(has_regions=True, mirror_averaged=True)).eval()
    assert vrn.judge is not None
    for parameter in vrn.judge.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    photo = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    boxes = torch.tensor([[[0.0, 0.1, 0.6, 0.9], [0.3, 0.0, 1.0, 1.0], [0.1, 0.2, 0.8, 1.0]]])
    mirrored = torch.stack([1 - boxes[..., 2], boxes[..., 1], 1 - boxes[..., 0], boxes[..., 3]], dim=-1)
    with torch.inference_mode():
        scores, of_the_mirror = vrn.score_views(photo, boxes), vrn.score_views(photo.flip(2), mirrored)
    torch.testing.assert_close(scores, of_the_mirror, atol=1e-5, rtol=0)
    assert scores.std() > 1e-3


def test_where_the_ratio_is_given_what_the_maps_hold_counts_and_size_with_it() -> None:
    config = VrnConfig(hidden_sizes=(16, 8), has_regions=True, free_maps=2)
    torch.manual_seed(0)
    plain, fixed = (
        Vrn(replace(config, fixed_attention_gain=gain, fixed_subject_gain=gain)).eval() for gain in (0, 9)
    )
    fixed.load_state_dict(plain.state_dict())
    photos = torch.randint(0, 255, (1, 64, 96, 3), dtype=torch.uint8)
    boxes = torch.tensor([[[0.0, 0.0, 1.0, 1.0], [0.2, 0.2, 0.7, 0.7], [0.4, 0.4, 0.6, 0.6]]])
    marked = boxes + torch.tensor([1.0, 0.0, 1.0, 0.0])
    with torch.inference_mode():
        torch.testing.assert_close(fixed.score_views(photos, boxes), plain.score_views(photos, boxes))
        gained = fixed.score_views(photos, marked) - plain.score_views(photos, marked)
    assert gained[0, 0] == pytest.approx(18, abs=1e-3)
    assert gained[0, 0] > gained[0, 1] > gained[0, 2] > 0


def test_scores_do_not_teach_the_named_maps_but_the_free_ones() -> None:
    vrn = Vrn(VrnConfig(hidden_sizes=(16, 8), has_regions=True, free_maps=2, position_gain=1.0)).train()
    assert vrn.judge is not None
    torch.nn.init.normal_(vrn.judge.weights[-1].weight)  # type: ignore[arg-type]
    photos, boxes = torch.randn(1, 3, 64, 96), torch.tensor([[[0.1, 0.1, 0.8, 0.9], [0.3, 0.0, 1.0, 0.7]]])
    vrn(photos, boxes).view_scores[0, 0].backward()
    assert vrn.regions is not None
    assert vrn.free_regions is not None
    assert vrn.regions.maps.weight.grad is None
    assert vrn.free_regions.maps.weight.grad is not None
    assert vrn.free_regions.maps.weight.grad.abs().sum() > 0
