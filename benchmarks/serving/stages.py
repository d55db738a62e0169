"""The photos of the serving benchmark, and what decoding and inference cost alone. Knows nothing of a server."""

import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from vrn_cropper.model.photos.decode import DecodeLimits, Decoder
from vrn_cropper.model.views.crops import plan_views
from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.service.engines.contract import ScoreItem
from vrn_cropper.service.engines.cpu import CpuEngine
from vrn_cropper.service.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
_STAGE_REPEATS = 120  # photos


def make_photos(pixels: float) -> list[bytes]:
    """The repository's photos as JPEGs of `pixels` pixels, with grain, as enlarging alone leaves none to decode."""
    chance, photos = np.random.default_rng(0), []
    for path in sorted((ROOT / "tests" / "photos").glob("*.jpg"))[:5]:
        with Image.open(path) as image:
            scale = (pixels / (image.width * image.height)) ** 0.5
            size = (round(image.width * scale), round(image.height * scale))
            large = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
        grain = chance.normal(0, 4, large.shape[:2]).astype(np.int16)[..., None]
        buffer = BytesIO()
        Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
        photos.append(buffer.getvalue())
    return photos


@dataclass
class StageCost:
    """CPU seconds of one photo in each stage, alone in this process."""

    decode_s: float
    inference_s: float

    def __str__(self) -> str:
        return f"decode {self.decode_s * 1000:.1f} ms, inference {self.inference_s * 1000:.1f} ms"

    def mean_with(self, other: "StageCost") -> "StageCost":
        """Of two measurements."""
        return StageCost((self.decode_s + other.decode_s) / 2, (self.inference_s + other.inference_s) / 2)

    def photos_per_second(self, cpus: int) -> float:
        """What the two stages alone allow."""
        return cpus / (self.decode_s + self.inference_s)


def measure_stages(settings: Settings, engine: CpuEngine, photos: list[bytes]) -> StageCost:
    """CPU seconds of decoding, and of scoring in batches as large as the engine likes them, its cheapest way."""
    decoder = Decoder(DecodeLimits(settings.max_photo_pixels, settings.max_photo_side_px, settings.max_decode_pixels))
    decoded = [decoder.decode(photo) for photo in photos]
    batches = [
        engine.prepare([ScoreItem(photo.model_input, plan.boxes_normalized)] * engine.best_batch_size)
        for photo in decoded
        for plan in [plan_views(photo.width, photo.height, CropOptions())]
    ]
    for batch in batches:
        engine.score(batch)
    began = time.process_time()
    for number in range(_STAGE_REPEATS):
        decoder.decode(photos[number % len(photos)])
    decode_s = (time.process_time() - began) / _STAGE_REPEATS
    began = time.process_time()
    for number in range(_STAGE_REPEATS // engine.best_batch_size):
        engine.score(batches[number % len(batches)])
    return StageCost(decode_s, (time.process_time() - began) / _STAGE_REPEATS)
