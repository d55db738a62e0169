"""How many bytes a pixel costs in decode, measured in a process of its own for each kind of photo.

`VRN_MAX_DECODE_PIXELS` bounds memory only as long as this holds (tests/e2e/test_memory.py, docs/tuning.md).
"""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image

BYTES_PER_PIXEL = 10
SIZE = (3000, 2000)
_MEASURE = """
import json, re, sys
from pathlib import Path
from PIL import Image
from vrn_cropper.model.photos import decode

def highest_resident_bytes():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

decoder = decode.Decoder(decode.DecodeLimits(10**8, 32768))
photo = Path(sys.argv[1]).read_bytes()
small = Path(sys.argv[2]).read_bytes()
decoder.decode(decoder.open(small))  # what is loaded and allocated once
before = highest_resident_bytes()
opened = decoder.open(photo)
decoder.decode(opened)
print(json.dumps({"bytes": highest_resident_bytes() - before, "pixels": opened.pixels}))
"""
KINDS = {
    "png": ("PNG", "RGB", {}),
    "png with alpha": ("PNG", "RGBA", {}),
    "png with grey and alpha": ("PNG", "LA", {}),
    "png of 16 bits": ("PNG", "I;16", {}),
    "png with a transparent palette": ("PNG", "P", {"transparency": 3}),
    "progressive jpeg": ("JPEG", "RGB", {"progressive": True, "subsampling": 0}),
    "webp": ("WEBP", "RGB", {"method": 0, "quality": 5}),
    "avif": ("AVIF", "RGB", {"speed": 10, "quality": 10}),
    "heif": ("HEIF", "RGB", {"quality": 10}),
}


def encode(size, file_format, mode, options):
    image = Image.linear_gradient("L").resize(size, Image.Resampling.NEAREST)
    image = image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_a_counted_pixel_costs_at_most_ten_bytes(kind, tmp_path):
    pillow_heif.register_heif_opener()
    paths = [tmp_path / "photo", tmp_path / "small"]
    for path, size in zip(paths, (SIZE, (60, 40)), strict=True):
        path.write_bytes(encode(size, *KINDS[kind]))
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, paths)], cwd=Path(__file__).parents[3],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    measured = json.loads(done.stdout)
    assert measured["pixels"] >= SIZE[0] * SIZE[1]
    assert measured["bytes"] <= BYTES_PER_PIXEL * measured["pixels"]
