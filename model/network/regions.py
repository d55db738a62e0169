"""What a view keeps and cuts: maps of the photo that stay at inference, and the view's place and size.

One small head on the backbone's map says where people look, where the subjects lie and what disturbs. The share of
each inside a view, and on its border, is evidence for the heads: RoIAlign shows what is in a view, but hides where
the view lies, how large it is, and what it leaves out. Not the paper's. Knows nothing of losses.

Everything is continuous in the box: a view that moves by a pixel changes its evidence by little.
"""

import torch
from torch import Tensor, nn

from vrn_cropper.model.network.align import coverage

MAP_NAMES = ("attention", "subject", "disturbance")
HIDDEN = 64
COORDINATES = 4  # distance from the middle along x, height, and their squares
GEOMETRY = 15
BORDER = 0.03  # of the photo's side: half the width of the frame that stands for a view's border
EDGE = 0.04  # of the photo's side: within it a view counts as touching the edge, more and more
SMALLEST = 0.05  # of the photo's side: logarithms of smaller sides are cut off here


class RegionHead(nn.Module):
    """Backbone's map (B, 448, H, W) -> logits of `count` maps (B, M, H, W)."""

    def __init__(self, channels: int, count: int = len(MAP_NAMES)) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(channels, HIDDEN, 1)
        self.maps = nn.Conv2d(HIDDEN + COORDINATES, count, 1)
        assert self.maps.bias is not None  # a convolution made with one
        nn.init.zeros_(self.maps.bias)

    def forward(self, multi_scale: Tensor) -> Tensor:
        hidden = torch.relu(self.hidden(multi_scale))
        return self.maps(torch.cat([hidden, _coordinates(hidden)], dim=1))


def _coordinates(like: Tensor) -> Tensor:
    """Where each cell lies, (B, 4, H, W): people look at the middle first, and subjects stand on the ground."""
    ones = torch.ones_like(like[:, :1])
    x = (ones.cumsum(3) - 0.5) / ones.sum(3, keepdim=True) - 0.5
    y = (ones.cumsum(2) - 0.5) / ones.sum(2, keepdim=True) - 0.5
    return torch.cat([x.abs(), y, x.square(), y.square()], dim=1)


def region_densities(logits: Tensor, subject_power: float = 1.0) -> Tensor:
    """Maps (B, 3, H, W) of a mass: attention and subject sum to 1 over the photo, disturbance to its mean.

    With a `subject_power` above 1 main subjects count for more than the rest, and than what may be one.
    """
    subject = logits[:, 1:2].sigmoid() ** subject_power
    subject = subject / subject.sum(dim=(2, 3), keepdim=True).clamp(min=1e-6)
    disturbance = logits[:, 2:3].sigmoid()
    disturbance = disturbance / torch.ones_like(disturbance).sum(dim=(2, 3), keepdim=True)
    return torch.cat([spread_densities(logits[:, :1]), subject, disturbance], dim=1)


def spread_densities(logits: Tensor) -> Tensor:
    """Maps (B, M, H, W) that each sum to 1 over the photo, as attention does."""
    return logits.flatten(2).softmax(dim=2).view_as(logits)


def shares_inside(densities: Tensor, boxes_normalized: Tensor) -> Tensor:
    """The mass of each map inside each view: (B, M, H, W), boxes (B, N, 4) -> (B, N, M)."""
    x1, y1, x2, y2 = boxes_normalized.unbind(-1)
    along_y = coverage(y1, y2, densities.shape[2])  # (B, N, H)
    along_x = coverage(x1, x2, densities.shape[3])  # (B, N, W)
    rows = torch.einsum("bnh,bmhw->bnmw", along_y, densities)
    return torch.einsum("bnmw,bnw->bnm", rows, along_x)


def view_evidence(densities: Tensor, boxes_normalized: Tensor) -> Tensor:
    """Shares inside a view, then on its border, of each map: (B, N, 2 M)."""
    outwards = boxes_normalized.new_tensor([-BORDER, -BORDER, BORDER, BORDER])
    inside = shares_inside(densities, boxes_normalized)
    wider = shares_inside(densities, boxes_normalized + outwards)
    narrower = shares_inside(densities, boxes_normalized - outwards)
    return torch.cat([inside, wider - narrower], dim=-1)


def attention_inside(densities: Tensor, boxes_normalized: Tensor) -> Tensor:
    """The share of the attention inside each view: (B, N), 1 for the whole photo."""
    return shares_inside(densities[:, :1], boxes_normalized)[..., 0]


def attention_of_position(densities: Tensor, boxes_normalized: Tensor) -> Tensor:
    """The attention inside each view, less that inside the centred view of its size: (B, N), 0 for the whole photo.

    It prefers no size: of views of one size it orders those that people would look at more.
    """
    half = (boxes_normalized[..., 2:] - boxes_normalized[..., :2]) / 2
    centred = torch.cat([0.5 - half, 0.5 + half], dim=-1)
    return attention_inside(densities, boxes_normalized) - attention_inside(densities, centred)


def subject_inside(densities: Tensor, boxes_normalized: Tensor) -> Tensor:
    """The share of the subjects inside each view: (B, N), 1 for the whole photo."""
    return shares_inside(densities[:, 1:2], boxes_normalized)[..., 0]


def view_geometry(boxes_normalized: Tensor, like: Tensor) -> Tensor:
    """Place, size and shape of each view, (B, N, 15); `like` (B, C, H, W) has the shape of the network's input."""
    x1, y1, x2, y2 = boxes_normalized.unbind(-1)
    margins = torch.stack([x1, y1, 1 - x2, 1 - y2], dim=-1)  # (B, N, 4)
    width, height = x2 - x1, y2 - y1
    log_width, log_height = width.clamp(min=SMALLEST).log(), height.clamp(min=SMALLEST).log()
    ones = torch.ones_like(like[:, :1, :1])  # the map's sides as numbers of the graph, whatever the shape
    photo_aspect = (ones.sum(dim=3) / torch.ones_like(like[:, :1, :, :1]).sum(dim=2)).log()[:, 0]  # (B, 1)
    sizes = torch.stack([width, height, width * height, log_width, log_height, log_width - log_height + photo_aspect,
                         photo_aspect.expand_as(width)], dim=-1)  # fmt: skip
    return torch.cat([margins, torch.relu(1 - margins / EDGE), sizes], dim=-1)


class ViewJudge(nn.Module):
    """What place, size and evidence say of a view: its own part of the score, and a part of VDL's first layer.

    The score's own part weighs each piece of evidence by a number that depends on the view's place and size alone,
    so that what people look at can decide between views of one shape, and need not between views of any.
    Begins at nothing: a network that it is added to scores as before.
    """

    def __init__(self, first_layer: int, maps: int = len(MAP_NAMES)) -> None:
        super().__init__()
        evidence = 2 * maps  # inside, and on the border
        self.weights = nn.Sequential(
            nn.Linear(GEOMETRY, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, evidence + 1),
        )
        self.joined = nn.Sequential(nn.Linear(GEOMETRY + evidence, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, first_layer))
        for last in (self.weights[-1], self.joined[-1]):
            assert isinstance(last, nn.Linear)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, geometry: Tensor, evidence: Tensor) -> tuple[Tensor, Tensor]:
        """(B, N, 15), (B, N, 2 M) -> score's part (B, N), first layer's part (B, N, S)."""
        weights = self.weights(geometry)
        own = (weights[..., :-1] * evidence).sum(dim=-1) + weights[..., -1]
        return own, self.joined(torch.cat([geometry, evidence], dim=-1))
