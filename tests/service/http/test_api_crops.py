"""The crop routes beyond their core: every option, the cropped picture, batches; in process, around a fake engine
that scores a view by its left edge.
"""

import asyncio
from io import BytesIO

import pytest
from PIL import ExifTags, Image, ImageOps


async def run(serving, calls, **settings):
    """Answers of `calls(client)`, a list of coroutines made in order."""
    async with serving(**settings) as (client, process):
        answers = [await call for call in calls(client)]
        return answers, process


def pictures_of(answer):
    image = Image.open(BytesIO(answer.content))
    image.load()
    return image


async def test_every_option_reaches_the_crops_from_query_and_form(serving, photo_bytes):
    given = {
        "top_k": "3", "aspect_ratio": ["1:1", "free"], "max_overlap": "0.6", "min_scale": "0.6",
        "keep": ["0.4,0.4,0.1,0.1", "300,150,20,20"],
    }  # fmt: skip
    photo = photo_bytes(600, 400, "PNG")
    (query, form), _ = await run(
        serving,
        lambda client: [
            client.post("/crop", params=given, content=photo),
            client.post("/crop", data=given, files={"image": photo}),
        ],
    )
    assert query.status_code == 200
    assert query.json()["crops"] == form.json()["crops"]
    for crop in query.json()["crops"]:
        box = crop["box"]
        assert box["x"] <= 240
        assert box["y"] <= 150
        assert box["x"] + box["width"] >= 320
        assert box["y"] + box["height"] >= 200
        assert crop["area_share"] == pytest.approx(box["width"] * box["height"] / 240_000)
        focus = crop["focal_point"]
        percents = [float(part.rstrip("%")) / 100 for part in focus["object_position"].split()]
        assert percents == pytest.approx([focus["x"], focus["y"]])
    squares = [crop for crop in query.json()["crops"] if crop["aspect_ratio"] == "1:1"]
    assert squares
    assert all(crop["box"]["width"] == crop["box"]["height"] >= 239 for crop in squares)


async def test_answer_says_how_much_better_the_best_crop_is_than_the_whole_image(serving, photo_bytes):
    (answer,), _ = await run(
        serving, lambda client: [client.post("/crop?top_k=1", content=photo_bytes(600, 400, "PNG"))]
    )
    body = answer.json()
    assert body["whole_image"]["score"] == 0.0  # its left edge
    assert body["whole_image"]["best_crop_gain"] == pytest.approx(body["crops"][0]["score"])


@pytest.mark.parametrize(
    ("path", "status", "code", "says"),
    [
        ("/crop?max_overlap=2", 400, "bad_request", "max_overlap"),
        ("/crop?max_overlap=0.1&max_overlap=0.2", 400, "bad_request", "once"),
        ("/crop?keep=1,2,3", 400, "bad_request", "keep is x,y,width,height"),
        ("/crop?keep=0,0,601,10", 422, "impossible_crop", "outside the 600 x 400 photo"),
        ("/crop?keep=0,0,600,10&aspect_ratio=9:16", 422, "impossible_crop", "the largest in this"),
        ("/crop?min_scale=0", 400, "bad_request", "min_scale"),
        ("/crop/image?top_k=2", 400, "bad_request", "rank"),
        ("/crop/image?rank=0", 400, "bad_request", "rank"),
        ("/crop/image?rank=50&aspect_ratio=3:2&min_scale=1", 422, "impossible_crop", "only 1 such crops"),
        ("/crop/image?aspect_ratio=1:1&aspect_ratio=free", 400, "bad_request", "once"),
        ("/crop/image?width=0", 400, "bad_request", "width"),
        ("/crop/image?format=gif", 400, "bad_request", "jpeg, png, webp, avif"),
        ("/crop/image?width=30000&upscale=true", 422, "impossible_crop", "enlarged"),
        ("/crop/batch", 400, "bad_request", "'images'"),
    ],
)
async def test_wrong_option_is_answered_with_what_to_do(serving, photo_bytes, path, status, code, says):
    (answer,), _ = await run(serving, lambda client: [client.post(path, content=photo_bytes(600, 400, "PNG"))])
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert says in answer.json()["error"]["message"]


async def test_picture_is_the_best_crop_at_full_size_and_its_headers_say_which(serving, photo_bytes):
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = photo_bytes(1800, 1200, "PNG", exif=exif)
    (boxes, image), process = await run(
        serving,
        lambda client: [
            client.post("/crop?top_k=1", content=photo), client.post("/crop/image", content=photo),
        ],
    )  # fmt: skip
    best, whole = boxes.json()["crops"][0], boxes.json()["whole_image"]
    x, y, w, h = (best["box"][name] for name in ("x", "y", "width", "height"))
    assert image.status_code == 200
    assert image.headers["content-type"] == "image/png"
    assert image.headers["x-crop-box"] == f"{x},{y},{w},{h}"
    assert float(image.headers["x-crop-score"]) == pytest.approx(best["score"], abs=1e-6)
    assert float(image.headers["x-whole-image-score"]) == pytest.approx(whole["score"], abs=1e-6)
    assert image.headers["x-image-size"] == "1200x1800"
    assert "encode;dur=" in image.headers["server-timing"]
    upright = ImageOps.exif_transpose(Image.open(BytesIO(photo)))
    assert pictures_of(image).tobytes() == upright.crop((x, y, x + w, y + h)).tobytes()
    assert process.core.crops.held_pixels == 0


async def test_width_and_height_together_set_the_ratio_and_the_exact_size(serving, photo_bytes):
    photo = photo_bytes(600, 400, "JPEG")
    (exact, second, fitted), _ = await run(
        serving,
        lambda client: [
            client.post("/crop/image?width=160&height=90&format=webp&quality=70", content=photo),
            client.post("/crop/image?width=160&height=90&rank=2", content=photo),
            client.post(
                "/crop/image", data={"width": "100", "height": "100", "aspect_ratio": "2:1"}, files={"image": photo}
            ),
        ],
    )
    assert (pictures_of(exact).format, pictures_of(exact).size) == ("WEBP", (160, 90))
    assert (pictures_of(second).format, pictures_of(second).size) == ("JPEG", (160, 90))
    assert second.headers["x-crop-box"] != exact.headers["x-crop-box"]
    assert pictures_of(fitted).size == (100, 50)


async def test_pictures_wait_for_held_pixels_and_all_are_answered(serving, photo_bytes):
    photo = photo_bytes(600, 400, "JPEG")
    async with serving(max_held_pixels=300_000, decode_threads=1) as (client, process):
        answers = await asyncio.gather(*(client.post("/crop/image", content=photo) for _ in range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert process.core.crops.held_pixels == 0


async def test_batch_answers_each_photo_in_order_with_its_result_or_its_own_error(serving, photo_bytes):
    good, other = photo_bytes(600, 400, "JPEG"), photo_bytes(300, 300, "PNG")
    poison = BytesIO()
    Image.new("RGB", (60, 40), "white").save(poison, "PNG")
    files = [
        ("images", content)
        for content in (good, b"no photo", good[:900], other, poison.getvalue(), b"x" * (len(good) + len(other)))
    ]
    (batch, alone), _ = await run(
        serving,
        lambda client: [
            client.post("/crop/batch?top_k=2&aspect_ratio=1:1", files=files),
            client.post("/crop?top_k=2&aspect_ratio=1:1", content=good),
        ],
        max_upload_bytes=max(len(good), len(other)),
    )
    assert batch.status_code == 200
    entries = batch.json()["results"]
    assert [entry["index"] for entry in entries] == [0, 1, 2, 3, 4, 5]
    assert [(entry["error"] or {}).get("code") for entry in entries] == [
        None, "unsupported", "broken_photo", None, "engine_error", "too_large",
    ]  # fmt: skip
    assert [(entry["error"] or {}).get("status") for entry in entries] == [None, 415, 422, None, 500, 413]
    assert entries[0]["result"]["crops"] == alone.json()["crops"]
    assert entries[3]["result"]["image"] == {"width": 300, "height": 300}
    assert "/secret/path" not in batch.text
    assert batch.json()["request_id"] == batch.headers["x-request-id"]


async def test_batch_is_bounded_in_photos_in_bytes_and_by_the_queue(serving, photo_bytes):
    photo = photo_bytes(60, 40, "PNG")
    many = [("images", photo)] * 4
    (too_many, too_large), _ = await run(
        serving,
        lambda client: [
            client.post("/crop/batch", files=many),
            client.post("/crop/batch", files=[("images", b"x" * 20_000)]),
        ],
        max_files=3, max_files_bytes=10_000,
    )  # fmt: skip
    assert (too_many.status_code, too_large.status_code) == (400, 413)
    assert "3" in too_many.json()["error"]["message"]
    (full,), _ = await run(serving, lambda client: [client.post("/crop/batch", files=many)], max_queue_size=2)
    codes = [(entry["error"] or {}).get("code") for entry in full.json()["results"]]
    assert codes == [None, None, "overloaded", "overloaded"]


async def test_new_routes_are_counted_by_name(serving, photo_bytes):
    photo = photo_bytes(60, 40, "PNG")
    (_, _, metrics), _ = await run(
        serving,
        lambda client: [
            client.post("/crop/image", content=photo), client.post("/crop/batch", files=[("images", photo)]),
            client.get("/metrics"),
        ],
    )  # fmt: skip
    assert 'vrn_requests_total{outcome="ok",route="/crop/image"} 1.0' in metrics.text
    assert 'vrn_requests_total{outcome="ok",route="/crop/batch"} 1.0' in metrics.text
    assert "vrn_encode_seconds_count 1.0" in metrics.text


async def test_tiff_keeps_its_metadata_in_the_picture_if_asked(serving, photo_bytes):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "the photographer"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    photo = photo_bytes(600, 400, "TIFF", exif=exif.tobytes())
    (kept, dropped), _ = await run(
        serving,
        lambda client: [
            client.post("/crop/image?metadata=keep", content=photo), client.post("/crop/image", content=photo),
        ],
    )  # fmt: skip
    assert kept.headers["content-type"] == "image/png"
    assert pictures_of(kept).getexif()[ExifTags.Base.Artist] == "the photographer"
    assert pictures_of(kept).getexif().get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] == "N"
    assert not pictures_of(dropped).getexif()
