"""What goes wrong between page and service: told in words, and tried again by itself where that can help."""

import re

import pytest
from PIL import Image
from playwright.sync_api import expect

from vrn_cropper.service.error_codes import ERROR_TABLE

FATAL = [
    (400, "bad_request", "The service did not understand the request", False),
    (408, "slow_upload", "The upload took too long", True),
    (413, "too_large", "This photo is too large", False),
    (415, "unsupported", "This is not a photo that can be read", False),
    (422, "impossible_crop", "No such crop of this photo", False),
    (422, "broken_photo", "This photo is damaged", False),
    (500, "engine_error", "The service failed on this photo", True),
]  # status, code, what the page says, whether trying again can help
PASSING = [
    (429, "overloaded", "The service is busy"),
    (502, "", "The service answered 502"),
    (503, "not_ready", "The service is not ready"),
    (504, "deadline", "This took too long"),
    (None, "", "The service cannot be reached"),
]  # tried again by itself; None: no answer at all


def fail(route, status, code, **headers):
    if status is None:
        route.abort()
    else:
        body = {"error": {"code": code, "message": "what the service says of it", "request_id": "x"}}
        route.fulfill(status=status, headers=headers, json=body)


@pytest.mark.parametrize(("status", "code", "title", "can_retry"), FATAL)
def test_every_error_is_told_in_words_and_offers_what_can_help(
    open_page, photos, choose, status, code, title, can_retry
):
    page = open_page()
    page.route("**/crop?*", lambda route: fail(route, status, code))
    choose(page, photos.coffee, wait=False)
    expect(page.locator("#problem-title")).to_have_text(title)
    expect(page.get_by_text("What the service says of it.")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible(visible=can_retry)


def test_no_error_of_the_service_is_left_out():
    told = {(status, code) for status, code, *_ in FATAL + PASSING}
    elsewhere = {
        (401, "unauthorized"),  # the key's test
        (403, "bad_signature"), (403, "source_not_allowed"), (404, "source_missing"), (502, "source_failed"),
        (499, "disconnected"),
    }  # fmt: skip
    assert set(ERROR_TABLE.values()) - elsewhere <= told  # those of addresses: test_sources.py


@pytest.mark.parametrize(("status", "code", "title"), PASSING)
def test_service_that_is_busy_or_away_is_tried_again_by_itself(open_page, photos, choose, status, code, title):
    page = open_page()
    page.clock.install()
    answers = []

    def answer(route):
        answers.append(route.request.url)
        if len(answers) <= 2:
            fail(route, status, code, **({"Retry-After": "7"} if status == 429 else {}))
        else:
            route.fallback()

    page.route("**/crop?*", answer)
    choose(page, photos.coffee, wait=False)
    expect(page.locator("#pause-title")).to_have_text(f"{title}.")
    if status == 429:
        expect(page.locator("#pause-when")).to_have_text("Trying again in 7 s.")
        page.clock.fast_forward(6500)
        assert len(answers) == 1  # not before the service's own word
    page.clock.fast_forward(20_000)
    expect(page.locator("#pause-when")).to_have_text(re.compile("Trying again"))
    page.wait_for_timeout(0)
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#facts")).to_be_visible()
    assert len(answers) == 3


def test_service_that_stays_away_is_given_up_for_all_photos_and_tried_again_for_all(open_page, photos, choose):
    page = open_page()
    page.clock.install()
    tried = []

    def refuse(route):
        tried.append(route.request.url)
        route.abort()

    page.route("**/crop?*", refuse)
    choose(page, photos.coffee, photos.rocket, photos.portrait, wait=False)
    failed = page.locator("#grid li[data-state=failed]")
    for _ in range(20):  # seven tries, each later than the one before
        pausing = page.locator("#grid li[data-state=pausing]")
        expect(pausing.or_(failed).first).to_be_visible()
        if failed.count() == 3:
            break
        page.clock.fast_forward(40_000)
    expect(failed).to_have_count(3)
    assert len(tried) <= 14  # the third photo was spared its own minutes
    expect(page.locator("#progress-text")).to_have_text("3 photos, 3 failed")
    page.unroute("**/crop?*")
    page.get_by_role("button", name="Retry all that failed").click()
    expect(page.locator("#grid li[data-state=done]")).to_have_count(3)
    expect(page.get_by_role("button", name="Retry all that failed")).to_be_hidden()


def test_server_that_is_restarted_goes_unnoticed(open_page, photos, choose, start_server):
    server = start_server(VRN_DEVICE="cpu").wait_ready()
    page = open_page(server)
    server.stop()
    choose(page, photos.coffee, wait=False)
    expect(page.locator("#pause-title")).to_have_text("The service cannot be reached.")
    start_server(VRN_DEVICE="cpu", VRN_PORT=str(server.port)).wait_ready()
    expect(page.locator("#facts")).to_be_visible()


def test_upload_over_the_limit_is_refused_before_it_is_sent_and_can_be_taken_away(open_page, choose, tmp_path):
    path = tmp_path / "scan.tif"  # no browser makes this one smaller
    Image.new("RGB", (400, 300), "teal").save(path)

    def shrink_limit(page):
        limit = f'data-max-upload-bytes="{path.stat().st_size - 1}"'
        page.route("**/", lambda route: route.fulfill(
            content_type="text/html", body=re.sub(r'data-max-upload-bytes="\d+"', limit, route.fetch().text())
        ))  # fmt: skip

    page = open_page(before=shrink_limit)
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    choose(page, path, wait=False)
    expect(page.locator("#problem-title")).to_have_text("This photo is too large")
    assert "POST" not in sent
    page.get_by_role("button", name="Remove photo").click()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()


def test_key_is_asked_for_and_sent_and_not_shown(open_page, photos, choose, read_clipboard, start_server):
    server = start_server(VRN_DEVICE="cpu", VRN_API_KEYS="a-key-of-the-page-0123").wait_ready()
    page = open_page(server, permissions=["clipboard-read", "clipboard-write"])
    choose(page, photos.coffee, wait=False)
    page.get_by_label("API key").fill("another-key-0123456")
    page.get_by_role("button", name="Use key").click()
    expect(page.locator("#key-wrong")).to_be_visible()
    page.get_by_label("API key").fill("a-key-of-the-page-0123")
    page.get_by_role("button", name="Use key").click()
    expect(page.locator("#facts")).to_be_visible()
    expect(page.locator("#key-form")).to_be_hidden()
    page.get_by_text("Numbers, and for developers").click()
    page.get_by_role("button", name="Copy curl").click()
    command = read_clipboard(page)
    assert '"X-API-Key: $VRN_API_KEY"' in command
    assert "a-key-of-the-page" not in command + page.url


def test_api_document_is_readable_without_internet(open_page, page_server):
    page = open_page()
    page.goto(page_server.url("/docs"))
    expect(page.get_by_role("button", name="POST /crop Crop boxes")).to_be_visible()
