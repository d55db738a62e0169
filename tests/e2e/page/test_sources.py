"""How photos come in besides the file dialogue: dropped as files, folders and addresses, pasted, the sample."""

import shutil

import pytest
from playwright.sync_api import Page, expect


@pytest.fixture
def drop():
    """Drops paths or an address on the page as the browser's own drag does, which script-made events cannot."""

    def drop(
        page: Page, *, paths=(), url: str | None = None, only: tuple[str, ...] = ("dragEnter", "dragOver", "drop")
    ):
        items = [{"mimeType": "text/uri-list", "data": url}] if url else []
        data = {"items": items, "files": [str(path) for path in paths], "dragOperationsMask": 1}
        client = page.context.new_cdp_session(page)
        for kind in only:
            client.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 300, "data": data})
        client.detach()

    return drop


def names(page: Page) -> list[str]:
    """The photos of the grid, in order."""
    return page.locator("#grid .grid-name").all_text_contents()


def test_dropped_photos_are_cropped_and_a_broken_one_fails_alone(open_page, photos, drop, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(photos.coffee.read_bytes()[:3000])
    page = open_page()
    drop(page, only=("dragEnter",), paths=[photos.coffee])
    expect(page.locator("#drop-veil")).to_be_visible()
    drop(page, paths=[photos.coffee, broken, photos.no_photo, photos.rocket])
    expect(page.locator("#drop-veil")).to_be_hidden()
    expect(page.locator("#grid li[data-state=done]")).to_have_count(2)
    expect(page.locator("#grid li[data-state=failed]")).to_have_count(2)
    assert names(page) == ["coffee.jpg", "broken.jpg", "README.md", "rocket.jpg"]
    expect(page.locator("#progress-text")).to_have_text("4 photos, 2 failed")
    expect(page.get_by_role("button", name="Retry all that failed")).to_be_hidden()  # it would not help
    for name, title in (
        ("broken.jpg", "This photo is damaged"),
        ("README.md", "This is not a photo that can be read"),
    ):
        page.get_by_role("button", name=f"{name}, failed").click()
        expect(page.locator("#problem-title")).to_have_text(title)
        expect(page.get_by_role("button", name="Try again")).to_be_hidden()


@pytest.fixture
def folder(photos, tmp_path):
    """Two photos, one of them deeper down, beside files that are none."""
    top = tmp_path / "trip"
    (top / "day 2").mkdir(parents=True)
    shutil.copy(photos.coffee, top / "a.jpg")
    shutil.copy(photos.rocket, top / "day 2" / "b.jpg")
    (top / "notes.txt").write_text("no photo")
    (top / ".hidden.jpg").write_bytes(b"no photo either")
    return top


def test_dropped_folder_gives_its_photos_and_nothing_else(open_page, drop, folder):
    page = open_page()
    drop(page, paths=[folder])
    expect(page.locator("#grid li[data-state=done]")).to_have_count(2)
    assert names(page) == ["a.jpg", "b.jpg"]


def test_chosen_folder_gives_its_photos_and_nothing_else(open_page, folder):
    page = open_page()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    expect(page.locator("#grid li[data-state=done]")).to_have_count(2)
    assert sorted(names(page)) == ["a.jpg", "b.jpg"]


def test_folder_without_photos_is_told(open_page, drop, tmp_path):
    (tmp_path / "notes.txt").write_text("no photo")
    page = open_page()
    drop(page, paths=[tmp_path])
    expect(page.get_by_role("status")).to_contain_text("neither a photo, nor a folder with photos")
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()


def test_dropped_address_of_this_server_is_taken(open_page, drop, page_server):
    page = open_page()
    drop(page, url=page_server.url("/static/sample.jpg"))
    expect(page.locator("#facts")).to_be_visible()
    expect(page.locator("#photo-name")).to_have_text("sample.jpg")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (
            None,
            None,
            "This service does not fetch photos from photos.example",
        ),  # the server at hand has another source
        (405, "not_allowed", "This service does not fetch photos from photos.example"),  # one that fetches nothing
        (403, "bad_signature", "This service does not fetch photos from photos.example"),
        (403, "source_not_allowed", "This service does not fetch photos from photos.example"),
        (404, "source_missing", "There is no photo at that address"),
        (502, "source_failed", "photos.example did not give the photo"),
        (415, "unsupported", "This is not a photo that can be read"),
        (429, "overloaded", "The service is busy"),
    ],
)
def test_address_that_gives_no_photo_is_told_and_the_browser_does_not_go_there(open_page, drop, status, code, words):
    page = open_page()  # its own check: no other host was asked for anything
    if status:
        body = {"error": {"code": code, "message": "x"}}
        page.route("**/crop?url=*", lambda route: route.fulfill(status=status, json=body))
    drop(page, url="https://photos.example/a.jpg")
    expect(page.get_by_role("status")).to_contain_text(words)
    expect(page.get_by_role("button", name="Choose photos")).to_be_visible()


def test_dropped_address_elsewhere_is_fetched_by_the_service_alone(open_page, drop, photo_host):
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    drop(page, url=f"{photo_host.url}coffee.jpg?size=large")
    expect(page.locator("#facts")).to_be_visible()
    expect(page.locator("#photo-name")).to_have_text("coffee.jpg")
    expect(page.locator("#fact-from")).to_have_text("600 × 400 px")  # all of it
    assert not any(url.startswith(photo_host.url) for url in asked)
    assert {path for _, path in photo_host.asked} == {"/coffee.jpg?size=large"}
    assert not any("Chrome" in program for program, _ in photo_host.asked)


def test_pasted_picture_and_pasted_address_are_taken_and_text_in_a_field_is_not(
    open_page, photos, encoded, page_server
):
    page = open_page()
    paste = """([files, text, target]) => {
        const data = new DataTransfer();
        for (const [name, bytes] of files) {
            const content = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
            data.items.add(new File([content], name, {type: "image/jpeg"}));
        }
        if (text) data.setData("text/plain", text);
        const event = new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
        (target ? document.querySelector(target) : document.body).dispatchEvent(event);
    }"""
    page.evaluate(paste, [[encoded(photos.coffee)], None, None])
    expect(page.locator("#facts")).to_be_visible()
    address = page_server.url("/static/sample.jpg")
    page.evaluate(paste, [[], address, "#ratio"])
    page.evaluate(paste, [[], "some words", None])
    expect(page.locator("#photo-name")).to_have_text("coffee.jpg")
    page.evaluate(paste, [[], address, None])
    expect(page.locator("#photo-name")).to_have_text("sample.jpg")
    expect(page.locator("#strip li")).to_have_count(2)
