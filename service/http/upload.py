"""Reading a request's body in memory, bounded while it streams. Knows HTTP bodies; knows nothing of
photos.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Message

from vrn_cropper.model.errors import PhotoTooLargeError, UnsupportedPhotoError
from vrn_cropper.model.photos.structure.kinds import kind_of
from vrn_cropper.model.views.options import MAX_BOXES
from vrn_cropper.service.errors import BadRequestError, DisconnectedError, SlowUploadError
from vrn_cropper.service.http.admission import ByteHold
from vrn_cropper.service.http.pace import Pace, PaceLimits

_MAX_FIELDS = 100 + MAX_BOXES
# Names a client may give for the text of form fields. No other name reaches Python's codecs: some of those take
# minutes for a megabyte (punycode), or raise on every input (undefined).
_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "us-ascii": "utf-8", "iso-8859-1": "latin-1", "latin-1": "latin-1"}
_RAW_TYPES = ("image/", "application/octet-stream")
# What `curl --data-binary @photo.jpg` sends unless it is told otherwise: the content decides.
_UNDECLARED_TYPE = "application/x-www-form-urlencoded"
_HOW_TO_SEND = (
    "send the photo as multipart/form-data (curl -F image=@photo.jpg), or as the body with its type"
    " (curl --data-binary @photo.jpg -H 'Content-Type: image/jpeg')"
)
_PHOTO_FIELDS = (b"image", b"images")


@dataclass(frozen=True, slots=True)
class Upload:
    """A body taken apart: files in order as (field name, bytes), and the text fields.

    With `is_raw` the body was the photo itself, which is then the one file, named `image`.
    """

    files: list[tuple[str, bytes]]
    fields: dict[str, list[str]] = field(default_factory=dict)
    is_raw: bool = False


async def read_upload(
    request: Request,
    hold: ByteHold,
    *,
    max_bytes: int,
    max_files: int = 1,
    pace: PaceLimits,
    clock: Callable[[], float] = time.monotonic,
) -> Upload:
    """The body as multipart form or as one raw photo, by its `Content-Type`; never written to disk.

    Raises PhotoTooLargeError as soon as the body is over `max_bytes`, OverloadedError if all uploads together
    hold too much, SlowUploadError if it comes more slowly than `pace` says, BadRequestError,
    UnsupportedPhotoError for other bodies, DisconnectedError.
    """
    content_type = request.headers.get("content-type", "application/octet-stream").lower()
    stream = _bounded(request, hold, max_bytes, Pace(pace, clock()), clock)
    if content_type.startswith("multipart/form-data"):
        return await _read_multipart(request, stream, max_bytes, max_files)
    is_undeclared = content_type.startswith(_UNDECLARED_TYPE)
    if not is_undeclared and not content_type.startswith(_RAW_TYPES):
        raise UnsupportedPhotoError(f"a body of Content-Type {content_type[:60]!r} is not taken; {_HOW_TO_SEND}")
    photo = b"".join([chunk async for chunk in stream])
    if is_undeclared and kind_of(photo) is None:
        raise UnsupportedPhotoError(
            f"the body came as {_UNDECLARED_TYPE} and is no photo in a supported format; {_HOW_TO_SEND}"
        )
    return Upload(files=[("image", photo)], is_raw=True)


async def _bounded(
    request: Request, hold: ByteHold, max_bytes: int, pace: Pace, clock: Callable[[], float]
) -> AsyncGenerator[bytes, None]:
    message = f"the upload is too large; send at most {max_bytes} bytes"
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > max_bytes:
        raise PhotoTooLargeError(message)
    size = 0
    while True:
        event = await _receive(request, pace.ends_at - clock())
        if event["type"] == "http.disconnect":
            raise DisconnectedError("the client left while it was sending")
        chunk = event.get("body", b"")
        size += len(chunk)
        pace.moved(len(chunk), clock())
        if size > max_bytes:
            raise PhotoTooLargeError(message)
        hold.grow(len(chunk))
        yield chunk
        if not event.get("more_body", False):
            return


async def _receive(request: Request, patience_s: float) -> Message:
    try:
        async with asyncio.timeout(max(0.0, patience_s)):
            return await request.receive()
    except TimeoutError:
        raise SlowUploadError("the upload came too slowly; send it faster or make it smaller") from None


async def _read_multipart(
    request: Request, stream: AsyncGenerator[bytes, None], max_bytes: int, max_files: int
) -> Upload:
    class InMemoryParser(MultiPartParser):
        spool_max_size = max_bytes + 1  # never rolls over to a temporary file: the stream is bounded by max_bytes

        def on_headers_finished(self) -> None:
            # Without a file name a part counts as text, which would be decoded; a photo may come without one.
            part = self._current_part
            _, options = parse_options_header(part.content_disposition)
            if options.get(b"name") in _PHOTO_FIELDS and b"filename" not in options:
                part.content_disposition = (part.content_disposition or b"") + b'; filename="photo"'
            super().on_headers_finished()

    headers = Headers({"Content-Type": _form_type(request.headers["content-type"])})
    parser = InMemoryParser(headers, stream, max_files=max_files, max_fields=_MAX_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise BadRequestError(f"the multipart body cannot be read: {error.message}") from None
    upload = Upload(files=[])
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            upload.files.append((name, await value.read()))
            await value.close()
        else:
            upload.fields.setdefault(name, []).append(value)
    return upload


def _form_type(content_type: str) -> str:
    """`content_type` with its boundary and a charset of `_CHARSETS`, nothing else. Raises BadRequestError."""
    _, parameters = parse_options_header(content_type)
    charset = _CHARSETS.get(parameters.get(b"charset", b"utf-8").decode("latin-1").strip().lower())
    if charset is None:
        raise BadRequestError("the charset of multipart/form-data is utf-8 or iso-8859-1")
    boundary = parameters.get(b"boundary", b"").decode("latin-1").replace("\\", "\\\\").replace('"', '\\"')
    return f"multipart/form-data; charset={charset}" + (f'; boundary="{boundary}"' if boundary else "")
