"""How a request's photos and options come in: readiness, room, deadline, body, a client that leaves.

Shared by the routes that crop. Knows HTTP; knows nothing of what happens to the photos.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from fastapi import Request

from vrn_cropper.service.core.accepted_photos import Permit
from vrn_cropper.service.core.option_table import Option
from vrn_cropper.service.errors import BadRequestError, DisconnectedError
from vrn_cropper.service.http.admission import Admission
from vrn_cropper.service.http.given_options import GivenOptions
from vrn_cropper.service.http.pace import PaceLimits
from vrn_cropper.service.http.upload import Upload, read_upload
from vrn_cropper.service.lifecycle import Lifecycle

R = TypeVar("R")
# (take_bytes, timeout_s) -> a photo; `take_bytes(size)` may refuse to hold so much more.
Fetch = Callable[[Callable[[int], None], float], Awaitable[bytes]]
MAX_TIMEOUT_MS = 999_999_999


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """Bytes of one photo, photos and bytes of one batch request, seconds of any request from its last byte on; how
    slowly it may come before.
    """

    max_upload_bytes: int
    max_files: int
    max_files_bytes: int
    request_timeout_s: float
    upload_pace: PaceLimits


@dataclass(frozen=True, slots=True)
class Received:
    """A request that was read: its photos, its options, and the time of the clock when its answer is due.

    `accept()` is the permit of one photo; it raises OverloadedError.
    """

    photos: list[bytes]
    options: GivenOptions
    deadline_at: float
    accept: Callable[[], AbstractAsyncContextManager[Permit]]

    @property
    def photo(self) -> bytes:
        """The one photo of a route that takes one."""
        (photo,) = self.photos
        return photo


class Intake:
    """Takes requests in, within the limits. For one event loop."""

    def __init__(
        self, lifecycle: Lifecycle, admission: Admission, limits: RouteLimits, clock: Callable[[], float]
    ) -> None:
        self._lifecycle = lifecycle
        self._admission = admission
        self.limits = limits
        self._clock = clock

    @asynccontextmanager
    async def one_photo(self, request: Request, options: Mapping[str, Option]) -> AsyncIterator[Received]:
        """Read a request of one photo at the client's pace; its bytes count as held while the block runs.

        The deadline begins with the body's last byte: how long that takes is the client's doing. Raises NotReadyError
        or OverloadedError before the body is read, what `read_upload` raises, and BadRequestError for an option that
        is none of `options`.
        """
        # A second file is read too, so that the refusal can name both.
        async with self._take(request, options, self.limits.max_upload_bytes, 2) as (upload, received):
            received.photos.append(_only_photo(upload))
            yield received

    @asynccontextmanager
    async def many_photos(self, request: Request, options: Mapping[str, Option]) -> AsyncIterator[Received]:
        """As `one_photo`, for several photos in multipart fields `images`."""
        limits = self.limits
        async with self._take(request, options, limits.max_files_bytes, limits.max_files) as (upload, received):
            received.photos.extend(_all_photos(upload))
            yield received

    @asynccontextmanager
    async def fetched_photo(
        self,
        request: Request,
        options: GivenOptions,
        fetch: Fetch,
    ) -> AsyncIterator[Received]:
        """A photo that `fetch` gets, instead of a body; its bytes count as held while the block runs.

        Raises as `one_photo` does, and what `fetch` raises.
        """
        timeout_s = _timeout_s(request, self.limits.request_timeout_s)
        self._lifecycle.check_takes_work()
        self._admission.check_room(timeout_s)
        with self._admission.hold_bytes() as hold:
            photo = await unless_disconnected(request, fetch(hold.grow, timeout_s))
            deadline_at = self._clock() + timeout_s
            yield Received([photo], options, deadline_at, partial(self._admission.accept, deadline_at))

    @asynccontextmanager
    async def _take(
        self, request: Request, options: Mapping[str, Option], max_bytes: int, max_files: int
    ) -> AsyncIterator[tuple[Upload, Received]]:
        timeout_s = _timeout_s(request, self.limits.request_timeout_s)
        self._lifecycle.check_takes_work()
        self._admission.check_room(timeout_s)  # before the body is read: a refusal must be cheap
        with self._admission.hold_bytes() as hold:
            pace, clock = self.limits.upload_pace, self._clock
            upload = await read_upload(
                request, hold, max_bytes=max_bytes, max_files=max_files, pace=pace, clock=clock
            )
            deadline_at = self._clock() + timeout_s
            query = {name: request.query_params.getlist(name) for name in request.query_params}
            given = GivenOptions(options, query, upload.fields)
            yield upload, Received([], given, deadline_at, partial(self._admission.accept, deadline_at))


async def unless_disconnected(request: Request, work: Awaitable[R]) -> R:
    """The result of `work`, which is cancelled when the client leaves. Raises DisconnectedError then."""

    async def client_leaves() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working = asyncio.ensure_future(work)
    leaving = asyncio.create_task(client_leaves())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise DisconnectedError("the client left before its answer was ready")
        return working.result()
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


def _only_photo(upload: Upload) -> bytes:
    photos = [photo for name, photo in upload.files if name == "image"]
    if len(photos) != 1 or len(upload.files) != 1:
        raise BadRequestError(
            f"send exactly one photo, as multipart field 'image' or as the body; {_what_came(upload)}"
        )
    return photos[0]


def _all_photos(upload: Upload) -> list[bytes]:
    photos = [photo for name, photo in upload.files if name == "images"]
    if not photos or len(photos) < len(upload.files):
        raise BadRequestError(
            f"send the photos as multipart/form-data, each in a field named 'images'; {_what_came(upload)}"
        )
    return photos


def _what_came(upload: Upload) -> str:
    """The names of what was received, for a message."""
    if upload.is_raw:
        return "got one photo as the body"
    files = ", ".join(repr(name[:40]) for name, _ in upload.files[:10])
    fields = ", ".join(repr(name[:40]) for name in list(upload.fields)[:10])
    parts = [f"files in {files}" if files else "no file", f"text in {fields}" if fields else ""]
    return "got " + " and ".join(filter(None, parts))


def _timeout_s(request: Request, cap_s: float) -> float:
    text = request.headers.get("x-request-timeout-ms")
    if text is None:
        return cap_s
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise BadRequestError(f"X-Request-Timeout-Ms is a whole number of milliseconds from 1 to {MAX_TIMEOUT_MS}")
    return min(cap_s, int(text) / 1000)
