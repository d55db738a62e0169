"""Photos made on the spot; and programs that tests need and pip cannot give: found on the PATH, else installed from
Debian's packages.

Installs only where it may (root, apt-get); elsewhere the test is skipped with a reason that says what to install.
"""

import asyncio
import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.loops import loop_of

APT = ["apt-get", "-o", "DPkg::Lock::Timeout=120", "-qq", "--yes", "--no-install-recommends"]
APT_TIMEOUT_S = 300


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return loop_of(item)


def _find(name: str) -> str | None:
    # Debian's daemons are in sbin, which is on the PATH of root alone.
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@pytest.fixture(scope="session")
def require_program() -> Callable[[str, str], str]:
    """`require_program(name, package)`: the program's path; skips the test where it cannot be installed."""

    def require(name: str, package: str) -> str:
        found = _find(name)
        if found is None and (reason := _install(name, package)):
            pytest.skip(f"{name} is not here ({reason}): install Debian's package {package}")
        return found or str(_find(name))

    return require


def _install(name: str, package: str) -> str | None:
    """Why the program is still missing afterwards, or None."""
    if shutil.which("apt-get") is None:
        return "no apt-get"
    if os.geteuid() != 0:
        return "apt-get needs root"
    with (Path(tempfile.gettempdir()) / "vrn-tests-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes side by side would fight for dpkg's lock
        if _find(name):
            return None
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        try:
            for command in ([*APT, "update"], [*APT, "install", package]):
                done = subprocess.run(
                    command, env=environment, capture_output=True, text=True, timeout=APT_TIMEOUT_S, check=False
                )
                if done.returncode:
                    return f"apt-get {command[-1]} failed: {done.stderr.strip()[-200:]}"
        except subprocess.TimeoutExpired:
            return "apt-get took too long"
    return None if _find(name) else f"package {package} has no program {name}"


@pytest.fixture
def photo_bytes() -> Callable[..., bytes]:
    """Encodes a gradient photo: `photo_bytes(width, height, "PNG", mode="RGB", **save options)`."""
    return encode_gradient


def gradient(width: int, height: int) -> Image.Image:
    """Red grows to the right, green grows downwards, blue marks the top left quarter."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width).astype(np.uint8)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    pixels[: (height + 1) // 2, : (width + 1) // 2, 2] = 255
    return Image.fromarray(pixels)


def encode_gradient(width: int, height: int, file_format: str, mode: str = "RGB", **options: Any) -> bytes:
    buffer = BytesIO()
    gradient(width, height).convert(mode).save(buffer, file_format, **options)
    return buffer.getvalue()
