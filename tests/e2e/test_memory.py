"""Memory stays bounded under many large uploads at once: what is in decode is limited in pixels.

A real server process gets far more pixels at once than its settings let in; its peak is read from /proc.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

PATIENCE_S = 120
CLIENTS = 24
DECODE_THREADS = 8  # as on a machine of eight cores: the pixels are the limit, not the threads
WIDTH, HEIGHT = 6000, 4000
BUDGET_PX = 36_000_000  # one and a half photos of 24 megapixels
DECODE_BYTES_PER_PIXEL = 10  # tests/model/photos/test_decode_memory.py
# What a picture held for its crop costs: as it is stored, cut, turned, and in the encoder (PNG and JPEG).
HELD_BYTES_PER_PIXEL = 16
MIB = 1024 * 1024
# Buffers of uploads and answers, and what the allocator does not give back at once.
SLACK_BYTES = 100 * MIB

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def large_photos() -> list[bytes]:
    """24 megapixels in files of less than a megabyte, of kinds that are held whole while they are decoded."""
    shades = Image.linear_gradient("L").resize((WIDTH, HEIGHT), Image.Resampling.NEAREST)
    photos = []
    for mode, file_format, options in (
        ("RGB", "PNG", {"compress_level": 1}),
        ("RGBA", "PNG", {"compress_level": 1}),
        ("RGB", "JPEG", {"progressive": True, "quality": 50}),
    ):
        buffer = BytesIO()
        shades.convert(mode).save(buffer, file_format, **options)
        photos.append(buffer.getvalue())
    assert max(map(len, photos)) < MIB
    return photos


class Peak:
    """The highest resident memory of a process since it was last asked to forget."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def forget(self) -> None:
        (self._folder / "clear_refs").write_text("5")

    def read_bytes(self) -> int:
        status = (self._folder / "status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


@pytest.fixture
def peak_under_load(gated_server, flat_photo):
    """Sends many large photos at once to a route; the statuses, and how far the peak rose over the idle process."""

    def measure(path: str, photos: list[bytes], clients: int = CLIENTS, **limits: int) -> tuple[list[int], int]:
        server, _ = gated_server(
            VRN_DECODE_THREADS=str(DECODE_THREADS), VRN_REQUEST_TIMEOUT_S=str(PATIENCE_S),
            **{name: str(value) for name, value in limits.items()},
        )  # fmt: skip

        def post(photo: bytes) -> int:
            return httpx.post(server.url(path), content=photo, timeout=2 * PATIENCE_S).status_code

        assert post(flat_photo(0)) == 200
        peak = Peak(server.process.pid)
        peak.forget()
        idle = peak.read_bytes()
        with ThreadPoolExecutor(clients) as pool:
            statuses = list(pool.map(post, [photos[n % len(photos)] for n in range(clients)]))
        return statuses, peak.read_bytes() - idle

    return measure


def test_decode_holds_no_more_than_its_pixels_and_all_are_answered(peak_under_load, large_photos):
    statuses, rise = peak_under_load("/crop", large_photos, VRN_MAX_DECODE_PIXELS=BUDGET_PX)
    assert statuses == [200] * CLIENTS
    bound = DECODE_BYTES_PER_PIXEL * BUDGET_PX + SLACK_BYTES
    assert rise <= bound
    # As many photos as there are threads would need more than that: the pixels are the limit.
    assert bound < 4 * WIDTH * HEIGHT * DECODE_THREADS


def test_without_the_limit_the_same_uploads_take_more_than_the_bound(peak_under_load, large_photos):
    no_limit = DECODE_THREADS * WIDTH * HEIGHT
    _, rise = peak_under_load("/crop", large_photos, clients=DECODE_THREADS, VRN_MAX_DECODE_PIXELS=no_limit)
    assert rise > DECODE_BYTES_PER_PIXEL * BUDGET_PX + SLACK_BYTES


def test_pictures_held_for_their_crops_are_bounded_as_well(peak_under_load, large_photos):
    limits = {"VRN_MAX_DECODE_PIXELS": BUDGET_PX, "VRN_MAX_HELD_PIXELS": BUDGET_PX}
    statuses, rise = peak_under_load("/crop/image?width=600", large_photos, **limits)
    assert statuses == [200] * CLIENTS
    assert rise <= (DECODE_BYTES_PER_PIXEL + HELD_BYTES_PER_PIXEL) * BUDGET_PX + SLACK_BYTES


def test_uploads_that_together_are_too_large_are_refused_not_collected(peak_under_load):
    # No photo: held while it streams, so memory would grow by all of them.
    uploads = [b"\xff\xd8\xff" + bytes(12 * MIB)]
    statuses, rise = peak_under_load("/crop", uploads, VRN_MAX_BUFFERED_BYTES=32 * MIB)
    assert set(statuses) <= {413, 429}  # too many bytes for what its header says, or no room for it
    assert rise <= 3 * 32 * MIB + SLACK_BYTES < CLIENTS * len(uploads[0])
