"""One photo on the page: crops, ratios, words, download, what is copied."""

import json
import re
import shlex
import subprocess

import pytest
from PIL import Image
from playwright.sync_api import expect


def test_chosen_photo_shows_its_best_crop_and_cards(open_page, photos, choose, shown_size):
    page = open_page()
    with page.expect_response(lambda answer: "/crop?" in answer.url) as answer:
        choose(page, photos.coffee)
    page.get_by_role("button", name="4:5", exact=True).click()
    best = next(crop for crop in answer.value.json()["crops"] if crop["aspect_ratio"] == "4:5")
    assert shown_size(page) == (best["box"]["width"], best["box"]["height"])
    expect(page.locator("#crops .crop canvas")).to_have_count(6)
    stage, frame = page.locator("#photo").bounding_box(), page.locator("#frame").bounding_box()
    assert frame["x"] == pytest.approx(stage["x"] + best["box_normalized"]["x"] * stage["width"], abs=1.5)
    assert frame["height"] == pytest.approx(best["box_normalized"]["height"] * stage["height"], abs=1.5)
    expect(page.locator("#timing-list")).to_contain_text("Inference")


def test_one_request_answers_every_ratio_button(open_page, photos, choose, shown_size):
    page = open_page()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    choose(page, photos.portrait)
    for name, value in {"3:4": 3 / 4, "1:1": 1.0, "9:16": 9 / 16, "Original": 384 / 512}.items():
        page.get_by_role("button", name=name, exact=True).click()
        width, height = shown_size(page)
        assert abs(width - height * value) <= 1
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("written", "ratio"),
    [("16x9", "16:9"), ("16×9", "16:9"), ("16 : 9", "16:9"), ("3/1", "3:1"), ("1,91:1", "1.91:1"), ("1.5", "1.5:1")],
)
def test_ratios_are_understood_as_people_write_them(open_page, written, ratio):
    page = open_page()
    parse = "async text => (await import('/static/crops/ratios.js')).parseRatio(text)"
    assert page.evaluate(parse, written) == ratio


def test_what_is_no_ratio_is_refused_with_an_example(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    field = page.get_by_label("Another aspect ratio")
    for text in ("wide", "0:1", "1:0", "16:9:4", "1000:1", "-1:2", ""):
        field.fill(text)
        field.press("Enter")
        assert "16x9" in field.evaluate("field => field.validationMessage"), text
    expect(page.locator("#ratios .chip-remove")).to_have_count(0)


def test_ratio_of_ones_own_is_asked_for_kept_and_removed(open_page, photos, choose, shown_size):
    page = open_page()
    choose(page, photos.coffee)
    page.get_by_label("Another aspect ratio").fill("3x1")
    page.get_by_label("Another aspect ratio").press("Enter")
    own = page.locator('.chip[data-ratio="3:1"]')
    expect(own).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#frame")).to_be_visible()
    width, height = shown_size(page)
    assert width == pytest.approx(3 * height, abs=3)
    page.reload()
    expect(own).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Remove ratio 3:1").click()
    expect(own).to_have_count(0)
    expect(page.get_by_role("button", name="Free", exact=True)).to_have_attribute("aria-pressed", "true")


def test_cards_are_gone_through_by_keyboard(open_page, photos, choose):
    page = open_page()
    choose(page, photos.rocket)
    page.get_by_role("button", name="1:1", exact=True).click()
    cards = page.locator("#crops .crop")
    cards.first.focus()
    page.keyboard.press("ArrowRight")
    expect(cards.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(cards.nth(1)).to_be_focused()
    page.keyboard.press("End")
    expect(cards.last).to_be_focused()
    expect(cards.last).to_have_attribute("aria-label", re.compile(r"^Crop 6, \d+ of 10, 6 of 6$"))


def test_download_is_the_crop_at_full_size_and_sends_nothing(open_page, photos, choose, shown_size):
    page = open_page()
    choose(page, photos.portrait)
    page.get_by_role("button", name="4:5", exact=True).click()
    page.locator("#crops .crop").nth(1).click()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download crop").click()
    assert download.value.suggested_filename == "astronaut-portrait-4x5-2.jpg"
    with Image.open(download.value.path()) as picture, Image.open(photos.portrait) as source:
        assert (picture.format, picture.size) == ("JPEG", shown_size(page))
        box = page.locator("#frame").get_attribute("aria-label")
        left, top = (int(part.split()[0]) for part in box.split(", ")[2:4])
        expected = source.convert("RGB").crop((left, top, left + picture.width, top + picture.height))
        for there, here in zip(
            expected.resize((1, 1)).getpixel((0, 0)), picture.resize((1, 1)).getpixel((0, 0)), strict=True
        ):
            assert abs(there - here) <= 3
    assert sent == []


def test_download_takes_size_format_and_quality_and_remembers_them(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    page.get_by_role("button", name="3:2", exact=True).click()

    def save():
        with page.expect_download() as download:
            page.get_by_role("button", name="Download crop").click()
        return download.value

    page.locator("#save-size").select_option("other")
    page.locator("#save-width").fill("150")
    page.locator("#save-format").select_option("webp")
    expect(page.locator("#save-result")).to_have_text("150 × 100 px, WEBP")
    page.reload()
    expect(page.locator("#save-result")).to_have_text("150 × 100 px, WEBP")
    small = save()
    with Image.open(small.path()) as picture:
        assert (picture.format, picture.size) == ("WEBP", (150, 100))
    page.locator("#save-format").select_option("png")
    expect(page.locator("#save-quality")).to_be_disabled()
    with Image.open(save().path()) as picture:
        assert (picture.format, picture.size) == ("PNG", (150, 100))
    page.locator("#save-format").select_option("jpeg")
    sizes = []
    for quality in ("95", "45"):
        page.locator("#save-quality").fill(quality)
        sizes.append(save().path().stat().st_size)
    assert sizes[0] > 1.5 * sizes[1]
    page.locator("#save-width").fill("9000")
    expect(page.locator("#save-result")).to_contain_text("the crop is no larger")


def test_format_that_browsers_do_not_write_is_written_by_the_service_from_the_cut(
    open_page, photos, choose, shown_size
):
    page = open_page()
    choose(page, photos.coffee)
    page.get_by_role("button", name="1:1", exact=True).click()
    page.locator("#save-format").select_option("avif")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download crop").click()
    assert download.value.suggested_filename.endswith(".avif")
    with Image.open(download.value.path()) as picture:
        assert (picture.format, picture.size) == ("AVIF", shown_size(page))


def test_copied_json_and_css_are_what_is_chosen_and_the_command_works(
    open_page, photos, choose, read_clipboard, shown_size
):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    choose(page, photos.coffee)
    page.get_by_role("button", name="1:1", exact=True).click()
    page.locator("#crops .crop").nth(2).click()
    page.get_by_role("button", name="Copy JSON").click()
    expect(page.get_by_role("status")).to_have_text("Copied the JSON")
    (entry,) = json.loads(read_clipboard(page))
    by_ratio = {crop["aspect_ratio"]: crop for crop in entry["crops"]}
    assert (entry["file"], entry["image"]) == ("coffee.jpg", {"width": 600, "height": 400})
    assert {"free", "original", "1:1", "16:9"} <= set(by_ratio)
    assert by_ratio["1:1"]["chosen"] == "rank 3"
    assert (by_ratio["1:1"]["box"]["width"], by_ratio["1:1"]["box"]["height"]) == shown_size(page)
    page.get_by_role("button", name="Copy CSS").click()
    expect(page.get_by_role("status")).to_have_text("Copied the CSS")
    css = read_clipboard(page)
    position = by_ratio["1:1"]["object_position"]
    for line in (
        'img[src$="coffee.jpg"] {',
        "aspect-ratio: 1 / 1;",
        "object-fit: cover;",
        f"object-position: {position};",
    ):
        assert line in css
    page.get_by_text("Numbers, and for developers").click()
    page.get_by_role("button", name="Copy curl").click()
    expect(page.get_by_role("status")).to_have_text("Copied the curl command")
    command = shlex.split(read_clipboard(page))
    answer = json.loads(
        subprocess.run(command, cwd=photos.folder, capture_output=True, check=True, timeout=60).stdout
    )
    third = answer["crops"][2]
    assert {crop["aspect_ratio"] for crop in answer["crops"]} == {"1:1"}
    assert (third["box"], third["focal_point"]["object_position"]) == (by_ratio["1:1"]["box"], position)


def test_before_and_after_are_shown_side_by_side(open_page, photos, choose, shown_size):
    page = open_page()
    choose(page, photos.coffee)
    page.get_by_role("button", name="9:16", exact=True).click()
    page.get_by_role("button", name="Before / after").click()
    before = page.get_by_role("img", name="coffee.jpg, before").bounding_box()
    after = page.get_by_role("img", name="coffee.jpg, after").bounding_box()
    width, height = shown_size(page)
    assert before["height"] == pytest.approx(after["height"], abs=1)
    assert before["width"] / before["height"] == pytest.approx(600 / 400, rel=0.02)
    assert after["width"] / after["height"] == pytest.approx(width / height, rel=0.02)
    assert after["x"] > before["x"] + before["width"]
    expect(page.locator("#frame")).to_be_hidden()
    page.get_by_role("button", name="Before / after").click()
    expect(page.locator("#frame")).to_be_visible()


def test_zoom_enlarges_the_photo_and_scrolls_in_its_well(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    fit = page.locator("#stage").bounding_box()["width"]
    well = page.locator("#well").bounding_box()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#zoom-fit")).to_have_text("200 %")
    assert page.locator("#stage").bounding_box()["width"] == pytest.approx(2 * fit, rel=0.01)
    assert page.locator("#well").bounding_box()["height"] <= well["height"] + 2
    middle = page.evaluate("[document.querySelector('#well').scrollLeft, document.querySelector('#well').scrollTop]")
    assert min(middle) > 0  # what was in the middle still is
    page.mouse.move(well["x"] + 100, well["y"] + 100)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(page.locator("#zoom-fit")).not_to_have_text("200 %")
    page.locator("#zoom-fit").click()
    expect(page.locator("#zoom-fit")).to_have_text("100 %")
    expect(page.get_by_role("button", name="Zoom out")).to_be_disabled()


def test_thirds_can_be_taken_away(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    thirds = page.get_by_role("button", name="Thirds")
    expect(page.locator("#lines")).not_to_have_attribute("hidden", "")
    thirds.press("Enter")
    expect(page.locator("#lines")).to_have_attribute("hidden", "")
    expect(thirds).to_have_attribute("aria-pressed", "false")


def test_sample_photo_shows_what_the_page_does(open_page):
    page = open_page()
    page.get_by_role("button", name="Try it with a sample photo").click()
    expect(page.locator("#verdict")).to_be_visible()
    expect(page.locator("#photo-name")).to_have_text("sample.jpg")
