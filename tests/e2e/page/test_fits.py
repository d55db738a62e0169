"""The page fits phones and desks, light and dark, and everyone can use it (axe)."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

PHONE, LYING, DESKTOP = (360, 640), (740, 360), (1280, 900)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_page_is_accessible_and_fits(open_page, photos, choose, scheme, size):
    viewport = {"width": size[0], "height": size[1]}
    page = open_page(viewport=viewport, color_scheme=scheme)

    def check(state):
        found = Axe().run(page)
        assert found.violations_count == 0, f"{state}: {found.generate_report()}"
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], state

    check("start")
    choose(page, photos.rocket, photos.no_photo)
    check("grid")
    page.locator("#grid button").first.click()
    expect(page.locator("#facts")).to_be_visible()
    page.get_by_role("button", name="Add a box to keep").press("Enter")
    expect(page.locator(".keep")).to_have_count(1)
    check("one")
    page.get_by_role("button", name="Before / after").click()
    check("compared")
    page.get_by_role("button", name="README.md, failed").click()
    check("problem")


@pytest.mark.parametrize("is_many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("size", [PHONE, LYING], ids=["upright", "lying"])
def test_photo_and_download_are_on_the_first_screen_of_a_phone(open_page, photos, choose, size, is_many):
    page = open_page(viewport={"width": size[0], "height": size[1]}, has_touch=True)
    if is_many:
        choose(page, photos.rocket, photos.coffee)
        page.get_by_role("button", name="coffee.jpg, cropped").click()
        expect(page.get_by_role("button", name="Previous photo")).to_be_visible()
    else:
        choose(page, photos.coffee)
    for part in (page.locator("#download"), page.locator("#photo"), page.locator("#frame")):
        box = part.bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size[1]
    assert page.locator("#photo").bounding_box()["height"] >= 0.3 * size[1]
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_photo_that_failed_is_no_dead_end_on_a_lying_phone(open_page, photos, choose):
    page = open_page(viewport={"width": LYING[0], "height": LYING[1]}, has_touch=True)
    choose(page, photos.no_photo, photos.coffee)
    page.get_by_role("button", name="README.md, failed").click()
    expect(page.locator("#problem-title")).to_be_visible()
    page.get_by_role("button", name="coffee.jpg, cropped").click()
    expect(page.locator("#frame")).to_be_visible()
