"""What is sent of a photo, and that photo and boxes are those of the upright source whatever was sent."""

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

TURN = 0x0112  # EXIF orientation
SIDEWAYS = 6
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
)


@pytest.fixture(scope="module")
def large_photo(tmp_path_factory, photos):
    """A photo of six megapixels with the noise that makes a file large."""
    path = tmp_path_factory.mktemp("large") / "large.jpg"
    noise = np.random.default_rng(7).integers(0, 60, (2000, 3000, 3), dtype=np.uint8)
    with Image.open(photos.coffee) as source:
        pixels = np.asarray(source.resize((3000, 2000))) // 2 + noise
    Image.fromarray(pixels).save(path, quality=95)
    return path


def test_large_photo_is_sent_small_and_cut_large(open_page, choose, shown_size, large_photo):
    page = open_page()
    sizes = []
    page.on(
        "requestfinished",
        lambda request: sizes.append(request.sizes()["requestBodySize"]) if request.method == "POST" else None,
    )
    with page.expect_response("**/crop?*") as answered:
        choose(page, large_photo)
    seen = answered.value.json()["image"]
    assert (max(seen.values()), large_photo.stat().st_size > 2_000_000) == (1024, True)
    page.get_by_role("button", name="16:9", exact=True).click()
    width, height = shown_size(page)
    assert width > 1024
    assert abs(width - height * 16 / 9) <= 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Download crop").click()
    with Image.open(download.value.path()) as picture:
        assert picture.size == (width, height)
    assert len(sizes) == 1
    assert sizes[0] < 400_000


def test_upload_tells_how_far_it_is(open_page, choose, large_photo):
    page = open_page()
    client = page.context.new_cdp_session(page)
    client.send("Network.enable")
    slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 150_000}
    client.send("Network.emulateNetworkConditions", slow)
    choose(page, large_photo, wait=False)
    expect(page.locator("#busy-text")).to_have_text(re.compile(r"Sending, \d+ %"))
    client.send("Network.emulateNetworkConditions", {**slow, "uploadThroughput": -1})
    expect(page.locator("#facts")).to_be_visible()


def turned(photos, folder, kind):
    """coffee.jpg whose pixels lie on their side, with the word that turns them upright in a place that differs."""
    path = folder / f"{kind}.{'webp' if kind.startswith('webp') else 'png' if kind == 'png-exif' else 'jpg'}"
    with Image.open(photos.coffee) as source:
        lying = source.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[TURN] = SIDEWAYS
    if kind == "jpeg-xmp":
        lying.save(path, xmp=XMP.encode(), quality=90)
    elif kind == "webp-xmp":
        lying.save(path, xmp=XMP.encode())
    else:
        lying.save(path, exif=exif)
    return path


@pytest.mark.parametrize("kind", ["jpeg-exif", "jpeg-xmp", "webp-exif", "webp-xmp", "png-exif"])
def test_photo_and_boxes_are_those_of_the_services_upright_frame(
    open_page, photos, choose, shown_size, tmp_path, kind
):
    path = turned(photos, tmp_path, kind)
    with Image.open(photos.coffee) as upright:
        source = upright.convert("RGB")
    if kind.endswith("xmp"):  # nobody turns by that
        source = source.transpose(Image.Transpose.ROTATE_90)
    page = open_page()
    choose(page, path)
    expect(page.locator("#fact-from")).to_have_text(f"{source.width} × {source.height} px")
    expect(page.locator("#photo")).to_be_visible()
    stage = page.locator("#photo").bounding_box()
    assert stage["width"] / stage["height"] == pytest.approx(source.width / source.height, rel=0.01)
    page.get_by_role("button", name="Original", exact=True).click()
    page.get_by_role("button", name="Whole photo").click()
    assert shown_size(page) == source.size
    page.locator("#save-format").select_option("png")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download crop").click()
    with Image.open(download.value.path()) as picture:
        here, there = (np.asarray(each.convert("RGB").resize((6, 4)), dtype=int) for each in (picture, source))
    assert np.abs(here - there).max() < 25  # the same photo the same way up; another way up differs by 100 and more


@pytest.mark.parametrize("suffix", ["tif", "heic"])
def test_photo_that_the_browser_cannot_decode_is_shown_and_cut_through_the_service(
    open_page, photos, choose, shown_size, tmp_path, suffix
):
    path = tmp_path / f"scan.{suffix}"
    with Image.open(photos.coffee) as source:
        if suffix == "heic":
            pytest.importorskip("pillow_heif").register_heif_opener()
        source.save(path)
    page = open_page()
    choose(page, path)
    expect(page.locator("#photo")).to_be_visible()
    expect(page.locator("#placeholder")).to_be_hidden()
    page.get_by_role("button", name="Original", exact=True).click()
    page.get_by_role("button", name="1:1", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download crop").click()
    assert download.value.suggested_filename == "scan-1x1-1.jpg"
    with Image.open(download.value.path()) as picture:
        assert picture.size == shown_size(page)
