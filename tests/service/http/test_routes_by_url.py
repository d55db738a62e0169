"""`GET /crop` and `GET /crop/image`: what is answered, what caches may keep, and who may ask."""

import asyncio
import contextlib
import re
from io import BytesIO
from urllib.parse import parse_qsl, urlsplit

import pytest
from PIL import Image

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.sources.signatures import UrlSignatures

LOOPBACK = "127.0.0.0/8"
KEY, API_KEY = "url-key-0123456789abcdef", "api-key-0123456789"


@contextlib.asynccontextmanager
async def source_of(photo):
    """A source on loopback that has one photo, `/photo.png`; its origin."""

    async def answer(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError):
            path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
            status, body = (b"200 OK", photo) if path == b"/photo.png" else (b"404 Not Found", b"")
            writer.write(
                b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body)) + body
            )
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.fixture
def by_url(serving, photo_bytes):
    """An async context: a client of a service with one source, and the photo's URL. Settings by keyword."""

    @contextlib.asynccontextmanager
    async def start(photo=None, **settings):
        async with source_of(photo or photo_bytes(600, 400, "PNG")) as origin:
            given = {"sources": origin, "source_networks": LOOPBACK} | settings
            async with serving(**given) as (client, process):
                try:
                    yield client, f"{origin}/photo.png"
                finally:
                    if process.fetcher is not None:
                        await process.fetcher.close()

    return start


def signed(path, pairs):
    return [*pairs, ("signature", UrlSignatures([KEY]).sign(path, pairs))]


async def test_a_photo_by_its_url_gets_what_its_upload_gets(by_url, photo_bytes):
    photo = photo_bytes(600, 400, "PNG")
    options = {"aspect_ratio": "1:1", "top_k": 2}
    async with by_url(photo) as (client, url):
        by_upload = (await client.post("/crop", params=options, content=photo)).json()
        answer = await client.get("/crop", params={"url": url, **options})
    told = answer.json()
    assert answer.status_code == 200
    assert told.pop("srcsets") == []
    assert {**told, "request_id": ""} == {**by_upload, "request_id": ""}


async def test_a_picture_by_url_says_how_long_it_keeps_and_is_not_sent_twice(by_url):
    async with by_url(url_max_age_s=60) as (client, url):
        query = {"url": url, "width": 100, "aspect_ratio": "1:1"}
        first = await client.get("/crop/image", params=query)
        again = await client.get("/crop/image", params=query, headers={"If-None-Match": first.headers["etag"]})
        reordered = await client.get("/crop/image", params=dict(reversed(query.items())))
        other = await client.get("/crop/image", params={**query, "width": 101})
    assert first.headers["cache-control"] == "public, max-age=60"
    assert first.headers["vary"] == "Accept"
    with Image.open(BytesIO(first.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (100, 100))
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert reordered.headers["etag"] == first.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("image/avif,image/webp,*/*;q=0.8", "image/avif"),
        ("image/webp,*/*", "image/webp"),
        ("image/avif;q=0,image/webp;q=0.5", "image/webp"),
        ("*/*", "image/png"),
        ("image/*", "image/png"),
        ("", "image/png"),
    ],
)
async def test_the_format_is_the_best_that_the_browser_names(by_url, accept, media_type):
    async with by_url() as (client, url):
        answer = await client.get("/crop/image", params={"url": url, "width": 50}, headers={"Accept": accept})
        fixed = await client.get(
            "/crop/image", params={"url": url, "width": 50, "format": "jpeg"}, headers={"Accept": accept}
        )
    assert answer.headers["content-type"] == media_type
    assert fixed.headers["content-type"] == "image/jpeg"
    assert "vary" not in fixed.headers


async def test_a_srcset_names_pictures_that_are_there(by_url):
    async with by_url(url_keys=KEY) as (client, url):
        pairs = signed("/crop", [("url", url), ("aspect_ratio", "1:1"), ("top_k", "2"), ("widths", "50,100")])
        told = (await client.get("/crop", params=pairs)).json()
        assert [crop["rank"] for crop in told["crops"]] == [1, 2]
        assert len(told["srcsets"]) == 2
        for crop, srcset in zip(told["crops"], told["srcsets"], strict=True):
            for entry, width in zip(srcset.split(", "), (50, 100), strict=True):
                target, descriptor = entry.split()
                picture = await client.get(target)
                assert picture.status_code == 200
                assert picture.headers["x-crop-box"] == ",".join(
                    str(crop["box"][side]) for side in ("x", "y", "width", "height")
                )
                with Image.open(BytesIO(picture.content)) as opened:
                    assert opened.width == width
                assert descriptor == f"{width}w"


async def test_a_preset_stands_for_its_options_and_the_urls_own_win(by_url):
    async with by_url(presets="card: aspect_ratio=2:1&width=80") as (client, url):
        picture = await client.get("/crop/image", params={"url": url, "preset": "card"})
        wider = await client.get("/crop/image", params={"url": url, "preset": "card", "width": 120})
        boxes = await client.get("/crop", params={"url": url, "preset": "card"})
        unknown = await client.get("/crop", params={"url": url, "preset": "crad"})
    sizes = [Image.open(BytesIO(answer.content)).size for answer in (picture, wider)]
    assert sizes == [(80, 40), (120, 60)]
    assert {crop["aspect_ratio"] for crop in boxes.json()["crops"]} == {"2:1"}
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "bad_request"),
        ({"url": ""}, 400, "bad_request"),
        ({"url": "ftp://127.0.0.1/photo.png"}, 400, "bad_request"),
        ({"url": "http://127.0.0.1:1/photo.png"}, 403, "source_not_allowed"),
        ({"url": "https://example.com/photo.png"}, 403, "source_not_allowed"),
        ({"url": "ORIGIN/none.png"}, 404, "source_missing"),
        ({"url": "ORIGIN/photo.png", "widths": "0"}, 400, "bad_request"),
        ({"url": "ORIGIN/photo.png", "widths": "a,b"}, 400, "bad_request"),
        ({"url": "ORIGIN/photo.png", "ratio": "1:1"}, 400, "bad_request"),
    ],
)
async def test_what_cannot_be_answered_is_refused_in_words(by_url, query, status, code):
    async with by_url() as (client, url):
        origin = url.removesuffix("/photo.png")
        answer = await client.get("/crop", params={k: v.replace("ORIGIN", origin) for k, v in query.items()})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "cache-control" not in answer.headers or "public" not in answer.headers["cache-control"]


async def test_a_file_that_is_no_photo_is_told_as_for_an_upload(by_url):
    async with by_url(b"this is text" * 10) as (client, url):
        answer = await client.get("/crop", params={"url": url})
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported")


async def test_private_sources_need_their_network_named(by_url):
    async with by_url(source_networks="") as (client, url):
        answer = await client.get("/crop", params={"url": url})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "source_not_allowed")


async def test_without_sources_there_is_no_such_route(serving):
    async with serving() as (client, _):
        for path in ("/crop", "/crop/image"):
            answer = await client.get(path, params={"url": "https://example.com/a.jpg"})
            assert answer.status_code == 405
        assert "get" not in (await client.get("/openapi.json")).json()["paths"]["/crop"]


async def test_a_signature_is_asked_for_where_keys_are_set_and_stands_for_an_api_key(by_url):
    async with by_url(url_keys=KEY, api_keys=API_KEY) as (client, url):
        pairs = [("url", url), ("width", "50")]
        good = await client.get("/crop/image", params=signed("/crop/image", pairs))
        assert good.status_code == 200
        for wrong in (
            pairs,
            signed("/crop", pairs),
            [*signed("/crop/image", pairs), ("height", "50")],
            signed("/crop/image", [*pairs, ("expires", "1000")]),
        ):
            answer = await client.get("/crop/image", params=wrong)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "bad_signature")
        assert (await client.post("/crop", content=b"x")).status_code == 401


async def test_without_url_keys_an_api_key_is_asked_for_as_everywhere(by_url):
    async with by_url(api_keys=API_KEY) as (client, url):
        assert (await client.get("/crop", params={"url": url})).status_code == 401
        answer = await client.get("/crop", params={"url": url}, headers={"X-API-Key": API_KEY})
        assert answer.status_code == 200


async def test_the_document_tells_both_routes(by_url):
    async with by_url() as (client, _):
        paths = (await client.get("/openapi.json")).json()["paths"]
    for path, operation in (("/crop", "crop_url"), ("/crop/image", "crop_image_url")):
        told = paths[path]["get"]
        assert told["operationId"] == operation
        assert {p["name"] for p in told["parameters"] if p.get("required")} == {"url"}
        assert {"403", "404", "502"} <= told["responses"].keys()


async def test_wrong_settings_stop_the_start(serving):
    for wrong in ({"sources": "example.com"}, {"sources": "https://*"}, {"presets": "card: nothing=1"}):
        with pytest.raises(StartUpError):
            async with serving(**wrong):
                pass


def test_the_signing_recipe_of_the_documentation_makes_valid_urls():
    from pathlib import Path

    text = (Path(__file__).parents[3] / "docs" / "by-url.md").read_text("utf-8")
    (recipe,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names: dict = {}
    exec(recipe, names)
    target = names["signed_url"]("/crop/image", {"url": "https://a.example/b c.jpg", "width": 640}, KEY)
    pairs = parse_qsl(urlsplit(target).query)
    UrlSignatures([KEY]).check("/crop/image", pairs, now_s=0)
