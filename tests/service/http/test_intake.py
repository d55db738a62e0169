"""How a body comes in: its time is not the request's deadline."""

import asyncio

import pytest


class ManualClock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("timeout", [{}, {"x-request-timeout-ms": "5000"}])
async def test_deadline_begins_when_the_upload_is_complete(serving, photo_bytes, timeout):
    clock = ManualClock()
    photo = photo_bytes(60, 40, "PNG")

    async def slow_upload():
        yield photo[:100]
        clock.now += 100
        await asyncio.sleep(0)
        yield photo[100:]

    limits = {"stall_timeout_s": 600, "upload_timeout_s": 3600}
    async with serving(clock=clock, request_timeout_s=10, **limits) as (client, _):
        answer = await client.post("/crop", content=slow_upload(), headers=timeout)
    assert answer.status_code == 200


async def test_slow_upload_is_408_and_no_failure_of_the_service(serving, photo_bytes, caplog):
    async def endless_upload():
        yield photo_bytes(60, 40, "PNG")[:100]
        await asyncio.Event().wait()

    async with serving(stall_timeout_s=0.05) as (client, process):
        answer = await client.post("/crop", content=endless_upload())
        text = process.metrics.render()[0].decode()
    assert answer.status_code == 408
    assert answer.json()["error"]["code"] == "slow_upload"
    assert 'vrn_requests_total{outcome="slow_upload",route="/crop"} 1.0' in text
    assert process.admission.bytes == 0
