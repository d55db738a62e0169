"""What the page says of crops: people out of ten, and honestly where cropping gains nothing."""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("ratio", "shares", "title", "detail"),
    [
        ("Free", (0.82, 0.7), "Better than the whole photo", "Of 10 people, 8 would prefer this crop to the whole"),
        ("Free", (0.51, 0.7), "About as good as the whole photo", "Of 10 people, 5 would prefer this crop"),
        ("Free", (0.31, 0.7), "Leave it as it is", "Cropping gains nothing here"),
        ("Original", (0.31, 0.7), "Leave it as it is", "Cropping gains nothing here"),
        ("1:1", (0.31, 0.7), "The best crop at 1:1", "Of 10 people, 7 would prefer it to a plain crop of the centre"),
        ("1:1", (0.97, 1.0), "The best crop at 1:1", "Nearly everyone would prefer it to a plain crop of the centre"),
    ],
)  # fmt: skip
def test_verdict_counts_people(open_page, photos, choose, answer_with, ratio, shares, title, detail):
    def prefer(answer):
        for crop in answer["crops"]:
            crop.update(preferred_to_whole=shares[0], preferred_to_centre=shares[1])

    page = open_page()
    answer_with(page, prefer)
    choose(page, photos.coffee)
    page.get_by_role("button", name=ratio, exact=True).click()
    expect(page.locator("#verdict")).to_have_text(title)
    expect(page.locator("#verdict-detail")).to_contain_text(detail)
    expect(page.locator("#crops")).not_to_contain_text("2.")  # no bare scores


@pytest.mark.parametrize(("whole", "ratio", "title", "first"), [
    (99.0, "Free", "Leave it as it is", "Whole photo"),
    (99.0, "1:1", "The best crop at 1:1", "1"),
    (-99.0, "Free", "Better than the whole photo", "1"),
    (-99.0, "1:1", "The best crop at 1:1", "1"),
])  # fmt: skip
def test_service_that_counts_no_people_is_put_in_words_all_the_same(
    open_page, photos, choose, answer_with, whole, ratio, title, first
):
    def score(answer):
        answer["whole_image"]["score"] = whole
        for crop in answer["crops"]:
            crop.pop("preferred_to_whole", None)
            crop.pop("preferred_to_centre", None)

    page = open_page()
    answer_with(page, score)
    choose(page, photos.coffee)
    page.get_by_role("button", name=ratio, exact=True).click()
    expect(page.locator("#verdict")).to_have_text(title)
    expect(page.locator("#crops .crop").first.locator("b")).to_have_text(first)
    assert "99" not in page.locator("#one-facts").inner_text() + page.locator("#crops").inner_text()


@pytest.mark.parametrize("name", ["Free", "Original"])
def test_whole_photo_that_the_service_ranks_first_is_one_card_that_says_so(
    open_page, photos, choose, answer_with, name
):
    def rank_whole_first(answer):
        for crop in answer["crops"]:
            if crop["aspect_ratio"] in ("free", "600:400") and crop["rank"] == 1:
                crop.update(
                    box={"x": 0, "y": 0, "width": 600, "height": 400},
                    box_normalized={"x": 0, "y": 0, "width": 1, "height": 1},
                    preferred_to_whole=0.5, preferred_to_centre=0.5,
                )  # fmt: skip
            else:
                crop.update(preferred_to_whole=0.4)

    page = open_page()
    answer_with(page, rank_whole_first)
    choose(page, photos.coffee)
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.locator("#verdict")).to_have_text("Leave it as it is")
    expect(page.locator("#crops .crop").first.locator("b")).to_have_text("Whole photo")
    expect(page.locator("#crops b", has_text="Whole photo")).to_have_count(1)
    page.locator("#crops .crop").nth(1).click()
    expect(page.locator("#verdict")).to_have_text("The whole photo is better")
