"""`POST /score`: a caller's own boxes are scored as the crops are, and refused in words."""

import math

import pytest


@pytest.mark.parametrize("ratio", ["free", "1:1"])
async def test_crops_sent_back_as_boxes_get_their_scores_again(serving, photo_bytes, ratio):
    photo = photo_bytes(600, 400, "PNG")
    async with serving() as (client, process):
        found = (await client.post("/crop", params={"top_k": 3, "aspect_ratio": ratio}, content=photo)).json()
        boxes = [
            ",".join(str(crop["box"][side]) for side in ("x", "y", "width", "height")) for crop in found["crops"]
        ]
        query = await client.post("/score", params={"box": boxes, "aspect_ratio": ratio}, content=photo)
        form = await client.post("/score", data={"box": boxes, "aspect_ratio": ratio}, files={"image": photo})
        metrics = (await client.get("/metrics")).text
    assert query.status_code == form.status_code == 200
    answer = query.json()
    assert answer["boxes"] == form.json()["boxes"]
    assert answer["image"] == {"width": 600, "height": 400}
    assert answer["whole_image"] == {"score": found["whole_image"]["score"]}
    assert answer["model"] == found["model"]
    assert answer["request_id"] == query.headers["x-request-id"]
    for told, crop in zip(answer["boxes"], found["crops"], strict=True):
        assert told["score"] == pytest.approx(crop["score"], abs=1e-5)
        assert {**told, "score": 0, "rank": crop["rank"], "aspect_ratio": ratio} == {
            **crop, "score": 0,
            "preferred_to_whole": told["preferred_to_whole"], "preferred_to_centre": told["preferred_to_centre"],
        }  # fmt: skip
    assert 'vrn_requests_total{outcome="ok",route="/score"} 2.0' in metrics
    assert 'vrn_photos_total{outcome="ok"} 3.0' in metrics
    assert process.admission.photos == process.admission.bytes == 0


@pytest.mark.parametrize(
    ("query", "status", "code", "says"),
    [
        ("", 400, "bad_request", "box=x,y,width,height"),
        ("?box=1,2,3", 400, "bad_request", "box is x,y,width,height"),
        ("?box=0,0,5,5&aspect_ratio=wide", 400, "bad_request", "aspect_ratio"),
        ("?box=0,0,601,5", 422, "impossible_crop", "outside the 600 x 400 photo"),
    ],
)
async def test_wrong_boxes_are_refused_in_words(serving, photo_bytes, query, status, code, says):
    async with serving() as (client, _):
        answer = await client.post(f"/score{query}", content=photo_bytes(600, 400, "PNG"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert says in answer.json()["error"]["message"]


async def test_as_many_boxes_as_are_stated_fit_into_query_and_form(serving, photo_bytes):
    photo, boxes = photo_bytes(600, 400, "PNG"), [f"{n},0,100,100" for n in range(500)]
    async with serving() as (client, _):
        for sent in (
            {"params": {"box": boxes}, "content": photo},
            {"data": {"box": boxes}, "files": {"image": photo}},
        ):
            answer = await client.post("/score", **sent)
            assert [told["box"]["x"] for told in answer.json()["boxes"]] == list(range(500))


async def test_full_service_refuses_boxes_too(serving, photo_bytes):
    async with serving(max_queue_size=1) as (client, process), process.admission.accept(math.inf):
        answer = await client.post("/score?box=0,0,5,5", content=photo_bytes(60, 40, "PNG"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
