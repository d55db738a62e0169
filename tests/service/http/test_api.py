"""The HTTP surface, in process: a real application around a fake engine."""

import asyncio
import logging
import math
import re

import pytest

from vrn_cropper.service.lifecycle import State


def error_of(answer):
    error = answer.json()["error"]
    assert set(answer.json()) == {"error"}
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == answer.headers["x-request-id"]
    return error


async def test_photo_in_a_form_or_as_the_body_gets_the_same_crops(serving, photo_bytes):
    photo = photo_bytes(600, 400, "JPEG")
    async with serving() as (client, _):
        form = await client.post("/crop?top_k=2", files={"image": ("any.name", photo, "text/plain")})
        raw = await client.post("/crop?top_k=2", content=photo, headers={"content-type": "image/jpeg"})
        bare = await client.post("/crop?top_k=2", content=photo)
    assert form.status_code == raw.status_code == bare.status_code == 200
    assert form.json()["crops"] == raw.json()["crops"] == bare.json()["crops"]
    answer = form.json()
    assert answer["image"] == {"width": 600, "height": 400}
    assert answer["model"] == {"name": "tiny", "version": "v1"}
    assert [crop["rank"] for crop in answer["crops"]] == [1, 2]
    first = answer["crops"][0]
    assert first["aspect_ratio"] == "free"
    assert first["box"]["x"] in (72, 168)  # .12 or .28 of 600: the fake prefers views that begin far to the right
    assert first["box_normalized"]["x"] == pytest.approx(first["box"]["x"] / 600)


async def test_options_come_from_the_query_and_from_form_fields(serving, photo_bytes):
    photo = photo_bytes(600, 400, "PNG")
    async with serving() as (client, _):
        query = await client.post("/crop?top_k=1&aspect_ratio=16:9&aspect_ratio=free", content=photo)
        form = await client.post(
            "/crop", data={"top_k": "1", "aspect_ratio": ["16:9", "free"]}, files={"image": photo}
        )
    assert query.json()["crops"] == form.json()["crops"]
    assert [(crop["aspect_ratio"], crop["rank"]) for crop in query.json()["crops"]] == [("16:9", 1), ("free", 1)]


async def test_every_answer_carries_id_timing_and_model_version(serving, photo_bytes):
    async with serving() as (client, _):
        crop = await client.post("/crop", content=photo_bytes(60, 40, "PNG"), headers={"x-request-id": "my-id.1"})
        bad_id = await client.get("/version", headers={"x-request-id": "no spaces\tplease"})
        missing = await client.get("/nothing/here")
    assert crop.headers["x-request-id"] == crop.json()["request_id"] == "my-id.1"
    assert re.fullmatch(
        r"receive;dur=[\d.]+, decode_wait;dur=[\d.]+, decode;dur=[\d.]+, queue;dur=[\d.]+, inference;dur=[\d.]+,"
        r" rank;dur=[\d.]+, answer;dur=[\d.]+, total;dur=[\d.]+",
        crop.headers["server-timing"],
    )
    assert re.fullmatch("[0-9a-f]{32}", bad_id.headers["x-request-id"])
    assert "total;dur=" in missing.headers["server-timing"]
    assert {answer.headers["x-model-version"] for answer in (crop, bad_id, missing)} == {"v1"}
    assert error_of(missing)["code"] == "not_found"


@pytest.mark.parametrize(
    ("query", "content", "headers", "status", "code"),
    [
        ("?top_k=0", "photo", {}, 400, "bad_request"),
        ("?top_k=1&top_k=2", "photo", {}, 400, "bad_request"),
        ("?aspect_ratio=wide", "photo", {}, 400, "bad_request"),
        ("?aspect_ratio=100:1", "small photo", {}, 422, "impossible_crop"),
        ("", "photo", {"x-request-timeout-ms": "soon"}, 400, "bad_request"),
        ("", "photo", {"x-request-timeout-ms": "0"}, 400, "bad_request"),
        ("", "photo", {"content-type": "application/json"}, 415, "unsupported"),
        ("", "photo", {"content-type": "multipart/form-data"}, 400, "bad_request"),
        ("", "photo", {"content-type": "multipart/form-data; boundary=x"}, 400, "bad_request"),
        ("", b"<svg/>", {"content-type": "image/svg+xml"}, 415, "unsupported"),
        ("", b"", {}, 422, "broken_photo"),
        ("", "half a photo", {}, 422, "broken_photo"),
        ("", b"x" * 200_001, {}, 413, "too_large"),
        ("", "wide photo", {}, 413, "too_large"),
    ],
)
async def test_every_bad_request_is_answered_by_the_table(
    serving, photo_bytes, query, content, headers, status, code
):
    photo = photo_bytes(600, 400, "JPEG")
    contents = {
        "photo": photo, "half a photo": photo[: len(photo) // 2],
        "small photo": photo_bytes(10, 10, "PNG"), "wide photo": photo_bytes(1200, 10, "PNG"),
    }  # fmt: skip

    body = content if isinstance(content, bytes) else contents[content]
    async with serving(max_upload_bytes=200_000, max_photo_side_px=1000) as (client, process):
        answer = await client.post(f"/crop{query}", content=body, headers=headers)
        assert (answer.status_code, error_of(answer)["code"]) == (status, code)
        assert process.admission.photos == process.admission.bytes == 0
        assert process.core.runner.engine.batches == []


async def test_two_photos_in_one_form_are_refused(serving, photo_bytes):
    photo = photo_bytes(60, 40, "PNG")
    async with serving() as (client, _):
        files = [("image", ("a", photo)), ("image", ("b", photo))]
        assert (await client.post("/crop", files=files)).status_code == 400
        assert (await client.post("/crop", files={"photo": photo})).status_code == 400
        assert (await client.post("/crop", data={"image": "text"}, files={"x": b""})).status_code == 400


async def test_upload_over_the_limit_is_refused_while_it_streams(serving):
    sent = 0

    async def endless():
        nonlocal sent
        for _ in range(1000):
            sent += 10_000
            yield b"x" * 10_000

    async with serving(max_upload_bytes=50_000) as (client, _):
        for content_type in ("image/jpeg", "multipart/form-data; boundary=b"):
            sent = 0
            answer = await client.post("/crop", content=endless(), headers={"content-type": content_type})
            assert answer.status_code in (413, 400)
            assert sent <= 100_000


async def test_large_form_uploads_are_never_spooled_to_disk(serving, photo_bytes, monkeypatch):
    import tempfile

    def no_file(*_, **__):
        pytest.fail("an upload was written to disk")

    monkeypatch.setattr(tempfile, "TemporaryFile", no_file)
    photo = photo_bytes(1200, 1000, "BMP")  # 3.6 MB, above the parser's own 1 MB

    async with serving() as (client, _):
        assert (await client.post("/crop", files={"image": photo})).status_code == 200


async def test_poison_photo_fails_alone_and_leaks_nothing(serving, photo_bytes, caplog):
    with caplog.at_level(logging.CRITICAL):
        good, white = photo_bytes(60, 40, "PNG"), _white_photo()
        async with serving() as (client, _):
            answers = await asyncio.gather(
                *[client.post("/crop", content=photo) for photo in (good, white, good, good)]
            )
        assert [answer.status_code for answer in answers] == [200, 500, 200, 200]
        assert error_of(answers[1])["code"] == "engine_error"
        assert "secret" not in answers[1].text


def _white_photo():
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (60, 40), "white").save(buffer, "PNG")
    return buffer.getvalue()


async def test_before_warm_up_and_in_a_drain_work_is_refused_and_probes_tell(serving, photo_bytes):
    photo = photo_bytes(60, 40, "PNG")
    async with serving(warm=False) as (client, process):
        for state in (State.STARTING, State.DRAINING):
            process.lifecycle.state = state
            answer = await client.post("/crop", content=photo)
            assert (answer.status_code, error_of(answer)["code"]) == (503, "not_ready")
            assert int(answer.headers["retry-after"]) >= 1
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()) == (503, {"ready": False, "state": state.value})
            assert (await client.get("/healthz")).status_code == 200
        assert answer.headers["connection"] == "close"


async def test_dead_batch_loop_is_neither_ready_nor_live(serving):
    async with serving() as (client, process):
        assert (await client.get("/healthz")).status_code == 200
        process.lifecycle.fail(RuntimeError("the loop died"))
        assert (await client.get("/readyz")).json()["state"] == "failed"
        assert (await client.get("/healthz")).status_code == 503


async def test_full_service_is_not_ready_and_refuses_before_the_body_is_read(serving):
    async def body():
        pytest.fail("the body was read")
        yield b""

    async with serving(max_queue_size=1) as (client, process):
        async with process.admission.accept(math.inf):
            answer = await client.post("/crop", content=body(), headers={"content-length": "5"})
            assert (answer.status_code, error_of(answer)["code"]) == (429, "overloaded")
            assert int(answer.headers["retry-after"]) >= 1
            assert (await client.get("/readyz")).json() == {"ready": False, "state": "overloaded"}
        assert (await client.get("/readyz")).status_code == 200


async def test_version_names_service_model_and_engine(serving):
    async with serving() as (client, _):
        answer = (await client.get("/version")).json()
    assert answer["model"] == {"name": "tiny", "version": "v1"}
    assert (answer["device"], answer["precision"]) == ("fake", "f32")


async def test_metrics_count_outcomes_and_no_client_can_make_a_label(serving, photo_bytes):
    async with serving() as (client, _):
        await client.post("/crop", content=photo_bytes(60, 40, "PNG"))
        await client.post("/crop", content=b"nonsense")
        for path in ("/a", "/b?x=1", "/crop/c"):
            await client.get(path, headers={"x-request-id": "label-me"})
        text = (await client.get("/metrics")).text
    assert 'vrn_requests_total{outcome="ok",route="/crop"} 1.0' in text
    assert 'vrn_requests_total{outcome="unsupported",route="/crop"} 1.0' in text
    assert 'vrn_requests_total{outcome="not_found",route="other"} 3.0' in text
    assert "label-me" not in text
    for name in (
        "decode_seconds_count 1", "queue_seconds_count 1", "batch_formation_seconds_count 1",
        "inference_seconds_count 1",
        'request_seconds_count{outcome="ok",route="/crop"} 1',
        'photos_total{outcome="unsupported"} 1', "batch_size_count 1", "accepted_photos 0",
        "in_flight 1", "upload_bytes_count 1", "photo_pixels_count 1", "ready 1", "gpu_memory_bytes 4096",
        'dropped_total{reason="deadline"} 0',
    ):  # fmt: skip
        assert f"vrn_{name}" in text, name


async def test_metrics_move_to_their_own_port(serving):
    async with serving(metrics_port=1) as (client, _):
        assert (await client.get("/metrics")).status_code == 404


async def test_request_has_one_log_line_without_image_data(serving, photo_bytes, caplog):
    with caplog.at_level(logging.INFO, "service.access"):
        async with serving() as (client, _):
            await client.post("/crop", content=photo_bytes(60, 40, "PNG"), headers={"x-request-id": "one"})
    (line,) = [record for record in caplog.records if record.name == "service.access"]
    facts = line.facts
    assert (facts["request_id"], facts["status"], facts["outcome"], facts["route"]) == ("one", 200, "ok", "/crop")
    assert {"decode_ms", "queue_ms", "inference_ms", "total_ms", "width", "bytes", "batch_size"} <= set(facts)
    assert all(isinstance(value, str | int | float) for value in facts.values())


def crop_scope(**headers):
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "path": "/crop",
        "raw_path": b"/crop", "query_string": b"", "headers": raw, "scheme": "http", "server": ("test", 80),
    }  # fmt: skip


@pytest.fixture
def held_engine(fake_engine):
    """An engine that nothing gets past until its `may_prepare` is set."""
    engine = fake_engine()
    engine.may_prepare.clear()
    yield engine
    engine.may_prepare.set()


async def test_client_that_leaves_takes_its_photo_out_of_the_queue(serving, photo_bytes, held_engine):
    async with serving(held_engine) as (_, process):
        events = [{"type": "http.request", "body": photo_bytes(60, 40, "PNG"), "more_body": False}]
        sent = []

        async def receive():
            if events:
                return events.pop()
            while not held_engine.is_asked.is_set():  # it leaves once its photo waits for the engine
                await asyncio.sleep(0)
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await process.app(crop_scope(), receive, send)
        assert process.admission.photos == process.admission.bytes == 0
        held_engine.may_prepare.set()
        text = process.metrics.render()[0].decode()
        assert 'vrn_requests_total{outcome="disconnected",route="/crop"} 1.0' in text
        assert 'vrn_dropped_total{reason="disconnected"} 1.0' in text
    assert held_engine.batches == []


async def test_deadline_of_the_client_is_kept_and_capped_by_the_setting(serving, photo_bytes, held_engine):
    photo = photo_bytes(60, 40, "PNG")
    async with serving(held_engine, request_timeout_s=0.05) as (client, _):
        for headers in ({}, {"x-request-timeout-ms": "3600000"}, {"x-request-timeout-ms": "10"}):
            answer = await client.post("/crop", content=photo, headers=headers)
            assert (answer.status_code, error_of(answer)["code"]) == (504, "deadline")
        held_engine.may_prepare.set()
    assert held_engine.batches == []
