"""Boxes around what must stay in the picture: drawn on the photo, changed, taken away, and asked for."""

from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def page(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    return page


def draw_keep(page: Page, left: float, top: float, right: float, bottom: float) -> None:
    """Draw a box, in fractions of the photo, the way one draws: from one corner to the other."""
    stage = page.locator("#stage").bounding_box()
    corners = [
        (stage["x"] + x * stage["width"], stage["y"] + y * stage["height"]) for x, y in ((left, top), (right, bottom))
    ]
    page.get_by_role("button", name="Mark to keep").click()
    page.mouse.move(*corners[0])
    page.mouse.down()
    page.mouse.move(*corners[1], steps=3)
    page.mouse.up()


def kept(url: str) -> list[list[float]]:
    """The boxes that a request asks to keep."""
    return [[float(number) for number in box.split(",")] for box in parse_qs(urlsplit(url).query).get("keep", [])]


def holds(crop: dict, keep: list[float]) -> bool:
    box, slack = crop["box_normalized"], 1 / 400
    return (
        box["x"] <= keep[0] + slack
        and box["y"] <= keep[1] + slack
        and box["x"] + box["width"] >= keep[0] + keep[2] - slack
        and box["y"] + box["height"] >= keep[1] + keep[3] - slack
    )


def test_drawn_box_is_held_by_every_crop_at_every_ratio(page):
    page.get_by_role("button", name="1:1", exact=True).click()
    with page.expect_response("**/crop?*keep=*") as answered:
        draw_keep(page, 0.05, 0.1, 0.25, 0.5)
    expect(page.locator(".keep")).to_have_count(1)
    (keep,) = kept(answered.value.url)
    assert keep == pytest.approx([0.05, 0.1, 0.2, 0.4], abs=0.01)
    assert answered.value.json()["crops"]
    assert all(holds(crop, keep) for crop in answered.value.json()["crops"])
    frame, box = page.locator("#frame").bounding_box(), page.locator(".keep").bounding_box()
    assert frame["x"] <= box["x"] + 2
    with page.expect_response("**/crop?*keep=*") as answered:
        page.get_by_role("button", name="9:16", exact=True).click()
    assert all(holds(crop, keep) for crop in answered.value.json()["crops"])
    expect(page.get_by_role("button", name="Mark to keep")).to_have_attribute("aria-pressed", "false")


def test_click_is_no_box(page):
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    draw_keep(page, 0.3, 0.3, 0.3, 0.3)
    expect(page.locator(".keep")).to_have_count(0)
    assert sent == []


def test_box_is_added_moved_resized_and_taken_away_by_keyboard(page):
    page.get_by_role("button", name="Add a box to keep").press("Enter")
    box = page.locator(".keep").first
    expect(box).to_be_focused()

    def press(key, part=box):
        with page.expect_request("**/crop?*keep=*") as asked:
            part.press(key)
        return kept(asked.value.url)[0]

    x, _, width, height = press("ArrowLeft")
    assert (x, width) == pytest.approx((0.35 - 6 / 600, 0.3), abs=0.002)
    assert press("+")[2] > width
    assert press("ArrowRight", page.locator(".keep .handle-se"))[3] == pytest.approx(height, abs=0.02)
    with page.expect_request(lambda request: "/crop?" in request.url and not kept(request.url)):
        box.press("Delete")
    expect(page.locator(".keep")).to_have_count(0)
    expect(page.get_by_role("button", name="Mark to keep")).to_be_focused()


def test_boxes_that_no_crop_can_hold_are_told_and_another_ratio_still_works(page):
    page.get_by_role("button", name="9:16", exact=True).click()
    draw_keep(page, 0.02, 0.4, 0.98, 0.6)
    expect(page.locator("#no-crop")).to_have_text("No crop at 9:16 holds everything that you marked to keep.")
    expect(page.locator("#crops .crop")).to_have_count(0)
    page.get_by_role("button", name="16:9", exact=True).click()
    expect(page.locator("#no-crop")).to_be_hidden()
    expect(page.locator("#crops .crop").first).to_be_visible()
    page.get_by_role("button", name="9:16", exact=True).click()
    page.get_by_role("button", name="Stop keeping 1").click()
    expect(page.locator("#crops .crop")).to_have_count(6)


def test_answer_to_a_box_that_was_changed_meanwhile_is_not_shown(page):
    held = []
    page.route("**/crop?*", lambda route: held.append(route))
    draw_keep(page, 0.1, 0.1, 0.3, 0.3)
    page.get_by_role("button", name="Add a box to keep").press("Enter")
    expect(page.locator(".keep")).to_have_count(2)
    assert len(held) == 1
    page.unroute("**/crop?*")
    with page.expect_response(lambda answer: len(kept(answer.url)) == 2) as answered:
        held[0].fallback()
    expect(page.locator("#facts")).to_be_visible()
    best = answered.value.json()["crops"][0]["box"]
    expect(page.locator("#fact-size")).to_have_text(f"{best['width']} × {best['height']} px")
