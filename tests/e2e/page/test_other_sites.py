"""Scripts and frames of another web site, in a real browser: allowed where the operator names the site, else not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

from .conftest import PATIENCE_MS

CALL = """async (address) => {
  const canvas = new OffscreenCanvas(60, 40);
  canvas.getContext("2d").fillRect(10, 10, 20, 20);
  const body = new FormData();
  body.append("image", await canvas.convertToBlob(), "photo.png");
  const headers = { "X-Request-ID": "from-another-site" };  // not on the safe list: a preflight goes first
  try {
    const answer = await fetch(`${address}/crop/image?width=30`, { method: "POST", body, headers });
    const wrong = await fetch(`${address}/crop?ratio=1:1`, { method: "POST", body, headers });
    return {
      status: answer.status, box: answer.headers.get("X-Crop-Box"), id: answer.headers.get("X-Request-ID"),
      bytes: (await answer.blob()).size, error: (await wrong.json()).error.code,
    };
  } catch (error) {
    return { failed: error.name };
  }
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """An empty page of another origin; its address."""

    class EmptyPage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Another site</title>")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def visitor(browser, site) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(site)
    yield page
    context.close()


def frames_the_page(page: Page, address: str) -> bool:
    """Whether a frame with the service's page in it shows that page."""
    page.evaluate(
        """(src) => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.onload = done;
          frame.src = src;
          document.body.append(frame);
        })""",
        f"{address}/",
    )
    return page.frames[-1].locator("script[src]").count() > 0


def test_another_site_can_neither_call_nor_frame_by_default(visitor, page_server):
    assert visitor.evaluate(CALL, page_server.url("")) == {"failed": "TypeError"}
    assert not frames_the_page(visitor, page_server.url(""))


def test_a_named_site_calls_reads_headers_and_errors_and_frames_the_page(visitor, site, start_server):
    server = start_server(VRN_DEVICE="cpu", VRN_ALLOW_ORIGINS=site, VRN_FRAME_ANCESTORS=site).wait_ready()
    told = visitor.evaluate(CALL, server.url(""))
    assert (told["status"], told["id"], told["error"]) == (200, "from-another-site", "bad_request")
    assert [len(told["box"].split(",")), told["bytes"] > 50] == [4, True]
    assert frames_the_page(visitor, server.url(""))
