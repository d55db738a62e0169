"""The picture of the web page in the README: a server with the shipped model, and Chromium without a window.

    python -m docs.page_screenshot [docs/images/page.png]

Needs Debian's package chromium; Inter (fonts-inter) is used where it is installed, as on the page itself.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[1]
PHOTOS = ROOT / "tests" / "photos"
# Last the one on show. Public domain or CC0, as tests/photos/README.md says.
SHOWN = ("coffee.jpg", "astronaut-portrait.jpg", "camera.jpg", "chelsea.jpg", "rocket.jpg")
RATIO = "4:5"
VIEWPORT = {"width": 1100, "height": 960}
START_TIMEOUT_S = 60
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@contextmanager
def server() -> Iterator[str]:
    """The address of a ready server of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "VRN_PORT": str(port), "VRN_LOG_LEVEL": "warning"}
    process = subprocess.Popen([sys.executable, "-m", "vrn_cropper.service"], cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        until = time.monotonic() + START_TIMEOUT_S
        while not _is_ready(url):
            if process.poll() is not None or time.monotonic() > until:
                raise SystemExit("the server did not become ready")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def _is_ready(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/readyz", timeout=5).status == 200
    except OSError:
        return False


def take_picture(url: str, chromium: str, path: Path) -> None:
    """The page with a few cropped photos, as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport=VIEWPORT, color_scheme="light", reduced_motion="reduce")
        page.goto(url)
        # The one on show comes last and alone: its times are those of a photo that had not to wait.
        for names in (SHOWN[:-1], SHOWN[-1:]):
            page.set_input_files("#files", [PHOTOS / name for name in names])
            expect(page.locator(":is(#strip, #grid):not([hidden]) li:not([data-state=done])")).to_have_count(0)
        page.click("#view-one")
        page.click(f'[data-ratio="{RATIO}"]')
        expect(page.locator("#crops canvas")).to_have_count(6)
        page.mouse.move(0, 0)
        page.screenshot(path=path)
        browser.close()
    with Image.open(path) as picture:
        picture.convert("RGB").save(path, optimize=True)


def main() -> None:
    """Write the picture."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images" / "page.png"
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not here: install Debian's package chromium")
    path.parent.mkdir(parents=True, exist_ok=True)
    with server() as url:
        take_picture(url, chromium, path)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
