"""Does decoding JPEGs at reduced scale change the ranking? `python -m benchmarks.decode_fidelity PHOTOS...`

Each photo is brought to 12 megapixels with grain (unless it is larger), saved as JPEG, and scored twice: from the
full decode, resized once, and from the decode that serving uses. Prints how far the rankings agree, and the CPU
time of both. With `--as-they-are` photos keep their size.
"""

import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image
from scipy.stats import spearmanr

from vrn_cropper.model.command_line import run_command
from vrn_cropper.model.network.export_info import read_export_info
from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.photos.input_shapes import choose_input_shape
from vrn_cropper.model.views.crops import plan_views
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.engines.cpu import CpuEngine
from vrn_cropper.service.engines.cpu_limit import available_cpus
from vrn_cropper.service.settings import read_settings

_TWELVE_MEGAPIXELS = 12e6


def large_jpeg(path: Path, *, enlarge: bool) -> bytes:
    """The photo as a JPEG, enlarged to 12 megapixels with grain if it is smaller and `enlarge`."""
    with Image.open(path) as image:
        photo = image.convert("RGB")
    scale = (_TWELVE_MEGAPIXELS / (photo.width * photo.height)) ** 0.5
    if enlarge and scale > 1:
        size = (round(photo.width * scale), round(photo.height * scale))
        pixels = np.asarray(photo.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
        grain = np.random.default_rng(0).normal(0, 4, pixels.shape[:2]).astype(np.int16)[..., None]
        photo = Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))
    buffer = BytesIO()
    photo.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def full_decode(photo: bytes) -> np.ndarray:
    """Every pixel decoded, then one resize: what the reduced decode is compared with."""
    with Image.open(BytesIO(photo)) as image:
        upright = image.convert("RGB")
    shape = choose_input_shape(*upright.size)
    return np.asarray(upright.resize((shape.width, shape.height), Image.Resampling.BILINEAR))


def compare(
    photos: Annotated[list[Path], typer.Argument(help="JPEG files or folders of them.")],
    as_they_are: Annotated[bool, typer.Option("--as-they-are", help="Do not enlarge the photos.")] = False,
) -> None:
    """Print how far the rankings of a full and of a reduced decode agree."""
    paths = [file for path in photos for file in (sorted(path.rglob("*.jpg")) if path.is_dir() else [path])]
    settings = read_settings({})
    engine = CpuEngine(read_export_info(settings.model_path), threads=available_cpus())
    engine.load()
    decoder = Decoder(DecodeLimits(settings.max_photo_pixels, settings.max_photo_side_px))
    correlations, agreements, differences, seconds = [], [], [], np.zeros(2)
    for path in paths:
        photo = large_jpeg(path, enlarge=not as_they_are)
        times = [time.process_time()]
        reference = full_decode(photo)
        times.append(time.process_time())
        decoded = decoder.decode(decoder.open(photo))
        times.append(time.process_time())
        seconds += np.diff(times)
        boxes = plan_views(decoded.width, decoded.height, CropOptions()).boxes_normalized
        full, reduced = (
            engine.score(engine.prepare([ScoreItem(pixels, boxes)]))[0] for pixels in (reference, decoded.model_input)
        )
        correlations.append(float(spearmanr(full, reduced).statistic))
        agreements.append(full.argmax() == reduced.argmax())
        differences.append(np.abs(full - reduced).mean() / full.std())
    full_ms, reduced_ms = seconds / len(paths) * 1000
    print("| photos | SRCC mean | SRCC least | top-1 agreement | score difference / spread | full ms | reduced ms |")
    print("|---|---|---|---|---|---|---|")
    print(
        f"| {len(paths)} | {np.mean(correlations):.4f} | {min(correlations):.4f} | {np.mean(agreements):.0%} |"
        f" {np.mean(differences):.3f} | {full_ms:.1f} | {reduced_ms:.1f} |"
    )


if __name__ == "__main__":
    sys.exit(run_command(compare, None, "python -m benchmarks.decode_fidelity"))
