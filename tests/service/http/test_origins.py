"""Other web sites: none may call the service or frame its page unless the operator names them."""

import pytest

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.origins import frame_ancestors, read_origins

SITE = "https://site.example"
PREFLIGHT = {
    "origin": SITE, "access-control-request-method": "POST",
    "access-control-request-headers": "content-type,x-api-key",
}  # fmt: skip


def cors_headers(answer):
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.asyncio
async def test_nobody_else_is_allowed_by_default(serving, photo_bytes):
    async with serving() as (client, _):
        preflight = await client.options("/crop", headers=PREFLIGHT)
        crop = await client.post("/crop", content=photo_bytes(60, 40, "PNG"), headers={"origin": SITE})
        page = await client.get("/")
    assert preflight.status_code == 405
    assert cors_headers(preflight) | cors_headers(crop) == set()
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


@pytest.mark.asyncio
async def test_named_origins_may_call_and_read_what_is_useful(serving, photo_bytes):
    async with serving(allow_origins=f"https://other.example, {SITE}") as (client, _):
        preflight = await client.options("/crop", headers=PREFLIGHT)
        crop = await client.post("/crop/image", content=photo_bytes(60, 40, "PNG"), headers={"origin": SITE})
        stranger = await client.post(
            "/crop", content=photo_bytes(60, 40, "PNG"), headers={"origin": "https://evil.example"}
        )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == SITE
    assert "X-API-Key" in preflight.headers["access-control-allow-headers"]
    assert crop.headers["access-control-allow-origin"] == SITE
    assert "Origin" in crop.headers["vary"]
    assert {"X-Crop-Box", "X-Request-ID", "Retry-After"} <= set(
        crop.headers["access-control-expose-headers"].split(", ")
    )
    assert "access-control-allow-credentials" not in crop.headers
    assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.asyncio
async def test_errors_of_every_layer_can_be_read_and_a_preflight_needs_no_key(serving):
    async with serving(allow_origins=SITE, api_keys="k" * 32) as (client, _):
        preflight = await client.options("/crop", headers=PREFLIGHT)
        without_key = await client.post("/crop", headers={"origin": SITE})
    assert preflight.status_code == 200
    assert (without_key.status_code, without_key.headers["access-control-allow-origin"]) == (401, SITE)


@pytest.mark.asyncio
async def test_any_origin_is_a_star(serving):
    async with serving(allow_origins="*") as (client, _):
        answer = await client.get("/version", headers={"origin": SITE})
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.asyncio
async def test_page_can_be_framed_by_the_named_and_the_rest_of_its_policy_stays(serving):
    async with serving(frame_ancestors=f"self,{SITE}") as (client, _):
        policy = (await client.get("/")).headers["content-security-policy"]
        answer = (await client.get("/version")).headers["content-security-policy"]
    assert f"frame-ancestors 'self' {SITE}" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in answer


@pytest.mark.parametrize(
    "text", ["example.com", "https://a.example/path", "ftp://a.example", "'self'", "https://", "null"]
)
def test_what_is_no_origin_stops_the_start_by_name(text):
    with pytest.raises(StartUpError, match=r"VRN_X: .* is no origin; give scheme://host"):
        read_origins("VRN_X", f"https://ok.example,{text}")


def test_origins_are_read_in_lower_case_and_nobody_is_a_none():
    assert read_origins("VRN_X", "HTTPS://A.Example:8443 http://[::1]:3000") == (
        "https://a.example:8443", "http://[::1]:3000",
    )  # fmt: skip
    assert frame_ancestors(()) == "frame-ancestors 'none'"
