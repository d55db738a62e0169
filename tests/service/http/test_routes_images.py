"""`POST /crop/images`: several ratios and widths from one upload and one scoring, as ZIP or multipart."""

import io
import json
import zipfile
from email.parser import BytesParser

import pytest
from PIL import Image

OPTIONS = {"aspect_ratio": ["16:9", "1:1", "free"], "widths": "60,120", "format": "webp"}


def unzipped(answer):
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def parts(answer):
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + answer.content)
    return {part.get_filename(): part.get_payload(decode=True) for part in message.get_payload()}


@pytest.mark.asyncio
async def test_one_upload_and_one_scoring_give_each_ratio_in_each_width(serving, photo_bytes):
    photo = photo_bytes(600, 400, "JPEG")
    async with serving() as (client, process):
        answer = await client.post("/crop/images", params=OPTIONS, content=photo)
        boxes = await client.post(
            "/crop", params={"top_k": 1, "aspect_ratio": OPTIONS["aspect_ratio"]}, content=photo
        )
        metrics = (await client.get("/metrics")).text
    files = unzipped(answer)
    told = json.loads(files.pop("crops.json"))
    assert list(files) == [picture["name"] for picture in told["pictures"]]
    assert [(p["aspect_ratio"], p["rank"], p["width"]) for p in told["pictures"]] == [
        ("16:9", 1, 60), ("16:9", 1, 120), ("1:1", 1, 60), ("1:1", 1, 120), ("free", 1, 60), ("free", 1, 120),
    ]  # fmt: skip
    assert [crop["box"] for crop in told["crops"]] == [crop["box"] for crop in boxes.json()["crops"]]
    for picture in told["pictures"]:
        with Image.open(io.BytesIO(files[picture["name"]])) as image:
            assert (image.format, *image.size) == ("WEBP", picture["width"], picture["height"])
    assert process.core.runner.engine.batches == [1, 1]  # one for each request
    assert 'vrn_requests_total{outcome="ok",route="/crop/images"} 1.0' in metrics


@pytest.mark.asyncio
async def test_multipart_holds_the_same_files(serving, photo_bytes):
    photo = photo_bytes(600, 400, "JPEG")
    async with serving() as (client, _):
        archive = unzipped(await client.post("/crop/images", params=OPTIONS, content=photo))
        mixed = parts(
            await client.post("/crop/images", params=OPTIONS, content=photo, headers={"accept": "multipart/mixed"})
        )
    assert list(mixed) == list(archive)
    assert all(mixed[name] == archive[name] for name in archive if name != "crops.json")


@pytest.mark.asyncio
async def test_names_are_unique_and_safe_whatever_the_ratio_is_called(serving, photo_bytes):
    ratios = ["3:2", "3/2", " 3 : 2 ", "1.91:1", "Free"]
    async with serving() as (client, _):
        answer = await client.post(
            "/crop/images", params={"aspect_ratio": ratios, "top_k": 2}, content=photo_bytes(600, 400, "PNG")
        )
    names = [name for name in unzipped(answer) if name != "crops.json"]
    assert names[:2] == ["01-3x2-1.png", "02-3x2-2.png"]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and not set(name) & set(' :/\\"') for name in names)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ("?widths=0", 400, "widths are from 1"),
        ("?widths=a,b", 400, "widths are 1 to 20 numbers"),
        ("?width=100", 400, "did you mean widths?"),
        ("?top_k=50&widths=1,2,3", 422, "ask for 150 pictures; at most 100"),
        ("?upscale=true&widths=6000,6001,6002,6003,6004", 422, "one request cuts at most"),
    ],
)
async def test_too_many_or_misspelt_pictures_are_refused(serving, photo_bytes, query, status, says):
    async with serving() as (client, process):
        answer = await client.post(f"/crop/images{query}", content=photo_bytes(600, 400, "PNG"))
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]
    assert process.core.crops.held_pixels == 0
