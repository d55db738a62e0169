"""Who reads the API's document at /docs can press Try it out and Execute on every route, with what it fills in."""

import sys
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect

from ..conftest import ServerProcess
from .conftest import PATIENCE_MS

PHOTO_ROUTES = ["crop", "crop_batch", "crop_image", "crop_images", "score"]
STATE_ROUTES = ["is_live", "is_ready", "get_version", "get_metrics"]


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """One whose deadline a busy machine keeps, too."""
    server = ServerProcess(
        [sys.executable, "-m", "vrn_cropper.service"], {"VRN_DEVICE": "cpu", "VRN_REQUEST_TIMEOUT_S": "60"}
    )
    yield server.wait_ready()
    server.stop()


@pytest.fixture
def docs(browser, server) -> Iterator[Page]:
    """The document, opened. Swagger UI warns on the console of formats that it has no field of its own for."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(timeout=PATIENCE_MS)
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(server.url("/docs"))
    yield page
    context.close()
    assert faults == []


def execute(page: Page, operation: str, photo=None) -> None:
    """Try it out, Execute: what Swagger UI fills in for every option is answered 200."""
    block = page.locator(f"[id$='-{operation}'].opblock")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    if photo is not None:
        if operation == "crop_batch":
            block.get_by_role("button", name="Add string item").last.click()
        block.locator("input[type=file]").first.set_input_files(photo)
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table tbody .response-col_status").first).to_have_text("200")


def test_the_tests_name_every_operation(server):
    paths = httpx.get(server.url("/openapi.json")).json()["paths"]
    names = {operation["operationId"] for path in paths.values() for operation in path.values()}
    assert names == {*PHOTO_ROUTES, *STATE_ROUTES}


@pytest.mark.parametrize("operation", PHOTO_ROUTES)
def test_execute_answers_on_every_route_that_takes_a_photo(docs, photos, operation):
    execute(docs, operation, photos.coffee)


def test_execute_answers_on_every_route_that_tells_the_state(docs):
    for operation in STATE_ROUTES:
        execute(docs, operation)
