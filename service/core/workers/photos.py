"""What a worker does with a photo: opens or decodes it, within limits that the kernel holds.

Started by the nursery (`answerer`); the service's side is `service.core.photo_decoder`.
"""

from collections.abc import Callable
from typing import Any

from PIL import AvifImagePlugin

from vrn_cropper.model.errors import PhotoError, PhotoTooLargeError
from vrn_cropper.model.photos.decode import DecodedPhoto, DecodeLimits, Decoder, OpenedPhoto
from vrn_cropper.model.photos.decode_memory import BYTES_PER_COUNTED_PIXEL, bytes_to_open
from vrn_cropper.model.photos.input_shapes import InputShape
from vrn_cropper.service.core.workers.limits import limit_memory
from vrn_cropper.service.core.workers.messages import Part
from vrn_cropper.service.core.workers.pictures import picture_parts

Answer = tuple[dict[str, Any], list[Part]]


def answerer(options: dict[str, Any]) -> Callable[[dict[str, Any], list[memoryview]], Answer]:
    """What answers a request; `options` has `max_pixels`, `max_side_px` and `input_shapes`."""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # one photo is one thread's work
    limits = DecodeLimits(options["max_pixels"], options["max_side_px"])
    decoder = Decoder(limits, tuple(InputShape(*shape) for shape in options["input_shapes"]))

    def answer(request: dict[str, Any], parts: list[memoryview]) -> Answer:
        try:
            return _answer(decoder, request, bytes(parts[0]))
        except PhotoError as error:
            return {"error": type(error).__name__, "message": str(error)}, []
        except MemoryError:
            message = "the photo needs too much memory to decode; send a smaller one"
            return {"error": PhotoTooLargeError.__name__, "message": message}, []

    return answer


def _answer(decoder: Decoder, request: dict[str, Any], photo: bytes) -> Answer:
    limit_memory(bytes_to_open(photo))
    opened = decoder.open(photo, at_full_scale=request["at_full_scale"], is_checked=True)
    if request["task"] == "open":
        return {"pixels": opened.pixels, "full_pixels": opened.full_pixels}, []
    limit_memory(BYTES_PER_COUNTED_PIXEL * opened.pixels)
    return _decoded(decoder.decode(opened), opened)


def _decoded(photo: DecodedPhoto, opened: OpenedPhoto) -> Answer:
    header: dict[str, Any] = {
        "width": photo.width,
        "height": photo.height,
        "input_shape": photo.input_shape,
        "format": photo.format,
        "warnings": photo.warnings,
    }
    parts: list[Part] = [photo.model_input.tobytes()]
    if opened.at_full_scale:  # a crop is going to be cut from it
        header["picture"], picture = picture_parts(opened.loaded_image)
        parts += picture
    return header, parts
