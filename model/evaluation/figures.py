"""The paper's Fig. 4 (top-1 crops side by side) and Fig. 5 (feature heat maps) for any photos, as PNGs.

    python -m vrn_cropper.model.evaluation.figures --data DIR [--checkpoint FILE] [--count N] --out DIR

Takes the test photos of a data set in either layout, or any folder of photos. Knows nothing of metrics.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import torch
import typer
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.data.gaicd import PHOTO_SUFFIXES, load_upright_rgb
from vrn_cropper.model.errors import CheckpointError, DataError
from vrn_cropper.model.evaluation.baselines import own_baselines
from vrn_cropper.model.evaluation.geometry_prior import GAICD_PRIOR
from vrn_cropper.model.evaluation.methods import Method
from vrn_cropper.model.evaluation.other_croppers import other_croppers
from vrn_cropper.model.evaluation.vrn_scorer import VrnScorer
from vrn_cropper.model.network.checkpoint import DEFAULT_CHECKPOINT, load_checkpoint
from vrn_cropper.model.network.vrn import Vrn
from vrn_cropper.model.photos.reading import Photo, read_photo
from vrn_cropper.model.views.candidates import grid_views

CELL_INCHES = 2.2
DIMMED = 0.35  # brightness of what a crop leaves out
HEAT_ALPHA = 0.55
LEFT_OUT = {"random ranking"}  # a picture of chance shows nothing


class FeatureMaps(NamedTuple):
    """Strength of both features over a photo, float32 (h, w): root mean square of the channels, 0 to 1."""

    view_wise: np.ndarray
    image_wise: np.ndarray


def choose_photos(data: Path, count: int) -> list[Path]:
    """`count` photos spread evenly over the names of `images/test`, `images` or the folder itself."""
    for folder in (data / "images" / "test", data / "images", data):
        if folder.is_dir():
            paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
            if paths:
                chosen = np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)
                return [paths[index] for index in chosen]
    raise DataError(f"{data}: no photos (*.jpg) in images/test, images or the folder itself")


def top_crop(method: Method, photo: Photo) -> np.ndarray:
    """A method's box (4,), normalized: its own, or the best view of the grid."""
    if method.cropper is not None:
        return method.cropper.crop(photo)
    views = grid_views(*load_upright_rgb(photo).size)
    return views[np.argmax(method.scorer.score(photo, views))]


def feature_maps(vrn: Vrn, photo: Photo, device: torch.device) -> FeatureMaps:
    """The splitter's two maps of a photo. Raises CheckpointError for a network without a splitter."""
    with torch.inference_mode():
        batch = torch.from_numpy(read_photo(photo).model_input.copy())[None].to(device)
        view_wise, image_wise = vrn.split(vrn.reduce(vrn.backbone(vrn.normalise(batch))))  # (1, 32, h, w) each
    if image_wise is None:
        raise CheckpointError("this network has no splitter, so there are no two maps to show")
    return FeatureMaps(_strength(view_wise), _strength(image_wise))


def _strength(feature: torch.Tensor) -> np.ndarray:
    strength = feature[0].float().square().mean(dim=0).sqrt().cpu().numpy()
    spread = np.ptp(strength)
    return (strength - strength.min()) / spread if spread > 0 else np.zeros_like(strength)


def draw_crops(photos: Sequence[Photo], methods: Sequence[Method]) -> Figure:
    """Fig. 4: one row a photo, one column a method; what the top-1 crop leaves out is dimmed."""
    shown = [load_upright_rgb(photo) for photo in photos]
    figure, axes = _grid(shown, len(methods))
    for row, photo, source in zip(axes, photos, shown, strict=True):
        for axis, method in zip(row, methods, strict=True):
            axis.imshow((np.asarray(source) * DIMMED).astype(np.uint8))
            x1, y1, x2, y2 = top_crop(method, photo) * np.tile(source.size, 2)
            frame = Rectangle((x1 - 0.5, y1 - 0.5), x2 - x1, y2 - y1, fill=False, edgecolor="white", linewidth=1.2)
            bright = axis.imshow(source)
            axis.add_patch(frame)
            bright.set_clip_path(frame)
    for axis, method in zip(axes[0], methods, strict=True):
        axis.set_title(method.name, fontsize=9)
    return figure


def draw_features(photos: Sequence[Photo], maps: Sequence[FeatureMaps]) -> Figure:
    """Fig. 5: one row a photo: the photo, its image-wise and its view-wise feature, each scaled on its own."""
    shown = [load_upright_rgb(photo) for photo in photos]
    figure, axes = _grid(shown, 3)
    for row, photo, found in zip(axes, shown, maps, strict=True):
        extent = (-0.5, photo.width - 0.5, photo.height - 0.5, -0.5)
        row[0].imshow(photo)
        for axis, heat in ((row[1], found.image_wise), (row[2], found.view_wise)):
            axis.imshow(photo.convert("L"), cmap="gray")
            axis.imshow(heat, cmap="jet", alpha=HEAT_ALPHA, extent=extent, interpolation="bilinear")
    for axis, title in zip(axes[0], ("photo", "image-wise feature", "view-wise feature"), strict=True):
        axis.set_title(title, fontsize=9)
    return figure


def _grid(photos: Sequence[Image.Image], columns: int) -> tuple[Figure, list[list[Axes]]]:
    """A figure whose rows are as high as their photos need, without ticks."""
    heights = [min(2.0, photo.height / photo.width) for photo in photos]
    size = (CELL_INCHES * columns, CELL_INCHES * sum(heights) + 0.4)
    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(photos), columns, squeeze=False, height_ratios=heights)
    for axis in axes.flat:
        axis.set_axis_off()
    return figure, axes.tolist()


def draw(
    data: Annotated[Path, typer.Option(metavar="DIR", help="A data set, or any folder of photos.")],
    checkpoint: Annotated[Path, typer.Option(metavar="FILE", help="Whose network draws.")] = DEFAULT_CHECKPOINT,
    count: Annotated[int, typer.Option(min=1, metavar="N", help="Photos to show.")] = 6,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the pictures go.")] = Path("runs/figures"),
) -> None:
    """Draw top-1 crops of several methods side by side, and the network's feature maps."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    vrn = load_checkpoint(checkpoint, device)
    photos = choose_photos(data, count)
    baselines = [method for method in own_baselines(GAICD_PRIOR) if method.name not in LEFT_OUT]
    methods = [Method("VRN", VrnScorer(vrn, device), states_log_odds=True), *other_croppers(GAICD_PRIOR), *baselines]
    crops = draw_crops(photos, methods)
    features = draw_features(photos, [feature_maps(vrn, photo, device) for photo in photos])
    out.mkdir(parents=True, exist_ok=True)
    for figure, name in ((crops, "fig4-top1-crops.png"), (features, "fig5-feature-maps.png")):
        figure.savefig(out / name, dpi=130)
        print(out / name)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit code."""
    return run_command(draw, arguments, "python -m vrn_cropper.model.evaluation.figures")


if __name__ == "__main__":
    sys.exit(main())
