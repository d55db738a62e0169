"""Reading bodies: their pace, and that nothing a client names is looked up as a codec: text is UTF-8 or Latin-1."""

import asyncio

import pytest
from fastapi import Request

from tests.loops import virtual_clock
from vrn_cropper.service.core.accepted_photos import AcceptedPhotos
from vrn_cropper.service.core.wait_estimate import WaitEstimate
from vrn_cropper.service.errors import BadRequestError, SlowUploadError
from vrn_cropper.service.http.admission import Admission
from vrn_cropper.service.http.pace import PaceLimits
from vrn_cropper.service.http.upload import Upload, read_upload

BOUNDARY = "one-boundary"


async def read_form(field: bytes, charset: str | None, boundary: str = BOUNDARY) -> Upload:
    body = b'--%s\r\nContent-Disposition: form-data; name="top_k"\r\n\r\n%s\r\n--%s--\r\n'
    content = body % (boundary.encode(), field, boundary.encode())
    content_type = f'multipart/form-data; boundary="{boundary}"' + (f"; charset={charset}" if charset else "")

    async def receive():
        return {"type": "http.request", "body": content, "more_body": False}

    request = Request(
        {"type": "http", "method": "POST", "headers": [(b"content-type", content_type.encode())]}, receive
    )
    with Admission(AcceptedPhotos(1), 1 << 20, WaitEstimate(1)).hold_bytes() as hold:
        return await read_upload(request, hold, max_bytes=1 << 20, pace=PaceLimits(1.0, 60.0))


@pytest.mark.parametrize(
    "charset", ["punycode", "undefined", "idna", "zlib_codec", "utf-7", "no-such-charset", "rot13"]
)
async def test_codec_of_the_clients_choice_is_refused(charset):
    with pytest.raises(BadRequestError, match="charset"):
        await read_form(b"5", charset)


@pytest.mark.parametrize(
    ("charset", "field"),
    [(None, "é".encode()), ("UTF-8", "é".encode()), ('"utf-8"', "é".encode()), ("iso-8859-1", b"\xe9")],
)
async def test_utf_8_and_latin_1_are_read(charset, field):
    assert (await read_form(field, charset)).fields == {"top_k": ["é"]}


@pytest.mark.parametrize("boundary", ["a'()+_,-./:=?b", "with space"])
async def test_boundary_keeps_its_punctuation(boundary):
    assert (await read_form(b"5", None, boundary)).fields == {"top_k": ["5"]}


async def test_form_without_a_boundary_is_refused():
    with pytest.raises(BadRequestError, match="boundary"):
        await read_form(b"5", None, "")


def paced_upload(pieces: int, pause_s: float, pace: PaceLimits, clock) -> Upload:
    """Reads `pieces` of 100 bytes, each after a pause."""
    left = pieces

    async def receive():
        nonlocal left
        await asyncio.sleep(pause_s)
        left -= 1
        return {"type": "http.request", "body": b"y" * 100, "more_body": left > 0}

    request = Request({"type": "http", "method": "POST", "headers": []}, receive)

    async def read():
        with Admission(AcceptedPhotos(1), 1 << 20, WaitEstimate(1)).hold_bytes() as hold:
            return await read_upload(request, hold, max_bytes=1 << 20, pace=pace, clock=clock)

    return read()


@pytest.mark.virtual_time
async def test_upload_at_the_floor_is_read_to_its_end():
    upload = await paced_upload(1000, 1.0, PaceLimits(100.0, 5.0), virtual_clock)
    assert len(upload.files[0][1]) == 100_000


@pytest.mark.virtual_time
@pytest.mark.parametrize(
    ("pieces", "pause_s", "timeout_s"),
    [(2, 6.0, 1e9), (1000, 1.5, 1e9), (1000, 0.1, 50.0)],
    ids=["pauses", "below the floor", "too long in all"],
)
async def test_slow_upload_is_a_named_error(pieces, pause_s, timeout_s):
    with pytest.raises(SlowUploadError, match="too slowly"):
        await paced_upload(pieces, pause_s, PaceLimits(100.0, 5.0, timeout_s), virtual_clock)
