"""The page's routes: its policy, its files, and that only those are served. What the page does is in tests/e2e."""

import asyncio
import hashlib
import posixpath
import re
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI

from vrn_cropper.service.http.page_files import read_page_files
from vrn_cropper.service.http.routes_page import CONTENT_SECURITY_POLICY, page_routes

NO_FRAMES = "frame-ancestors 'none'"
FILES = read_page_files(max_upload_bytes=1234)
SCRIPTS = {name: file.content.decode() for name, file in FILES.static.items() if name.endswith(".js")}


@pytest.fixture(scope="module")
def ask():
    app = FastAPI()
    app.include_router(page_routes(FILES, NO_FRAMES))

    def ask(path, method="GET", **headers):
        async def scenario():
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(scenario())

    return SimpleNamespace(get=ask, schema=app.openapi)


def test_page_knows_the_largest_upload(ask):
    answer = ask.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert 'data-max-upload-bytes="1234"' in answer.text
    assert "{{" not in answer.text


@pytest.mark.parametrize("path", ["/", *(f"/static/{name}" for name in FILES.static)])
def test_every_file_has_the_policy_and_is_asked_for_again(ask, path):
    answer = ask.get(path)
    assert answer.headers["content-security-policy"] == f"{CONTENT_SECURITY_POLICY}; {NO_FRAMES}"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-cache"
    again = ask.get(path, **{"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert ask.get(path, **{"If-None-Match": '"of another version"'}).content == answer.content
    head = ask.get(path, "HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_policy_lets_nothing_in_from_elsewhere():
    sources = {source for rule in CONTENT_SECURITY_POLICY.split("; ") for source in rule.split()[1:]}
    assert sources == {"'none'", "'self'", "blob:"}
    assert "default-src 'none'" in CONTENT_SECURITY_POLICY


def test_page_loads_only_files_that_are_served_and_holds_nothing_inline():
    html = FILES.index.content.decode()
    loaded = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert {name for name in loaded if name != "docs"} <= {f"static/{name}" for name in FILES.static}
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html)


def test_modules_import_only_files_that_are_served():
    for name, text in SCRIPTS.items():
        for imported in re.findall(r'from "(\.[^"]+)"', text):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(name), imported))
            assert path in FILES.static, f"{name} imports {imported}"


def test_no_script_is_too_long_to_be_read():
    assert {name for name, text in SCRIPTS.items() if text.count("\n") > 250} == set()


def test_code_of_others_is_what_the_vendor_published():
    """`npm pack client-zip@2.5.1`: its index.js."""
    digest = hashlib.sha256(FILES.static["vendor/client-zip.js"].content).hexdigest()
    assert digest == "28c957c53d8e5290951d4b45ccff8ab8c9c37219da08b9d537bbdd595a75706d"


def test_every_element_that_the_scripts_name_is_on_the_page():
    ids = set(re.findall(r'\bid="([^"]+)"', FILES.index.content.decode()))
    named = {name for text in SCRIPTS.values() for name in re.findall(r'byId\("([^"]+)"\)', text)}
    assert len(named) > 20
    assert named <= ids


@pytest.mark.parametrize(
    "path", ["/static/", "/static/index.html", "/static/none.js", "/static/../settings.py", "/static/%2e%2e%2fapp.py"]
)
def test_nothing_else_is_served(ask, path):
    assert ask.get(path).status_code == 404


def test_api_document_leaves_the_page_out(ask):
    assert ask.schema()["paths"] == {}
