"""What the OpenAPI document says that no type says: found missing by Schemathesis (tests/e2e/test_openapi.py)."""

import pytest


@pytest.fixture
async def document(serving):
    async with serving(max_files=7) as (client, _):
        return (await client.get("/openapi.json")).json()


def test_metrics_are_documented_as_text(document):
    answers = document["paths"]["/metrics"]["get"]["responses"]
    assert list(answers["200"]["content"]) == ["text/plain"]


def test_probes_document_their_body_ready_or_not(document):
    for path in ("/healthz", "/readyz"):
        answers = document["paths"][path]["get"]["responses"]
        schemas = [answers[status]["content"]["application/json"]["schema"] for status in ("200", "503")]
        assert schemas[0] == schemas[1] != {}


def test_batch_documents_the_most_files_that_the_setting_allows(document):
    form = document["paths"]["/crop/batch"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["images"]["maxItems"] == 7


def test_closed_routes_document_the_answer_without_a_key(document):
    open_paths = {"/healthz", "/readyz"}
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert ("401" in operation["responses"]) == (path not in open_paths), path


async def test_the_document_is_written_once_and_is_what_fastapi_makes(serving):
    async with serving() as (client, _):
        first, again = [await client.get("/openapi.json") for _ in range(2)]
    assert first.headers["content-type"] == "application/json"
    assert first.content == again.content
    assert first.json()["openapi"].startswith("3.")
