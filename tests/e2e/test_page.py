"""The web page in a real browser against a real server with the shipped model.

Chromium comes from Debian's packages where it can be installed; elsewhere the tests are skipped with the reason.
"""

import base64
import json
import re
import shlex
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from vrn_cropper.service.error_codes import ERROR_TABLE

PHOTOS = Path(__file__).parents[1] / "photos"
COFFEE, ROCKET, PORTRAIT = (PHOTOS / name for name in ("coffee.jpg", "rocket.jpg", "astronaut-portrait.jpg"))
PATIENCE_MS = 60_000
# Nothing but the page: no first-run tabs, no updates, no calls home.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
ERRORS = [
    (400, "bad_request", "The service did not understand the request", False),
    (413, "too_large", "This photo is too large", False),
    (415, "unsupported", "This is not a photo that can be read", False),
    (422, "impossible_crop", "No such crop of this photo", False),
    (422, "broken_photo", "This photo is damaged", False),
    (500, "engine_error", "The service failed on this photo", True),
    (503, "not_ready", "The service is not ready", True),
    (504, "deadline", "This took too long", True),
]  # status, code, what the page says, whether trying again can help
RESOURCE_FAULT = "Failed to load resource"  # the browser's own line for any answer that is no success
DROP = """files => {
  const transfer = new DataTransfer();
  for (const [name, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  const target = document.getElementById("main");
  for (const kind of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(kind, { dataTransfer: transfer, bubbles: true, cancelable: true }));
}"""
PASTE = """base64 => {
  const transfer = new DataTransfer();
  const bytes = Uint8Array.from(atob(base64), letter => letter.charCodeAt(0));
  transfer.items.add(new File([bytes], "image.png", { type: "image/png" }));
  document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def browser(require_program):
    chromium = require_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, trained_server):
    """Opens the page; at the end no script has failed and no other host was asked for anything."""
    contexts, faults, hosts = [], [], set()

    def open_at(server=trained_server, **options):
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if line.type in ("error", "warning") else None)
        page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
        page.goto(server.url("/"))
        return page

    expect.set_options(timeout=PATIENCE_MS)
    yield open_at
    for context in contexts:
        context.close()
    assert [fault for fault in faults if not fault.startswith(RESOURCE_FAULT)] == []
    assert {host.split(":")[0] for host in hosts} <= {"127.0.0.1"}


def choose(page, *photos):
    page.set_input_files("#files", list(photos))


def shown_crop(page):
    """Score and size of the crop on show, as the panel says."""
    expect(page.locator("#facts")).to_be_visible()
    width, height = page.locator("#fact-size").inner_text().removesuffix(" px").split(" × ")
    return float(page.locator("#score").inner_text()), (int(width), int(height))


def encoded(photo):
    return [photo.name, base64.b64encode(photo.read_bytes()).decode()]


def test_chosen_photo_shows_its_best_crop_and_thumbnails(open_page):
    page = open_page()
    with page.expect_response(lambda answer: "/crop?" in answer.url) as answer:
        choose(page, COFFEE)
    best = answer.value.json()["crops"][0]
    score, size = shown_crop(page)
    assert (score, size) == (round(best["score"], 2), (best["box"]["width"], best["box"]["height"]))
    expect(page.locator("#crops .crop canvas")).to_have_count(6)
    stage, frame = page.locator("#photo").bounding_box(), page.locator("#frame").bounding_box()
    assert frame["x"] == pytest.approx(stage["x"] + best["box_normalized"]["x"] * stage["width"], abs=1.5)
    assert frame["height"] == pytest.approx(best["box_normalized"]["height"] * stage["height"], abs=1.5)
    expect(page.locator("#timing-list")).to_contain_text("Inference")


def test_ratio_buttons_and_a_ratio_of_ones_own(open_page):
    page = open_page()
    choose(page, COFFEE)
    shown_crop(page)
    page.get_by_role("button", name="1:1", exact=True).click()
    _, (width, height) = shown_crop(page)
    assert abs(width - height) <= 1
    page.get_by_label("Another aspect ratio").fill("3/1")
    page.get_by_label("Another aspect ratio").press("Enter")
    expect(page.locator('.chip[data-ratio="3:1"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#frame")).to_be_visible()
    _, (width, height) = shown_crop(page)
    assert width == pytest.approx(3 * height, abs=3)


def test_slider_goes_through_the_crops_by_keyboard(open_page):
    page = open_page()
    choose(page, ROCKET)
    first, _ = shown_crop(page)
    slider = page.get_by_role("slider", name="Crop, best first")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#fact-crop")).to_have_text("2 of 6")
    second, _ = shown_crop(page)
    assert second <= first
    assert slider.get_attribute("aria-valuetext") == f"Crop 2 of 6, score {second:.2f}"
    page.keyboard.press("End")
    expect(page.locator("#next")).to_be_disabled()
    page.locator("#crops .crop").first.click()
    expect(page.locator("#fact-crop")).to_have_text("1 of 6")


def test_download_is_the_crop_at_full_size(open_page):
    page = open_page()
    choose(page, PORTRAIT)
    page.get_by_role("button", name="4:5", exact=True).click()
    page.get_by_role("button", name="Next crop").click()
    _, size = shown_crop(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download crop").click()
    assert download.value.suggested_filename == "astronaut-portrait-4x5-2.jpg"
    with Image.open(download.value.path()) as picture:
        assert picture.size == size


def test_copied_command_and_json_are_what_is_shown(open_page):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    choose(page, COFFEE)
    page.get_by_role("button", name="1:1", exact=True).click()
    shown_crop(page)
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("status")).to_have_text("Copied the JSON")
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    page.get_by_role("button", name="Copy curl").click()
    expect(page.get_by_role("status")).to_have_text("Copied the curl command")
    command = page.evaluate("navigator.clipboard.readText()")
    output = subprocess.run(shlex.split(command), cwd=PHOTOS, capture_output=True, check=True, timeout=60).stdout
    assert json.loads(output)["crops"] == copied["crops"]
    assert {crop["aspect_ratio"] for crop in copied["crops"]} == {"1:1"}


def test_several_dropped_files_are_cropped_and_a_broken_one_fails_alone(open_page):
    page = open_page()
    broken = ["broken.jpg", base64.b64encode(COFFEE.read_bytes()[:3000]).decode()]
    page.evaluate(DROP, [encoded(COFFEE), broken, encoded(ROCKET)])
    expect(page.locator('#strip li[data-state="done"]')).to_have_count(2)
    expect(page.locator('#strip li[data-state="failed"]')).to_have_count(1)
    page.get_by_role("button", name="broken.jpg, failed").click()
    expect(page.locator("#problem-title")).to_have_text("This photo is damaged")
    expect(page.locator("#viewer")).to_be_hidden()
    page.get_by_role("button", name="rocket.jpg, cropped").click()
    shown_crop(page)
    page.get_by_role("button", name="Remove rocket.jpg").click()
    expect(page.locator("#strip li")).to_have_count(2)


def test_pasted_picture_is_cropped(open_page):
    page = open_page()
    buffer = BytesIO()
    Image.open(COFFEE).save(buffer, "PNG")
    page.evaluate(PASTE, base64.b64encode(buffer.getvalue()).decode())
    shown_crop(page)
    expect(page.locator("#photo-name")).to_have_text("image.png")


def test_photo_that_the_browser_cannot_show_is_shown_through_the_service(open_page, tmp_path):
    path = tmp_path / "scan.tif"
    Image.open(COFFEE).save(path)
    page = open_page()
    choose(page, path)
    shown_crop(page)
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator("#placeholder")).to_be_hidden()


def test_service_that_is_gone_is_told_and_tried_again(open_page):
    page = open_page()
    page.route("**/crop?*", lambda route: route.abort())
    choose(page, COFFEE)
    expect(page.locator("#problem-title")).to_have_text("The service cannot be reached")
    page.unroute("**/crop?*")
    page.get_by_role("button", name="Try again").click()
    shown_crop(page)


def test_photo_over_the_limit_is_refused_before_it_is_sent_and_can_be_taken_away(open_page):
    page = open_page()
    limit = f'data-max-upload-bytes="{COFFEE.stat().st_size - 1}"'
    page.route("**/", lambda route: route.fulfill(
        content_type="text/html", body=re.sub(r'data-max-upload-bytes="\d+"', limit, route.fetch().text())
    ))  # fmt: skip
    page.reload()
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    choose(page, COFFEE)
    expect(page.locator("#problem-title")).to_have_text("This photo is too large")
    assert "POST" not in sent
    page.get_by_role("button", name="Remove photo").click()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()


def test_busy_service_says_when_to_come_back(open_page):
    page = open_page()
    body = {"error": {"code": "overloaded", "message": "the queue is full", "request_id": "x"}}
    page.route("**/crop?*", lambda route: route.fulfill(status=429, headers={"Retry-After": "7"}, json=body))
    choose(page, COFFEE)
    expect(page.locator("#problem-title")).to_have_text("The service is busy")
    expect(page.locator("#problem-advice")).to_contain_text("7 seconds")


@pytest.mark.parametrize(("status", "code", "title", "can_retry"), ERRORS)
def test_every_error_is_told_in_words_and_offers_what_can_help(open_page, status, code, title, can_retry):
    page = open_page()
    body = {"error": {"code": code, "message": "what the service says of it", "request_id": "x"}}
    page.route("**/crop?*", lambda route: route.fulfill(status=status, json=body))
    choose(page, COFFEE)
    expect(page.locator("#problem-title")).to_have_text(title)
    expect(page.get_by_text("What the service says of it.")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible(visible=can_retry)


def test_no_error_of_the_service_is_left_out():
    elsewhere = {(401, "unauthorized"), (429, "overloaded")}  # tests of their own
    told = {(status, code) for status, code, *_ in ERRORS}
    assert set(ERROR_TABLE.values()) - {(499, "disconnected")} == told | elsewhere


def test_answer_of_a_proxy_in_its_own_words_is_told_by_its_status(open_page):
    page = open_page()
    page.route("**/crop?*", lambda route: route.fulfill(status=502, body="<html>Bad gateway</html>"))
    choose(page, COFFEE)
    expect(page.locator("#problem-title")).to_have_text("The service answered 502")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def test_key_is_asked_for_and_sent_and_not_shown(open_page, start_server):
    server = start_server(VRN_DEVICE="cpu", VRN_API_KEYS="a-key-of-the-page-0123").wait_ready()
    page = open_page(server, permissions=["clipboard-read", "clipboard-write"])
    choose(page, COFFEE)
    page.get_by_label("API key").fill("another-key-0123456")
    page.get_by_role("button", name="Use key").click()
    expect(page.locator("#key-wrong")).to_be_visible()
    page.get_by_label("API key").fill("a-key-of-the-page-0123")
    page.get_by_role("button", name="Use key").click()
    shown_crop(page)
    expect(page.locator("#key-form")).to_be_hidden()
    page.get_by_role("button", name="Copy curl").click()
    command = page.evaluate("navigator.clipboard.readText()")
    assert '"X-API-Key: $VRN_API_KEY"' in command
    assert "a-key-of-the-page" not in command + page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_page_is_accessible_and_fits(open_page, scheme, viewport):
    page = open_page(viewport=viewport, color_scheme=scheme)

    def check(state):
        found = Axe().run(page)
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], state

    check("start")
    choose(page, ROCKET, PHOTOS / "README.md")
    shown_crop(page)
    expect(page.locator('#strip li[data-state="failed"]')).to_have_count(1)
    check("crops")
    page.get_by_role("button", name="README.md, failed").click()
    check("problem")


def test_thirds_can_be_taken_away(open_page):
    page = open_page()
    choose(page, COFFEE)
    shown_crop(page)
    thirds = page.get_by_role("button", name="Thirds")
    expect(page.locator("#lines")).not_to_have_attribute("hidden", "")
    thirds.press("Enter")
    expect(page.locator("#lines")).to_have_attribute("hidden", "")
    expect(thirds).to_have_attribute("aria-pressed", "false")


def test_api_document_is_readable_without_internet(open_page, trained_server):
    page = open_page()
    page.goto(trained_server.url("/docs"))
    expect(page.locator(".opblock-summary-path", has_text=re.compile(r"^/crop$"))).to_be_visible()
