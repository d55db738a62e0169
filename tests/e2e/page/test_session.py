"""What a reload keeps, what is forgotten, and that the page warns where nothing can be kept."""

import pytest
from playwright.sync_api import Page, expect

STORED = """async () => {
    const request = indexedDB.open("vrn-cropper", 1);
    const database = await new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
    const keys = database.transaction("files").objectStore("files").getAllKeys();
    const count = await new Promise((resolve) => { keys.onsuccess = () => resolve(keys.result.length); });
    database.close();
    return count;
}"""


def posts(page: Page) -> list[str]:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


def settled(page: Page) -> None:
    """Everything is stored: the page would let one leave."""
    page.wait_for_function("() => dispatchEvent(new Event('beforeunload', { cancelable: true }))")


def test_reload_brings_back_photos_picks_frames_boxes_and_view_without_an_upload(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee, photos.rocket)
    page.get_by_role("button", name="rocket.jpg, cropped").click()
    page.get_by_role("button", name="1:1", exact=True).click()
    page.locator("#crops .crop").nth(2).click()
    page.get_by_role("button", name="4:5", exact=True).click()
    page.locator("#frame").press("ArrowLeft")
    expect(page.locator("#crops .crop").last).to_contain_text("Your frame")
    own = page.locator("#frame").get_attribute("aria-label")
    expect(page.locator("#verdict-detail")).to_contain_text("would prefer it")
    settled(page)
    sent = posts(page)
    page.reload()
    expect(page.locator("#photo-name")).to_have_text("rocket.jpg")
    expect(page.locator('.chip[data-ratio="4:5"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#frame")).to_have_attribute("aria-label", own)
    expect(page.locator("#verdict-detail")).to_contain_text("would prefer it")
    page.get_by_role("button", name="1:1", exact=True).click()
    expect(page.locator("#crops .crop").nth(2)).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#strip li")).to_have_count(2)
    expect(page.locator("#strip canvas")).to_have_count(2)
    assert sent == []
    page.get_by_role("button", name="Add a box to keep").press("Enter")
    expect(page.locator("#crops .crop").first).to_be_visible()
    settled(page)
    page.reload()
    expect(page.locator(".keep")).to_have_count(1)


def test_photo_that_was_under_way_is_sent_again_after_a_reload(open_page, photos, choose):
    page = open_page()
    page.route("**/crop?*", lambda route: None)  # never answered
    choose(page, photos.coffee, wait=False)
    expect(page.locator("#busy-text")).to_be_visible()
    settled(page)
    page.unroute("**/crop?*")
    page.reload()
    expect(page.locator("#facts")).to_be_visible()


def test_photo_that_comes_before_the_store_is_open_is_neither_doubled_nor_lost(open_page, photos, choose):
    def hold_store(page):
        page.add_init_script("""
            const query = LockManager.prototype.query;
            LockManager.prototype.query = async function () {
                await new Promise((resolve) => { window.openStore = resolve; });
                return query.call(this);
            };
        """)

    page = open_page(before=hold_store)
    choose(page, photos.coffee)
    page.evaluate("window.openStore()")
    settled(page)
    expect(page.locator("#strip li")).to_have_count(1)
    page.reload()
    page.wait_for_function("() => window.openStore")
    page.evaluate("window.openStore()")
    expect(page.locator("#photo-name")).to_have_text("coffee.jpg")
    expect(page.locator("#strip li")).to_have_count(1)


def test_tabs_do_not_see_each_others_photos_and_a_closed_one_is_forgotten(open_page, photos, choose):
    page = open_page()
    choose(page, photos.coffee)
    settled(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="Choose photos")).to_be_visible()
    assert other.evaluate(STORED) == 1
    page.close()
    other.reload()
    expect(other.get_by_role("button", name="Choose photos")).to_be_visible()
    for _ in range(50):
        if other.evaluate(STORED) == 0:
            break
        other.wait_for_timeout(100)
    assert other.evaluate(STORED) == 0


@pytest.mark.parametrize("can_store", [True, False], ids=["kept", "storage forbidden"])
def test_page_warns_before_photos_are_lost_and_only_then(open_page, photos, choose, can_store):
    def forbid(page):
        if not can_store:
            page.add_init_script(
                "IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); }"
            )

    page = open_page(before=forbid)
    choose(page, photos.coffee)
    page.get_by_role(
        "button", name="1:1", exact=True
    ).click()  # browsers warn only where somebody has pressed something
    if can_store:
        settled(page)
    asked = []

    def answer(dialog):
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    page.reload()
    expect(page.locator("#facts" if can_store else "#start")).to_be_visible()
    assert asked == ([] if can_store else ["beforeunload"])
