"""The one place that chooses where a photo is decoded: JPEG and PNG on the caller's thread, the rest in workers.

Both are looked through before (`structure`), their decoders let other threads run, and a worker would cost a small
JPEG a fifth of its time. The other decoders hold the interpreter, cannot be stopped, or take memory before they say
how much (SECURITY.md). Knows nothing of HTTP.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from vrn_cropper.model.errors import BrokenPhotoError, PhotoError, PhotoTooLargeError, UnsupportedPhotoError
from vrn_cropper.model.photos.decode import DecodedPhoto, Decoder, OpenedPhoto
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.model.photos.structure.check import check_structure
from vrn_cropper.service.core.workers.messages import Message
from vrn_cropper.service.core.workers.pictures import picture_of
from vrn_cropper.service.core.workers.pool import WorkerDiedError, WorkerPool, WorkerStartError, WorkerTimeoutError
from vrn_cropper.service.errors import DeadlineError, OverloadedError

# For callers without a deadline.
MAX_DECODE_S = 60.0
_DIED = "the photo made its decoder fail; save it again, as JPEG or PNG"
_ERRORS: dict[str, type[PhotoError]] = {
    error.__name__: error for error in (BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError)
}


class PhotoDecoder:
    """`Decoder`'s two steps, with a time limit. Thread-safe. Without `workers` everything is decoded here."""

    def __init__(self, decoder: Decoder, workers: WorkerPool | None = None) -> None:
        self._decoder = decoder
        self._workers = workers

    def open(self, photo: bytes, *, at_full_scale: bool = False, seconds: float | None = None) -> OpenedPhoto:
        """As `Decoder.open`. Raises DeadlineError after `seconds`, or OverloadedError, too."""
        is_cheap = check_structure(photo)
        if is_cheap or self._workers is None:
            return self._decoder.open(photo, at_full_scale=at_full_scale, is_checked=True)
        answer = self._ask("open", photo, at_full_scale, seconds)
        try:
            pixels, full_pixels = int(answer.header["pixels"]), int(answer.header["full_pixels"])
        except (KeyError, TypeError, ValueError) as error:
            raise BrokenPhotoError(_DIED) from error
        return OpenedPhoto(None, pixels, full_pixels, photo, at_full_scale)

    def decode(self, opened: OpenedPhoto, seconds: float | None = None) -> DecodedPhoto:
        """As `Decoder.decode`; of a photo from a worker `opened` has the picture afterwards if it is at full scale.

        Raises DeadlineError after `seconds`, or OverloadedError, too.
        """
        if opened.stored is not None or self._workers is None:
            return self._decoder.decode(opened)
        answer = self._ask("decode", opened.content, opened.at_full_scale, seconds)
        try:
            return _decoded(answer.header, answer.parts, opened)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BrokenPhotoError(_DIED) from error

    def _ask(self, task: str, photo: bytes, at_full_scale: bool, seconds: float | None) -> Message:
        assert self._workers is not None
        limit_s = MAX_DECODE_S if seconds is None else seconds
        try:
            answer = self._workers.ask({"task": task, "at_full_scale": at_full_scale}, [photo], limit_s)
        except WorkerTimeoutError:
            raise DeadlineError(f"the photo was not decoded within {limit_s:.1f} s") from None
        except WorkerDiedError as error:
            raise BrokenPhotoError(_DIED) from error
        except WorkerStartError as error:
            raise OverloadedError("there is no room to decode the photo now; try again") from error
        if "error" in answer.header:
            raise _ERRORS.get(str(answer.header["error"]), BrokenPhotoError)(str(answer.header.get("message", _DIED)))
        return answer


def _decoded(header: dict[str, Any], parts: Sequence[memoryview], opened: OpenedPhoto) -> DecodedPhoto:
    """Raises KeyError, IndexError, TypeError or ValueError for what no worker of ours answers."""
    if opened.at_full_scale:
        opened.take_loaded(picture_of(header["picture"], *parts[1:]))
    shape = InputShape(*map(int, header["input_shape"]))
    model_input = np.frombuffer(parts[0], np.uint8).reshape(*shape, 3).copy()
    warnings = tuple(str(warning) for warning in header["warnings"])
    return DecodedPhoto(
        int(header["width"]), int(header["height"]), model_input, shape, str(header["format"]), warnings
    )
