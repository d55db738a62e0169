"""Many photos: how far they are, picks, all as one ZIP or as text, removal and its undoing."""

import json
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import Page, expect


@pytest.fixture
def page(open_page, photos, choose):
    """Three photos, the grid on show."""
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    choose(page, photos.coffee, photos.rocket, photos.portrait)
    return page


def at_ratio(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def look_at(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"{name}, cropped").click()
    expect(page.locator("#photo-name")).to_have_text(name)


def test_progress_counts_photos_and_waiting_ones_say_so(open_page, photos, choose):
    page = open_page()
    held = []
    page.route("**/crop?*", lambda route: held.append(route))
    choose(page, photos.coffee, photos.rocket, photos.portrait, wait=False)
    expect(page.locator("#progress-text")).to_have_text("0 of 3 cropped")
    expect(page.locator("#grid li[data-state=sending]")).to_have_count(2)  # a full queue helps nobody
    expect(page.locator("#grid li[data-state=waiting]")).to_have_count(1)
    held.pop(0).fallback()
    expect(page.locator("#progress-text")).to_have_text("1 of 3 cropped")
    expect(page.locator("#progress")).to_have_js_property("value", 1)
    page.unroute("**/crop?*")
    for route in held:
        route.fallback()
    expect(page.locator("#progress-text")).to_have_text("3 photos")
    expect(page.locator("#progress")).to_be_hidden()


def test_picks_are_remembered_for_each_photo_and_ratio(page, read_clipboard):
    at_ratio(page, "1:1")
    for name, place in {"coffee.jpg": 1, "rocket.jpg": 2}.items():
        look_at(page, name)
        page.locator("#crops .crop").nth(place).click()
    at_ratio(page, "4:5")

    page.locator("#crops .crop").nth(4).click()
    at_ratio(page, "1:1")
    expect(page.locator("#crops .crop").nth(2)).to_have_attribute("aria-pressed", "true")
    look_at(page, "coffee.jpg")
    expect(page.locator("#crops .crop").nth(1)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("status")).to_have_text("Copied the JSON")
    picks = {
        entry["file"]: {crop["aspect_ratio"]: crop["chosen"] for crop in entry["crops"]}
        for entry in json.loads(read_clipboard(page))
    }
    assert {name: by_ratio["1:1"] for name, by_ratio in picks.items()} == {
        "coffee.jpg": "rank 2", "rocket.jpg": "rank 3", "astronaut-portrait.jpg": "rank 1",
    }  # fmt: skip
    assert picks["rocket.jpg"]["4:5"] == "rank 5"


def test_all_are_saved_as_one_zip_at_a_ratio_of_ones_own(open_page, photos, choose, tmp_path):
    other = tmp_path / "other" / "coffee.jpg"
    other.parent.mkdir()
    other.write_bytes(photos.chelsea.read_bytes())
    page = open_page()
    choose(page, photos.coffee, other, photos.no_photo)
    page.get_by_label("Another aspect ratio").fill("3x1")
    page.get_by_label("Another aspect ratio").press("Enter")
    page.locator("#save-size").select_option("other")
    page.locator("#save-width").fill("120")
    sent = []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download all 2 as ZIP").click()
        page.on("request", lambda request: sent.append(request.url) if "image" in request.url else None)
    expect(page.get_by_role("status")).to_have_text("Saved crops-3x1.zip without README.md")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert names == ["coffee-3x1-1.jpg", "coffee-3x1-1 (2).jpg", "crops.json"]
        for name in names[:2]:
            with archive.open(name) as file, Image.open(file) as picture:
                assert (picture.format, picture.size) == ("JPEG", (120, 40))
        entries = json.loads(archive.read("crops.json"))
    assert [entry["file"] for entry in entries] == ["coffee.jpg", "coffee.jpg"]
    assert [entry["crops"][0]["aspect_ratio"] for entry in entries] == ["3:1", "3:1"]
    assert sent == []  # no picture was fetched for it


def test_css_of_all_has_a_rule_a_photo(page, read_clipboard):
    at_ratio(page, "16:9")
    page.get_by_role("button", name="Copy CSS").click()
    expect(page.get_by_role("status")).to_have_text("Copied the CSS")
    css = read_clipboard(page)
    assert css.count("aspect-ratio: 16 / 9;") == 3
    for name in ("coffee.jpg", "rocket.jpg", "astronaut-portrait.jpg"):
        assert f'img[src$="{name}"] {{' in css


def test_removed_photo_comes_back_where_it_was_with_its_picks_and_costs_no_upload(page):
    at_ratio(page, "1:1")
    look_at(page, "rocket.jpg")
    page.locator("#crops .crop").nth(3).click()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    names = page.locator("#strip li > button:first-child")
    page.get_by_role("button", name="Remove rocket.jpg").click()
    expect(names).to_have_count(2)
    expect(page.get_by_role("status")).to_have_text("Removed rocket.jpg")
    expect(names.nth(1)).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(names.nth(1)).to_have_attribute("title", "rocket.jpg")
    expect(page.locator("#photo-name")).to_have_text("rocket.jpg")
    expect(page.locator("#crops .crop").nth(3)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_role("button", name="Choose photos")).to_be_focused()
    page.keyboard.press("Control+z")
    expect(page.locator("#progress-text")).to_have_text("3 photos")
    assert sent == []


def test_photo_removed_on_its_way_is_sent_again_when_it_comes_back(open_page, photos, choose):
    page = open_page()
    page.route("**/crop?*", lambda route: None)  # never answered
    choose(page, photos.coffee, wait=False)
    expect(page.locator("#busy-text")).to_be_visible()
    page.get_by_role("button", name="Add photos")
    page.evaluate("document.querySelector('#remove').click()")
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()
    page.unroute("**/crop?*")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#facts")).to_be_visible()


def test_photos_are_gone_through_by_arrows(page):
    look_at(page, "coffee.jpg")
    expect(page.get_by_role("button", name="Previous photo")).to_be_disabled()
    for name in ("rocket.jpg", "astronaut-portrait.jpg"):
        page.get_by_role("button", name="Next photo").click()
        expect(page.locator("#photo-name")).to_have_text(name)
    expect(page.locator("#place")).to_have_text("3 of 3")
    expect(page.get_by_role("button", name="Next photo")).to_be_disabled()


def test_more_photos_than_the_page_holds_are_left_out_and_counted(open_page):
    page = open_page()
    left_out = page.evaluate("""async () => {
        const { Album } = await import("/static/photos/album.js");
        const idle = { add() {}, addFile() {} };
        const album = new Album(idle, idle, () => {});
        const files = Array.from({ length: 503 }, (_, index) => new File([], `${index}.jpg`));
        return [album.add(files), album.photos.length, album.add(files.slice(0, 2))];
    }""")
    assert left_out == [3, 500, 2]
