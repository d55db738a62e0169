"""A request's stages add up to its time, in every place that tells them."""

import itertools
import logging
import re

import pytest

TICK_S = 0.001


@pytest.fixture
def ticking():
    """A clock of which every look costs a millisecond, whichever thread looks."""
    count = itertools.count()
    return lambda: next(count) * TICK_S


@pytest.fixture
def slow_engine(fake_engine, ticking):
    class SlowEngine(fake_engine):
        def score(self, batch):
            for _ in range(300):
                ticking()
            return super().score(batch)

    return SlowEngine()


@pytest.mark.parametrize(
    ("path", "stages"),
    [
        ("/crop", {"receive", "decode_wait", "decode", "queue", "inference", "rank", "answer"}),
        (
            "/crop/image",
            {"receive", "decode_wait", "decode", "queue", "inference", "rank", "encode_wait", "encode", "answer"},
        ),
        ("/crop/batch", {"receive", "photos", "answer"}),
    ],
)
async def test_stages_add_up_to_the_total_in_answer_log_and_metrics(
    serving, photo_bytes, slow_engine, ticking, caplog, path, stages
):
    field = "images" if path == "/crop/batch" else "image"
    async with serving(slow_engine, clock=ticking) as (client, process):
        with caplog.at_level(logging.INFO, "service.access"):
            answer = await client.post(path, files={field: photo_bytes(60, 40, "PNG")})
        text = process.metrics.render()[0].decode()
    assert answer.status_code == 200
    timing = {name: float(ms) for name, ms in re.findall(r"(\w+);dur=([0-9.]+)", answer.headers["server-timing"])}
    total = timing.pop("total")
    assert timing.keys() == stages
    assert sum(timing.values()) == pytest.approx(total, rel=0.02)
    assert timing.get("inference", 300) >= 300
    (line,) = [record.facts for record in caplog.records if record.name == "service.access"]
    assert sum(line[f"{name}_ms"] for name in stages) == pytest.approx(line["total_ms"], rel=0.02)
    in_stages = sum(float(s) for s in re.findall(r"vrn_stage_seconds_sum\{.*?\} ([0-9.e-]+)", text))
    (in_all,) = re.findall(rf'vrn_request_seconds_sum\{{outcome="ok",route="{path}"\}} ([0-9.e-]+)', text)
    assert in_stages == pytest.approx(float(in_all), rel=0.02)


async def test_trace_of_the_client_is_in_the_log_and_an_exemplar_where_open_metrics_is_asked_for(
    serving, photo_bytes, caplog
):
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with serving() as (client, _):
        with caplog.at_level(logging.INFO, "service.access"):
            await client.post(
                "/crop",
                content=photo_bytes(60, 40, "PNG"),
                headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
            )
        plain = await client.get("/metrics")
        openmetrics = await client.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert caplog.records[0].facts["trace_id"] == trace
    assert trace not in plain.text
    assert "_created" not in plain.text
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert f'trace_id="{trace}"' in openmetrics.text


async def test_batch_request_counts_each_photo_and_is_no_success_when_none_was_cropped(serving, photo_bytes, caplog):
    good, bad = ("images", photo_bytes(60, 40, "PNG")), ("images", b"no photo")
    async with serving() as (client, process):
        with caplog.at_level(logging.INFO, "service.access"):
            assert (await client.post("/crop/batch", files=[good, bad])).status_code == 200
            assert (await client.post("/crop/batch", files=[bad, bad])).status_code == 200
        text = process.metrics.render()[0].decode()
    assert 'vrn_photos_total{outcome="ok"} 1.0' in text
    assert 'vrn_photos_total{outcome="unsupported"} 3.0' in text
    facts = [record.facts for record in caplog.records if record.name == "service.access"]
    assert [(line["outcome"], line["failed_photos"]) for line in facts] == [("ok", 1), ("unsupported", 2)]
