"""The region maps once more, alone, on a backbone that no longer moves: many passes in seconds.

A step of the whole network costs a hundred times as much as one of the map head, which learns from few photos and
wants to see them often. Knows nothing of votes and crops.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vrn_cropper.model.network.backbone import MAP_STRIDE
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.input_shapes import InputShape, choose_input_shape
from vrn_cropper.model.photos.reading import read_photo
from vrn_cropper.model.progress import track
from vrn_cropper.model.training.batches import plan_epoch
from vrn_cropper.model.training.losses.maps import region_loss
from vrn_cropper.model.training.losses.viewing import viewing_map, viewing_map_loss
from vrn_cropper.model.training.optimisation import schedule
from vrn_cropper.model.training.people.photos import PeoplePhotos
from vrn_cropper.model.training.region_maps import region_maps


@dataclass(frozen=True)
class MapSettings:
    """Of `fit_maps`."""

    seed: int = 0
    viewed_passes: int = 12  # over photos with viewing points; others fill the batches up
    batch_size: int = 8
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    ema_decay: float = 0.98


@dataclass(frozen=True)
class _Seen:
    """A photo as the map head sees it: the backbone's map of it and of its mirror image, and its targets."""

    features: Tensor  # float16 (2, 448, h, w)
    viewing: Tensor  # (h, w), zeros where nobody looked
    regions: Tensor  # (2, h, w)


def fit_maps(vrn: Vrn, photos: PeoplePhotos, device: torch.device, settings: MapSettings = MapSettings()) -> None:
    """Train `vrn.regions` anew, in place, on the backbone as it is. The same seed gives the same weights."""
    assert vrn.regions is not None
    viewed = [photo for photo in photos.rated if photo.name in photos.points]
    others = [photo for photo in photos.rated if photo.name not in photos.points]
    vrn.eval()
    shapes = [choose_input_shape(photo.width, photo.height) for photo in [*viewed, *others]]
    seen = [
        _look(vrn, photo.path, shape, photos, photo.name, device)
        for photo, shape in zip(track([*viewed, *others], "maps of the backbone"), shapes, strict=True)
    ]
    torch.manual_seed(settings.seed)
    head = type(vrn.regions)(vrn.regions.hidden.in_channels).to(device)
    optimizer = torch.optim.AdamW(head.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    averaged = {name: p.detach().clone() for name, p in head.named_parameters()}
    steps = list(_plan(shapes, len(viewed), settings))
    rng = np.random.default_rng(settings.seed)
    for step, indices in enumerate(steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * schedule(step, len(steps), 0, 0.02)
        mirrored = rng.random(len(indices)) < 0.5
        _descend(head, optimizer, [seen[i] for i in indices], mirrored, device)
        decay = min(settings.ema_decay, (1 + step) / (10 + step))
        with torch.no_grad():
            for name, parameter in head.named_parameters():
                averaged[name].lerp_(parameter, 1 - decay)
    vrn.regions.load_state_dict(averaged)


@torch.inference_mode()
def _look(
    vrn: Vrn, path: Path | None, shape: InputShape, photos: PeoplePhotos, name: str, device: torch.device
) -> _Seen:
    assert path is not None
    made = read_photo(path, (shape,))
    pixels = np.stack([made.model_input, made.model_input[:, ::-1]])
    normalised = vrn.normalise(torch.from_numpy(pixels.copy()).to(device))
    with torch.autocast(device.type, torch.bfloat16):
        features = vrn.backbone(normalised.contiguous(memory_format=torch.channels_last))
    rows, columns = shape.height // MAP_STRIDE, shape.width // MAP_STRIDE
    points, judged = photos.points.get(name), photos.judged[Path(name).stem]
    viewing = np.zeros((rows, columns), np.float32)
    if points is not None:
        viewing = viewing_map(points, made.width / made.height, rows, columns)
    regions = region_maps(*judged[:3], rows, columns)
    return _Seen(features.half().cpu(), torch.from_numpy(viewing), torch.from_numpy(regions))


def _plan(shapes: list[InputShape], viewed: int, settings: MapSettings) -> Iterator[np.ndarray]:
    """Batches of one shape: passes over the viewed photos, and between them one over the others."""
    for number in range(settings.viewed_passes):
        batches = plan_epoch(shapes[:viewed], settings.batch_size, settings.seed, number)
        rest = plan_epoch(shapes[viewed:], settings.batch_size, settings.seed, number)
        share = range(number % 3, len(rest), 3)  # a third of the others a pass
        batches += [rest[i] + viewed for i in share]
        yield from (batches[i] for i in np.random.default_rng([settings.seed, number]).permutation(len(batches)))


def _descend(
    head: nn.Module, optimizer: torch.optim.Optimizer, seen: list[_Seen], mirrored: np.ndarray, device: torch.device
) -> None:
    features = torch.stack([one.features[int(flip)] for one, flip in zip(seen, mirrored, strict=True)])
    viewing = torch.stack([_turned(one.viewing, flip) for one, flip in zip(seen, mirrored, strict=True)])
    regions = torch.stack([_turned(one.regions, flip) for one, flip in zip(seen, mirrored, strict=True)])
    logits = head(features.float().to(device))
    loss = viewing_map_loss(logits[:, 0], viewing.to(device)) + region_loss(logits[:, 1:], regions.to(device))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


def _turned(targets: Tensor, mirrored: bool) -> Tensor:
    return targets.flip(-1) if mirrored else targets
