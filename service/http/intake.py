"""How a request's photos and options come in: readiness, room, deadline, body, options, a client that leaves.

Shared by the routes that crop. Knows HTTP; knows nothing of what happens to the photos.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request

from vrn_cropper.model.views.options import CropOptions
from vrn_cropper.model.views.own_boxes import BoxOptions
from vrn_cropper.service.core.picture_request import PictureOptions
from vrn_cropper.service.errors import BadRequestError, DisconnectedError
from vrn_cropper.service.http.serving import Serving
from vrn_cropper.service.http.upload import Upload, read_upload

R = TypeVar("R")
MAX_TIMEOUT_MS = 999_999_999


class GivenOptions:
    """A client's options as strings, from the query and, beside a multipart photo, from form fields."""

    def __init__(self, *sources: Mapping[str, Sequence[str]]) -> None:
        self._sources = sources

    def many(self, name: str) -> list[str]:
        """All values of `name`, those of the query first."""
        return [value for source in self._sources for value in source.get(name, ())]

    def one(self, name: str) -> str | None:
        """The value of `name`, if there is one. Raises BadRequestError if there are several."""
        values = self.many(name)
        if len(values) > 1:
            raise BadRequestError(f"give {name} once")
        return values[0] if values else None

    def crop_options(self) -> CropOptions:
        """Raises BadRequestError or CropOptionError."""
        return CropOptions.parse(
            self.one("top_k"),
            self.many("aspect_ratio"),
            max_overlap=self.one("max_overlap"),
            keep=self.many("keep"),
            min_scale=self.one("min_scale"),
        )

    def box_options(self) -> BoxOptions:
        """Raises BadRequestError or CropOptionError."""
        return BoxOptions.parse(self.many("box"), self.many("box_xyxy"), self.one("aspect_ratio"))

    def picture_options(self) -> PictureOptions:
        """Raises BadRequestError or CropOptionError."""
        names = ("width", "height", "upscale", "format", "quality", "metadata")
        return PictureOptions.parse(**{name: self.one(name) for name in names})


@dataclass(frozen=True, slots=True)
class Intake:
    """A body that was read, its options, and the time of the clock when its answer is due."""

    upload: Upload
    options: GivenOptions
    deadline_at: float

    def only_photo(self) -> bytes:
        """The one photo. Raises BadRequestError."""
        photos = [photo for name, photo in self.upload.files if name == "image"]
        if len(photos) != 1:
            raise BadRequestError("send exactly one photo, as multipart field 'image' or as the body")
        return photos[0]


@asynccontextmanager
async def take_in(request: Request, serving: Serving, *, max_bytes: int, max_files: int = 1) -> AsyncIterator[Intake]:
    """Read the request's body at the client's pace; its bytes count as held while the block runs.

    The deadline begins with the body's last byte: how long that takes is the client's doing. Raises NotReadyError or
    OverloadedError before the body is read, and what `read_upload` raises.
    """
    timeout_s = _timeout_s(request, serving.limits.request_timeout_s)
    serving.lifecycle.check_takes_work()
    serving.admission.check_room()  # before the body is read: a refusal must be cheap
    with serving.admission.hold_bytes() as hold:
        pace = serving.limits.upload_pace
        upload = await read_upload(
            request, hold, max_bytes=max_bytes, max_files=max_files, pace=pace, clock=serving.clock
        )
        deadline_at = serving.clock() + timeout_s
        query = {name: request.query_params.getlist(name) for name in request.query_params}
        yield Intake(upload, GivenOptions(query, upload.fields), deadline_at)


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


def _timeout_s(request: Request, cap_s: float) -> float:
    text = request.headers.get("x-request-timeout-ms")
    if text is None:
        return cap_s
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise BadRequestError(f"X-Request-Timeout-Ms is a whole number of milliseconds from 1 to {MAX_TIMEOUT_MS}")
    return min(cap_s, int(text) / 1000)
