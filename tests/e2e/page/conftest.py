"""The web page in a real browser against one real server with the shipped model.

Chromium comes from Debian's packages where it can be installed; elsewhere the tests are skipped with the reason.
"""

import base64
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ..conftest import ServerProcess

PHOTOS = Path(__file__).parents[2] / "photos"
PATIENCE_MS = 60_000
# Nothing but the page: no first-run tabs, no updates, no calls home.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP = {"width": 1280, "height": 900}
RESOURCE_FAULT = "Failed to load resource"  # the browser's own line for any answer that is no success


@pytest.fixture(scope="module")  # Playwright's event loop must not outlive these tests: others run their own
def browser(require_program: Callable[[str, str], str]) -> Iterator[Browser]:
    chromium = require_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def photo_host() -> Iterator[SimpleNamespace]:
    """Another server with the repository's photos, and who asked it for what."""
    asked: list[tuple[str, str]] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked.append((self.headers.get("User-Agent", ""), self.path))

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(PHOTOS)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}/", asked=asked)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def page_server(photo_host: SimpleNamespace) -> Iterator[ServerProcess]:
    settings = {"VRN_DEVICE": "cpu", "VRN_SOURCES": photo_host.url, "VRN_SOURCE_NETWORKS": "127.0.0.0/8"}
    server = ServerProcess([sys.executable, "-m", "vrn_cropper.service"], settings)
    yield server.wait_ready()
    server.stop()


@pytest.fixture
def open_page(browser: Browser, page_server: ServerProcess) -> Iterator[Callable[..., Page]]:
    """Opens the page; at the end no script has failed and no other host was asked for anything."""
    contexts: list[Any] = []
    faults: list[str] = []
    hosts: set[str] = set()

    def open_at(
        server: ServerProcess = page_server, before: Callable[[Page], object] | None = None, **options
    ) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        if before:
            before(page)
        page.goto(server.url("/"))
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield open_at
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not fault.startswith(RESOURCE_FAULT)] == []
    assert {host.split(":")[0] for host in hosts if host} <= {"127.0.0.1"}


@pytest.fixture(scope="session")
def photos() -> SimpleNamespace:
    """Paths of the repository's photos, by name."""
    return SimpleNamespace(
        folder=PHOTOS, coffee=PHOTOS / "coffee.jpg", rocket=PHOTOS / "rocket.jpg", chelsea=PHOTOS / "chelsea.jpg",
        portrait=PHOTOS / "astronaut-portrait.jpg", no_photo=PHOTOS / "README.md",
    )  # fmt: skip


@pytest.fixture(scope="session")
def choose() -> Callable[..., None]:
    """Takes photos in by the file dialogue, and waits until none is on its way."""

    def choose(page: Page, *paths: Path, wait: bool = True) -> None:
        page.set_input_files("#files", list(paths))
        if wait:
            expect(
                page.locator(":is(#strip, #grid):not([hidden]) li:is([data-state=waiting], [data-state=sending])")
            ).to_have_count(0)
            if len(paths) == 1:
                expect(page.locator("#facts")).to_be_visible()

    return choose


@pytest.fixture(scope="session")
def shown_size() -> Callable[[Page], tuple[int, int]]:
    """Width and height of the crop on show, as the panel says."""

    def shown_size(page: Page) -> tuple[int, int]:
        expect(page.locator("#facts")).to_be_visible()
        width, height = page.locator("#fact-size").text_content().removesuffix(" px").split(" × ")
        return int(width), int(height)

    return shown_size


@pytest.fixture(scope="session")
def read_clipboard() -> Callable[[Page], str]:
    return lambda page: page.evaluate("navigator.clipboard.readText()")


@pytest.fixture(scope="session")
def encoded() -> Callable[[Path], list[str]]:
    """A photo as a test hands it to a script of the page: name and base64."""
    return lambda path: [path.name, base64.b64encode(path.read_bytes()).decode()]


@pytest.fixture(scope="session")
def answer_with(photos: SimpleNamespace) -> Callable[..., None]:
    """Has the page told what the service answers for coffee.jpg, after `change(answer)` in place.

    Playwright cannot hand a browser's multipart body on, so the service is asked from here.
    """

    def answer_with(page: Page, change: Callable[[dict], object]) -> None:
        def handle(route: Any) -> None:
            answered = httpx.post(route.request.url, files={"image": photos.coffee.read_bytes()}, timeout=60)
            body = answered.json()
            change(body)
            route.fulfill(status=answered.status_code, json=body)

        page.route("**/crop?*", handle)

    return answer_with
