"""The frame that one draws oneself: by mouse and keyboard, at a given ratio, and what the service says of it."""

import re
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

PATTERN = re.compile(r"Crop frame, (\d+) × (\d+) px, (\d+) from the left, (\d+) from the top")
COFFEE = (600, 400)


def frame_box(page: Page) -> SimpleNamespace:
    """The frame as screen readers are told it, in pixels of the photo."""
    label = page.locator("#frame").get_attribute("aria-label")
    return SimpleNamespace(
        **dict(zip(("width", "height", "x", "y"), map(int, PATTERN.match(label).groups()), strict=True))
    )


def drag(page: Page, part: str, across: float, down: float) -> None:
    """Take the middle of `part` and carry it `across` and `down` pixels of the photo."""
    area, stage = page.locator(part).bounding_box(), page.locator("#stage").bounding_box()
    scale = stage["width"] / COFFEE[0]
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + across * scale / 2, y + down * scale / 2)
    page.mouse.move(x + across * scale, y + down * scale)
    page.mouse.up()


@pytest.fixture
def page(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    return page


def at_ratio(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_dragged_frame_keeps_its_size_and_becomes_a_card_with_a_score_of_its_own(page):
    at_ratio(page, "1:1")
    before = frame_box(page)
    with page.expect_response("**/score?*") as answered:
        drag(page, "#frame", -600, -400)  # further than there is room
    after = frame_box(page)
    assert (after.x, after.y, after.width, after.height) == (0, 0, before.width, before.height)
    expect(page.locator("#crops .crop").last).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#crops .crop").last).to_contain_text("Your frame")
    expect(page.locator("#verdict")).to_have_text("Your own 1:1 frame")
    expect(page.locator("#verdict-detail")).to_contain_text("would prefer it to a plain crop of the centre")
    assert answered.value.ok
    expect(page.locator("#fact-score")).to_have_text(re.compile(r"^-?\d+\.\d\d$"))


def test_score_is_that_of_the_frame_where_it_was_let_go_at_the_ratio_on_show(page):
    at_ratio(page, "4:5")
    answers = []
    page.on("response", lambda answer: answers.append(answer) if "/score?" in answer.url else None)
    drag(page, "#frame", 60, 0)
    page.locator("#frame").press("ArrowUp")
    box = frame_box(page)
    shown = page.locator("#fact-score")

    def is_told():
        if not answers:
            return False
        query = parse_qs(urlsplit(answers[-1].url).query)
        asked = [float(number) for number in query["box"][0].split(",")]
        wanted = [box.x / 600, box.y / 400, box.width / 600, box.height / 400]
        return query["aspect_ratio"] == ["4:5"] and asked == pytest.approx(wanted, abs=2e-6)

    for _ in range(100):
        if is_told():
            break
        page.wait_for_timeout(50)
    assert is_told()
    score = answers[-1].json()["boxes"][0]["score"]
    expect(shown).to_have_text(f"{score:.2f}")


@pytest.mark.parametrize(("name", "ratio"), [("Free", None), ("1:1", 1.0), ("9:16", 9 / 16), ("16:9", 16 / 9)])
def test_every_handle_resizes_within_the_photo_and_holds_the_ratio(page, name, ratio):
    at_ratio(page, name)
    page.locator("#frame").focus()
    for _ in range(25):
        page.keyboard.press("-")  # room to all sides
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    for handle in ("nw", "n", "ne", "e", "se", "s", "sw", "w"):
        before = frame_box(page)
        out = {"n": (0, -15), "s": (0, 15), "w": (-15, 0), "e": (15, 0)}
        across, down = (sum(out[side][axis] for side in handle) for axis in (0, 1))
        drag(page, f"#frame .handle-{handle}", across, down)
        after = frame_box(page)
        assert after.width * after.height > before.width * before.height, handle
        assert after.x >= 0
        assert after.y >= 0
        assert after.x + after.width <= 600
        assert after.y + after.height <= 400
        if ratio:
            assert abs(after.width - after.height * ratio) <= max(1, ratio)
        fixed = {"n": after.y + after.height - before.y - before.height, "s": after.y - before.y,
                 "w": after.x + after.width - before.x - before.width, "e": after.x - before.x}  # fmt: skip
        assert all(abs(fixed[side]) <= 1 for side in handle), handle  # what lies opposite stays


def test_frame_is_moved_and_resized_by_keyboard_alone(page):
    at_ratio(page, "4:3")
    frame = page.locator("#frame")
    frame.focus()
    for _ in range(10):
        page.keyboard.press("-")
    start = frame_box(page)
    page.keyboard.press("ArrowLeft")
    moved = frame_box(page)
    assert (start.x - moved.x, moved.y, moved.width) == (6, start.y, start.width)
    page.keyboard.press("Shift+ArrowRight")
    assert frame_box(page).x == moved.x + 1
    page.keyboard.press("+")
    assert frame_box(page).width > moved.width
    small = frame_box(page)
    page.locator("#frame .handle-se").press("ArrowRight")
    grown = frame_box(page)
    assert grown.width > small.width
    assert grown.height > small.height
    assert abs(grown.width - grown.height * 4 / 3) <= 2
    for _ in range(120):
        page.keyboard.press("ArrowLeft")  # the corner's: it cannot be turned inside out
    assert frame_box(page).width >= 24
    expect(frame).to_have_attribute("role", "group")


def test_one_frame_a_ratio_is_kept_while_looking_at_others(page):
    at_ratio(page, "1:1")
    drag(page, "#frame", -600, -400)
    own = frame_box(page)
    at_ratio(page, "4:5")
    expect(page.locator("#crops .crop")).to_have_count(6)
    page.locator("#crops .crop").nth(1).click()
    at_ratio(page, "1:1")
    assert frame_box(page) == own
    page.locator("#crops .crop").first.click()
    expect(page.locator("#verdict")).to_have_text("The best crop at 1:1")
    page.locator("#crops .crop").last.click()
    assert frame_box(page) == own
    page.get_by_role("button", name="Remove your frame").click()
    expect(page.locator("#crops .crop")).to_have_count(6)
    expect(page.locator("#crops .crop").first).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#crops .crop").first).to_be_focused()


def test_frame_is_drawn_by_finger_without_the_page_scrolling(open_page, photos, choose):
    page = open_page(viewport={"width": 360, "height": 640}, has_touch=True)
    choose(page, photos.coffee)
    at_ratio(page, "1:1")
    before, area = frame_box(page), page.locator("#frame").bounding_box()
    x, y = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    client = page.context.new_cdp_session(page)
    for kind, points in (
        ("touchStart", [(x, y)]),
        ("touchMove", [(x - 40, y - 60)]),
        ("touchMove", [(x - 80, y - 120)]),
        ("touchEnd", []),
    ):
        touches = [{"x": across, "y": down} for across, down in points]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    expect(page.locator("#verdict")).to_have_text("Your own 1:1 frame")
    after = frame_box(page)
    assert after.x < before.x
    assert (after.width, after.height) == (before.width, before.height)
    assert page.evaluate("scrollY") == 0


def test_while_one_draws_one_request_is_under_way_and_the_newest_frame_is_next(page):
    at_ratio(page, "1:1")
    held = []
    page.route("**/score?*", lambda route: held.append(route))
    page.locator("#frame").focus()
    for _ in range(8):
        page.keyboard.press("ArrowLeft")
    last = frame_box(page)
    for _ in range(20):
        page.wait_for_timeout(20)
    assert len(held) == 1
    held[0].fulfill(json={"boxes": [{"score": 1.5, "preferred_to_whole": 0.9, "preferred_to_centre": 0.8}]})
    expect(page.locator("#fact-score")).to_have_text("1.50")
    for _ in range(20):
        page.wait_for_timeout(20)
    assert len(held) == 2
    asked = parse_qs(urlsplit(held[1].request.url).query)["box"][0].split(",")
    assert float(asked[0]) == pytest.approx(last.x / 600, abs=1e-5)
    held[1].fulfill(json={"boxes": [{"score": 2.5, "preferred_to_whole": 0.2, "preferred_to_centre": 0.3}]})
    expect(page.locator("#fact-score")).to_have_text("2.50")
    expect(page.locator("#crops .crop").last).to_contain_text("3 of 10")


@pytest.mark.parametrize(("status", "asks_again"), [(404, False), (429, True), (503, True)])
def test_frame_without_a_score_is_shown_without_one(page, status, asks_again):
    asked = []

    def refuse(route):
        asked.append(route.request.url)
        route.fulfill(status=status, json={"error": {"code": "x", "message": "x"}})

    page.route("**/score?*", refuse)
    drag(page, "#frame .handle-se", -100, -100)
    expect(page.locator("#verdict")).to_have_text("Your own frame")
    expect(page.locator("#verdict-detail")).to_be_hidden()
    expect(page.locator("#fact-score")).to_have_text("not known")
    before = len(asked)
    assert before >= 1
    page.locator("#frame").press("ArrowLeft")
    page.locator("#frame").press("ArrowUp")
    page.wait_for_timeout(300)
    assert (len(asked) > before) is asks_again
