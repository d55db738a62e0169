"""The losses of the second stage on one batch, and the optimiser set for them. Knows nothing of files."""

from dataclasses import asdict
from typing import NamedTuple

import torch
from torch import Tensor, nn

from vrn_cropper.model.network.vrn import Vrn, VrnOutput
from vrn_cropper.model.training.losses.listwise import listwise_loss
from vrn_cropper.model.training.losses.maps import region_loss
from vrn_cropper.model.training.losses.mirror import mirror_loss
from vrn_cropper.model.training.losses.ratings import rating_gain, rating_l1
from vrn_cropper.model.training.losses.viewing import viewing_map_loss
from vrn_cropper.model.training.losses.votes import vote_loss
from vrn_cropper.model.training.optimisation import Optimisation, Optimiser, Rate
from vrn_cropper.model.training.people.batches import PeopleBatch
from vrn_cropper.model.training.people.config import PeopleConfig
from vrn_cropper.model.training.people.targets import RATED_PARTS, VOTED_PARTS

# What a score is worth, in log-odds, to begin with: of votes, of views of any shape, of views of one ratio. Learnt.
FIRST_SCALES = (2.0, 3.0, 5.0)


class PeopleLosses(NamedTuple):
    """The sum that is minimised, and each loss of this kind of batch before its weight."""

    total: Tensor
    parts: dict[str, Tensor]


class PeopleObjective(nn.Module):
    """Network and losses as one module. Scores are those of inference: what the maps add is in them."""

    def __init__(self, vrn: Vrn, config: PeopleConfig) -> None:
        super().__init__()
        self.vrn, self.config = vrn, config
        self.log_scales = nn.Parameter(torch.tensor(FIRST_SCALES).log())

    def forward(self, photos: Tensor, boxes_normalized: Tensor, targets: dict[str, Tensor]) -> PeopleLosses:
        """uint8 photos (B, H, W, 3), boxes (B, N, 4), and targets as `targets.PhotoTargets` has them, stacked."""
        pixels = self._varied(self.vrn.normalise(photos)).contiguous(memory_format=torch.channels_last)
        is_voted = "votes" in targets
        is_fixed = torch.zeros_like(boxes_normalized[..., 0])
        if not is_voted:
            is_fixed[:, -RATED_PARTS[-1] :] = 1
        output = self.vrn(pixels, boxes_normalized, is_fixed)
        scores = output.view_scores.float()
        parts = self._voted(scores, targets) if is_voted else self._rated(scores, output, targets)
        if self.config.weights.mirror > 0:
            x1, y1, x2, y2 = boxes_normalized.unbind(-1)
            boxes = torch.stack([1 - x2, y1, 1 - x1, y2], dim=-1)
            parts["mirror"] = mirror_loss(scores, self.vrn(pixels.flip(3), boxes, is_fixed).view_scores.float())
        weights = asdict(self.config.weights)
        return PeopleLosses(torch.stack([weights[name] * value for name, value in parts.items()]).sum(), parts)

    def _voted(self, scores: Tensor, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        pairs, any_shape, of_ratio = scores.split(VOTED_PARTS, dim=1)
        scales = self.log_scales.exp()
        return {
            "votes": vote_loss(pairs.unflatten(1, (-1, 2)), targets["votes"], scales[0]),
            "human_crops": listwise_loss(scales[1] * any_shape, targets["human_crops"]).mean(),
            "human_crops_of_ratio": listwise_loss(scales[1] * of_ratio, targets["human_crops_of_ratio"]).mean(),
        }

    def _rated(self, scores: Tensor, output: VrnOutput, targets: dict[str, Tensor]) -> dict[str, Tensor]:
        rated, _, windows = scores.split(RATED_PARTS, dim=1)
        scales = self.log_scales.exp()
        assert output.region_logits is not None  # a network with regions
        assert output.evidence_scores is not None
        logits = output.region_logits.float()
        # Windows teach the maps and how they count, not the learner, which would know the training photos by heart.
        evidence = output.evidence_scores.float()[:, -windows.shape[1] :]
        windows = evidence + (windows - evidence).detach()
        return {
            "rating_l1": rating_l1(rated, targets["rating"]),
            "rating_gain": rating_gain(rated, targets["rating"]),
            "judge_crops": listwise_loss(scales[1] * scores[:, : -windows.shape[1]], targets["judge_crops"]).mean(),
            "viewing": listwise_loss(scales[2] * windows, targets["viewing"]).mean(),
            "subjects": listwise_loss(scales[2] * windows, targets["subjects"]).mean(),
            "viewing_map": viewing_map_loss(logits[:, 0], targets["viewing_map"]),
            "region_maps": region_loss(logits[:, 1:], targets["region_maps"]),
        }

    def _varied(self, pixels: Tensor) -> Tensor:
        """Normalised photos with their brightness and contrast changed, each by numbers of its own."""
        strength, shape = self.config.brightness, (len(pixels), 1, 1, 1)
        factor, shift = (strength * (2 * torch.rand(shape, device=pixels.device) - 1) for _ in range(2))
        return pixels * (1 + factor) + shift


class PeopleTrainer(Optimiser):
    """One run's state. The image-wise learner belongs to the first stage: it is left out."""

    def __init__(self, vrn: Vrn, config: PeopleConfig, total_steps: int, device: torch.device) -> None:
        vrn.idl = None
        vrn.backbone.features[: config.frozen_blocks].requires_grad_(False)
        settings = Optimisation(
            seed=config.seed,
            rates=(
                Rate("vrn.backbone.", config.backbone_lr),
                Rate("vrn.regions.", config.new_lr),
                Rate("vrn.free_regions.", config.new_lr),
                Rate("vrn.judge.", config.new_lr),
                Rate("log_scales", config.new_lr),
                Rate("", config.head_lr),
            ),
            weight_decay=config.weight_decay,
            warm_up_steps=config.warm_up_steps,
            final_lr_share=config.final_lr_share,
            ema_decay=config.ema_decay,
            max_gradient_norm=config.max_gradient_norm,
            mixed_precision=config.mixed_precision,
        )
        super().__init__(PeopleObjective(vrn, config), settings, total_steps, device)

    def train_step(self, batch: PeopleBatch) -> dict[str, float]:
        """One optimiser step; each loss of the batch before its weight. Raises as `descend` does."""
        with self.prepared():
            targets = {name: target.to(self.device) for name, target in batch.targets.items()}
            losses = self.objective(batch.photos.to(self.device), batch.boxes_normalized.to(self.device), targets)
        self.descend(losses.total)
        return {name: float(value.detach()) for name, value in losses.parts.items()}
