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
from PIL import AvifImagePlugin
from vrn_cropper.model.photos import decode
AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # as in a worker

def highest_resident_bytes():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

decoder = decode.Decoder(decode.DecodeLimits(10**8, 32768))
photo = Path(sys.argv[1]).read_bytes()
small = Path(sys.argv[2]).read_bytes()
decoder.decode(decoder.open(small))  # what is loaded and allocated once
before = highest_resident_bytes()
opened = decoder.open(photo, at_full_scale=True)
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
    "progressive cmyk jpeg": ("JPEG", "CMYK", {"progressive": True}),
    "webp": ("WEBP", "RGB", {"method": 0, "quality": 5}),
    "animated webp": ("WEBP", "RGBA", {"method": 0, "quality": 5, "save_all": True}),
    "lossless webp": ("WEBP", "RGB", {"method": 0, "lossless": True}),
    "avif": ("AVIF", "RGB", {"speed": 10, "quality": 10}),
    "avif with alpha and full colour": ("AVIF", "RGBA", {"speed": 10, "quality": 10, "subsampling": "4:4:4"}),
    "animated avif": ("AVIF", "RGB", {"speed": 10, "quality": 10, "save_all": True}),
    "heif": ("HEIF", "RGB", {"quality": 10}),
    "heif of full colour": ("HEIF", "RGB", {"quality": 10, "chroma": 444}),
    "animated gif": ("GIF", "P", {"save_all": True}),
    "bmp": ("BMP", "RGB", {}),
    "compressed tiff": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "tiff of 16 bits": ("TIFF", "I;16", {"compression": "tiff_adobe_deflate"}),
    "tiff of floats": ("TIFF", "F", {}),
}


def encode(size, file_format, mode, options):
    image = Image.linear_gradient("L").resize(size, Image.Resampling.NEAREST)
    image = image.convert("I").convert(mode) if mode == "I;16" else image.convert(mode)
    if options.get("save_all"):
        options = {**options, "append_images": [image.transpose(Image.Transpose.ROTATE_180)]}
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def deep_avif(size):
    """Ten bits, alpha, no subsampling: what Pillow itself does not write."""
    pyvips = pytest.importorskip("pyvips", reason="libvips makes the photo")
    ramp = pyvips.Image.xyz(*size)[0].cast("ushort")
    picture = ramp.bandjoin([ramp] * 3).copy(interpretation="rgb16")
    return picture.write_to_buffer(".avif", bitdepth=10, Q=20, effort=0, subsample_mode="off")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize("kind", [*KINDS, "deep avif"])
def test_a_counted_pixel_costs_at_most_ten_bytes(kind, tmp_path):
    pillow_heif.register_heif_opener()
    paths = [tmp_path / "photo", tmp_path / "small"]
    for path, size in zip(paths, (SIZE, (60, 40)), strict=True):
        path.write_bytes(encode(size, *KINDS[kind]) if kind in KINDS else deep_avif(size))
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *map(str, paths)], cwd=Path(__file__).parents[3],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    measured = json.loads(done.stdout)
    assert measured["pixels"] >= SIZE[0] * SIZE[1]
    assert measured["bytes"] <= BYTES_PER_PIXEL * measured["pixels"]
