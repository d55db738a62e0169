"""What is counted, by labels that no client can add to, read back as Prometheus reads it."""

import re
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from prometheus_client import CollectorRegistry

from vrn_cropper.service.error_codes import OUTCOMES
from vrn_cropper.service.metrics import CROP_ROUTES, SECONDS_BUCKETS, SHORT_SECONDS_BUCKETS, Metrics

ROOT = Path(__file__).parents[2]


@pytest.fixture
def registry():
    return CollectorRegistry()


@pytest.fixture
def metrics(registry):
    return Metrics(registry, "1.2")


def test_every_series_that_an_alert_may_divide_by_is_there_from_the_start(metrics, registry):
    for outcome in OUTCOMES:
        assert registry.get_sample_value("vrn_photos_total", {"outcome": outcome}) == 0
        for route in CROP_ROUTES:
            assert registry.get_sample_value("vrn_requests_total", {"route": route, "outcome": outcome}) == 0
    for reason in ("deadline", "disconnected"):
        assert registry.get_sample_value("vrn_dropped_total", {"reason": reason}) == 0
    assert registry.get_sample_value("vrn_build_info", {"version": "1.2"}) == 1


def test_request_is_in_flight_until_it_ends_and_then_counted_with_its_stages(metrics, registry):
    metrics.request_began()
    assert registry.get_sample_value("vrn_in_flight") == 1
    metrics.request_ended("/crop", "ok", 0.75, {"receive": 0.25, "decode": 0.5})
    assert registry.get_sample_value("vrn_in_flight") == 0
    labels = {"route": "/crop", "outcome": "ok"}
    assert registry.get_sample_value("vrn_requests_total", labels) == 1
    assert registry.get_sample_value("vrn_request_seconds_sum", labels) == 0.75
    assert registry.get_sample_value("vrn_stage_seconds_sum", {"stage": "decode"}) == 0.5
    assert registry.get_sample_value("vrn_photos_total", {"outcome": "ok"}) == 1


def test_batch_request_counts_its_photos_one_by_one(metrics, registry):
    metrics.request_began()
    metrics.photo_ended("ok")
    metrics.photo_ended("broken_photo")
    metrics.request_ended("/crop/batch", "ok", 1.0, {})
    assert registry.get_sample_value("vrn_photos_total", {"outcome": "ok"}) == 1
    assert registry.get_sample_value("vrn_photos_total", {"outcome": "broken_photo"}) == 1


@pytest.mark.parametrize("route", ["/../../etc", "/crop/", "x" * 1000])
def test_whatever_a_client_names_counts_as_other(metrics, registry, route):
    metrics.request_began()
    metrics.request_ended(route, "made up", 1.0, {"made up": 1.0})
    metrics.photo_ended("made up")
    metrics.connection_cut("made up")
    assert registry.get_sample_value("vrn_requests_total", {"route": "other", "outcome": "other"}) == 1
    assert registry.get_sample_value("vrn_photos_total", {"outcome": "other"}) == 1
    assert registry.get_sample_value("vrn_connections_cut_total", {"reason": "other"}) == 1
    text = metrics.render()[0].decode()
    assert f'route="{route}"' not in text
    assert "made up" not in text


def test_photo_without_a_picture_adds_nothing_to_encode(metrics, registry):
    seconds = {"decode": 0.25, "queue": 0.125}
    metrics.photo_cropped(SimpleNamespace(seconds=seconds, width=40, height=30), 1000)
    assert registry.get_sample_value("vrn_encode_seconds_count") == 0
    assert registry.get_sample_value("vrn_decode_seconds_sum") == 0.25
    assert registry.get_sample_value("vrn_queue_seconds_sum") == 0.125
    assert registry.get_sample_value("vrn_photo_pixels_sum") == 1200
    assert registry.get_sample_value("vrn_upload_bytes_sum") == 1000


def test_gauges_are_read_at_each_scrape(metrics, registry):
    state = SimpleNamespace(is_ready=False, photos=3, memory=None, connections=5)
    metrics.watch(
        is_ready=lambda: state.is_ready,
        accepted_photos=lambda: state.photos,
        gpu_memory_bytes=lambda: state.memory,
        connections=lambda: state.connections,
    )
    assert registry.get_sample_value("vrn_ready") == 0
    assert registry.get_sample_value("vrn_gpu_memory_bytes") == 0, "no GPU"
    state.is_ready, state.photos, state.memory = True, 4, 4096
    assert registry.get_sample_value("vrn_ready") == 1
    assert registry.get_sample_value("vrn_accepted_photos") == 4
    assert registry.get_sample_value("vrn_gpu_memory_bytes") == 4096
    assert registry.get_sample_value("vrn_connections") == 5


@pytest.mark.parametrize("buckets", [SECONDS_BUCKETS, SHORT_SECONDS_BUCKETS])
def test_buckets_grow_and_end_at_the_default_deadline(buckets):
    assert list(buckets) == sorted(set(buckets))
    assert buckets[-1] == 10.0


def test_every_metric_that_dashboard_and_alerts_read_is_exposed(metrics):
    metrics.engine_loaded("cpu", "f32", "tiny", "v1")
    exposed = set(re.findall(r"^# TYPE (\w+)", metrics.render()[0].decode(), re.MULTILINE))
    for name in ("dashboard.json", "rules.yaml"):
        text = (ROOT / "monitoring" / name).read_text(encoding="utf-8")
        # A name in braces or before them; recording rules have colons.
        read = set(re.findall(r"\bvrn_\w+", re.sub(r"\w+:[\w:]+", "", text)))
        unknown = {
            one for one in read if one not in exposed and re.sub(r"_(bucket|sum|count)$", "", one) not in exposed
        }
        assert not unknown, name


async def test_application_of_its_own_port_tells_the_same(metrics):
    transport = httpx.ASGITransport(metrics.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/metrics")
    # Ours alone: the process's memory and CPU are others a moment later.
    ours = [line for line in metrics.render()[0].decode().splitlines() if line.startswith("vrn_")]
    assert ours
    assert [line for line in answer.text.splitlines() if line.startswith("vrn_")] == ours
