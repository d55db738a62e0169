"""What holds for every answer, whatever its route."""

import logging

import pytest


@pytest.fixture
def engine_with_a_bug(fake_engine):
    class Buggy(fake_engine):
        @property
        def device(self):
            raise RuntimeError("/secret/path: a bug")

    return Buggy()


async def test_unexpected_exception_is_the_documented_json(serving, engine_with_a_bug, caplog):
    async with serving(engine_with_a_bug) as (client, process):
        with caplog.at_level(logging.ERROR, "service.access"):
            answer = await client.get("/version", headers={"x-request-id": "find-me"})
        text = process.metrics.render()[0].decode()
    assert answer.status_code == 500
    error = answer.json()["error"]
    assert (error["code"], error["request_id"]) == ("internal_error", "find-me")
    assert "secret" not in answer.text
    assert [record.getMessage() for record in caplog.records] == ["request find-me failed"]
    assert 'vrn_requests_total{outcome="internal_error",route="/version"} 1.0' in text


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/healthz", "/readyz", "/version", "/nowhere"])
async def test_browsers_are_told_what_every_answer_may_do(serving, path):
    async with serving() as (client, _):
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]


@pytest.mark.parametrize("path", ["/crop/", "/crop/image/", "/healthz/"])
async def test_no_redirect_follows_the_host_header(serving, path):
    async with serving() as (client, _):
        answer = await client.post(path, headers={"host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert answer.json()["error"]["code"] == "not_found"


async def test_the_document_asks_for_keys_where_the_service_does(serving):
    async with serving(api_keys="api-key-0123456789") as (client, _):
        keyed = (await client.get("/openapi.json")).json()
    async with serving() as (client, _):
        open_to_all = (await client.get("/openapi.json")).json()
    schemes = keyed["components"]["securitySchemes"]
    assert (schemes["ApiKey"]["name"], schemes["Bearer"]["scheme"]) == ("X-API-Key", "bearer")
    told = {
        path: bool(next(iter(operations.values())).get("security")) for path, operations in keyed["paths"].items()
    }
    assert {path for path, asks in told.items() if not asks} == {"/healthz", "/readyz"}
    assert "securitySchemes" not in open_to_all["components"]
