"""Reading bodies: nothing that a client names is looked up as a codec, and text is UTF-8 or Latin-1."""

import pytest
from fastapi import Request

from vrn_cropper.service.core.accepted_photos import AcceptedPhotos
from vrn_cropper.service.errors import BadRequestError
from vrn_cropper.service.http.admission import Admission
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
    with Admission(AcceptedPhotos(1), 1 << 20, lambda photos: 0.0).hold_bytes() as hold:
        return await read_upload(request, hold, max_bytes=1 << 20)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "charset", ["punycode", "undefined", "idna", "zlib_codec", "utf-7", "no-such-charset", "rot13"]
)
async def test_codec_of_the_clients_choice_is_refused(charset):
    with pytest.raises(BadRequestError, match="charset"):
        await read_form(b"5", charset)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("charset", "field"),
    [(None, "é".encode()), ("UTF-8", "é".encode()), ('"utf-8"', "é".encode()), ("iso-8859-1", b"\xe9")],
)
async def test_utf_8_and_latin_1_are_read(charset, field):
    assert (await read_form(field, charset)).fields == {"top_k": ["é"]}


@pytest.mark.asyncio
@pytest.mark.parametrize("boundary", ["a'()+_,-./:=?b", "with space"])
async def test_boundary_keeps_its_punctuation(boundary):
    assert (await read_form(b"5", None, boundary)).fields == {"top_k": ["5"]}


@pytest.mark.asyncio
async def test_form_without_a_boundary_is_refused():
    with pytest.raises(BadRequestError, match="boundary"):
        await read_form(b"5", None, "")
