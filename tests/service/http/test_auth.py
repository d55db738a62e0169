"""API keys: who needs one, several at once, and that none ever shows up in a log or an error."""

import logging

import httpx
import pytest

from vrn_cropper.service.composition import build_process
from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.http.auth import ApiKeys
from vrn_cropper.service.settings import read_settings

OLD, NEW = "old-key-0123456789", "new+key/0123456789=="


@pytest.fixture
def ask(export_path, fake_engine):
    """`ask(method, path, headers)` of a process with both keys that is not warm: what gets past the keys and needs
    the engine is answered 503.
    """
    settings = read_settings({"VRN_MODEL_PATH": str(export_path), "VRN_API_KEYS": f"{OLD}, {NEW}"})
    process = build_process(settings, fake_engine())

    async def ask(method, path, headers=()):
        transport = httpx.ASGITransport(process.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, headers=list(headers))

    ask.metrics = process.metrics
    return ask


@pytest.mark.parametrize("key", [OLD, NEW])
@pytest.mark.parametrize("header", ["X-API-Key: {}", "Authorization: Bearer {}", "authorization: bearer {}"])
async def test_every_valid_key_passes_in_either_header(ask, key, header):
    name, _, value = header.format(key).partition(": ")
    assert (await ask("POST", "/crop", [(name, value)])).status_code == 503


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-API-Key", "")],
        [("X-API-Key", "wrong-key-0123456789")],
        [("X-API-Key", OLD[:-1])],
        [("X-API-Key", f"{OLD},{NEW}")],
        [("X-API-Key", b"\xff\xfe")],
        [("Authorization", f"Basic {OLD}")],
        [("Authorization", "Bearer")],
        # The balancer limits the rate by the first X-API-Key; a valid key elsewhere must not open the door.
        [("X-API-Key", "wrong-key-0123456789"), ("X-API-Key", OLD)],
        [("X-API-Key", "wrong-key-0123456789"), ("Authorization", f"Bearer {OLD}")],
    ],
)
async def test_anything_else_is_answered_401(ask, headers):
    answer = await ask("POST", "/crop", headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert b'vrn_requests_total{outcome="unauthorized",route="other"} 1.0' in ask.metrics.render()[0]


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 503), ("/openapi.json", 200)])
async def test_health_and_the_api_document_stay_open(ask, path, status):
    assert (await ask("GET", path)).status_code == status  # 503: not warm


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/metrics"), ("GET", "/version"), ("GET", "/later"), ("POST", "/healthz"), ("POST", "/static/../crop")],
)
async def test_whatever_is_not_listed_as_open_needs_a_key(ask, method, path):
    assert (await ask(method, path)).status_code == 401


async def test_no_key_is_ever_logged_or_answered(ask, caplog):
    caplog.set_level(logging.DEBUG)
    wrong = "wrong-key-0123456789"
    answers = [await ask("POST", "/crop", [("X-API-Key", key)]) for key in (OLD, wrong)]
    shown = caplog.text + str([record.__dict__ for record in caplog.records]) + "".join(a.text for a in answers)
    assert "service.access" in shown
    assert OLD not in shown
    assert wrong not in shown
    assert OLD not in repr(read_settings({"VRN_API_KEYS": OLD}))


@pytest.mark.parametrize(
    "text", ["short", "has spaces in the middle", "k" * 257, f"{OLD},short", ",", "schlüssel-schlüssel"]
)
def test_unfit_keys_stop_the_start_without_being_shown(text):
    with pytest.raises(StartUpError, match="VRN_API_KEYS") as error:
        ApiKeys.parse(text)
    assert not [part for part in text.split(",") if part and part in str(error.value)]


KEY, OTHER = "first-key-0123456789", "second-key-9876543210"


@pytest.mark.parametrize("text", [f"{KEY},{OTHER}", f"{KEY}\n{OTHER}\n", f" {KEY} ,\r\n{OTHER}"])
def test_keys_come_from_a_file_as_secrets_are_mounted(tmp_path, text):
    path = tmp_path / "keys"
    path.write_bytes(text.encode())
    keys = ApiKeys.of(None, path)
    assert keys.accept(KEY)
    assert keys.accept(OTHER)
    assert not keys.accept(f"{KEY},{OTHER}")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read: No such file"),
        (b"", "holds no key"),
        (b"\n,\n", "holds no key"),
        (b"short", "key 1 of 1"),
        (b"\xff" * 20, "more than ASCII"),
    ],
)
def test_a_file_of_keys_that_does_not_hold_any_is_refused_and_never_repeated(tmp_path, content, reason):
    path = tmp_path / "keys"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartUpError, match=f"VRN_API_KEYS_FILE.*{reason}") as caught:
        ApiKeys.of(None, path)
    assert "short" not in str(caught.value)


def test_keys_in_both_places_are_refused_and_none_serve_everyone(tmp_path):
    with pytest.raises(StartUpError, match="both"):
        ApiKeys.of(KEY, tmp_path / "keys")
    assert ApiKeys.of(None, None) is None
