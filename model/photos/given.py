"""What a Python caller hands in as a photo -> the bytes of a file, or a Pillow picture; or a refusal in plain words.

Arrays are taken as people have them: any whole numbers from 0 to 255 or floats from 0 to 1, channels last or first.
What could mean two things is refused. Knows numpy and Pillow; opens no network address.
"""

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from vrn_cropper.model.errors import BrokenPhotoError, PhotoTooLargeError, UnsupportedPhotoError
from vrn_cropper.model.photos.reading import read_upright

# A path, the bytes of a file, an open file, a Pillow picture, or an array; torch's tensors on a CPU are arrays too.
GivenPhoto = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Image.Image | np.ndarray
_KINDS = "a path, the bytes of a file, an open binary file, a Pillow picture, or an array of RGB pixels"
_CHANNELS = (1, 3, 4)
_ADDRESSES = ("http://", "https://", "s3://", "gs://", "data:")


def given_photo(photo: object) -> bytes | Image.Image:
    """The bytes of a file, or a Pillow picture: the caller's own, perhaps not loaded yet, and not to be changed.

    Raises UnsupportedPhotoError for what is no photo, and the system's own OSError for a path that cannot be read.
    """
    if isinstance(photo, str | os.PathLike):
        return _read_path(photo)
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    if isinstance(photo, Image.Image):
        return photo
    if hasattr(photo, "read"):
        content = photo.read()
        if not isinstance(content, bytes):
            raise UnsupportedPhotoError("the file is open as text; open it with mode 'rb'")
        return content
    if hasattr(photo, "__array__") or hasattr(photo, "__array_interface__"):
        return Image.fromarray(_pixels(_as_array(photo)))
    raise UnsupportedPhotoError(f"a photo is {_KINDS}; got {type(photo).__name__}")


def read_given_upright(photo: object) -> Image.Image:
    """The photo whole: upright, RGB in sRGB, laid over white. Raises as `given_photo`, and for a damaged file
    BrokenPhotoError.
    """
    given = given_photo(photo)
    try:
        return read_upright(given)
    except (Image.DecompressionBombError, MemoryError):
        raise PhotoTooLargeError("the photo has too many pixels to be decoded whole") from None
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises for damaged files
        raise BrokenPhotoError("the photo is damaged or cut short") from error


def _read_path(path: str | os.PathLike[str]) -> bytes:
    if str(path).startswith(_ADDRESSES):
        raise UnsupportedPhotoError(f"{str(path)[:60]!r} is an address, not a path; fetch it and give its bytes")
    return Path(path).read_bytes()


def _as_array(photo: Any) -> np.ndarray:
    try:
        return np.asarray(photo)
    except Exception as error:  # a tensor on a GPU, or one that needs gradients, raises what its library likes
        raise UnsupportedPhotoError(
            f"the {type(photo).__name__} does not give its pixels ({error}); give a numpy array, such as"
            " tensor.detach().cpu().numpy()"
        ) from error


def _pixels(array: np.ndarray) -> np.ndarray:
    """uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    if array.ndim == 4 and len(array) == 1:
        array = array[0]  # a batch of one
    if array.ndim == 3 and array.shape[2] not in _CHANNELS and array.shape[0] in _CHANNELS:
        array = array.transpose(1, 2, 0)  # channels first
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in _CHANNELS) or not array.size:
        hint = "; give the photos of a batch one by one, or to crop_many" if array.ndim == 4 else ""
        raise UnsupportedPhotoError(
            f"an array of pixels is (height, width, 3), or with channels first (3, height, width); grey is"
            f" (height, width), with alpha there are 4 channels; got {array.shape}{hint}"
        )
    return np.ascontiguousarray(_as_uint8(array))


def _as_uint8(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return np.rint(array / 257.0).astype(np.uint8)
    if array.dtype.kind == "f":
        # A rounding error outside 0..1, such as an interpolation leaves, is no other scale.
        if not np.isfinite(array).all() or array.min() < -0.01 or array.max() > 1.01:
            raise UnsupportedPhotoError(
                f"floats are pixels from 0 to 1; got {array.min():g} to {array.max():g}. Give 0 to 255 as uint8, and"
                " undo a normalisation by mean and deviation"
            )
        return np.rint(np.clip(array.astype(np.float64), 0, 1) * 255).astype(np.uint8)
    if array.dtype.kind in "iu":
        if array.min() < 0 or array.max() > 255:
            raise UnsupportedPhotoError(
                f"whole numbers are pixels from 0 to 255, or uint16 up to 65535; got {array.dtype} from"
                f" {array.min()} to {array.max()}"
            )
        return array.astype(np.uint8)
    raise UnsupportedPhotoError(f"pixels are uint8, or floats from 0 to 1; got an array of {array.dtype}")
