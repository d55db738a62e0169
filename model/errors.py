"""What can go wrong in `model/`, in the words of the domain.

    VrnError
    ├── PhotoError             this photo cannot be cropped
    │   ├── PhotoTooLargeError     too many bytes, pixels or too long a side
    │   ├── UnsupportedPhotoError  not one of the allowed formats
    │   └── BrokenPhotoError       an allowed format, but damaged or cut short
    ├── DataError          a data set that cannot be trained or evaluated on; the message names file and line
    ├── CheckpointError    weights or an export that are missing, damaged or of another kind
    ├── DeviceError            a device that is not there, or what it needs is not installed
    ├── CropOptionError    an option that is misspelt or out of range, whatever the photo
    └── CropRequestError   options that no crop of this photo can fulfil; the message says why

Knows nothing of HTTP: `service.error_codes` maps these to status codes.
"""


class VrnError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(VrnError):
    """A data set breaks the GAICD layout; the message names the file, and the line where there is one."""


class CheckpointError(VrnError):
    """A checkpoint or an export is missing, damaged, or does not fit the code."""


class DeviceError(VrnError):
    """The device that was asked for is not there, or what it needs is not installed; the message says which."""


class CropOptionError(VrnError, ValueError):
    """An option that is misspelt or out of range; the message says what is allowed."""


class CropRequestError(VrnError):
    """No crop of this photo can fulfil what was asked; the message says what to change."""


class PhotoError(VrnError):
    """Base of photos that cannot be cropped. The message may be shown to whoever sent it: no paths, no traces."""


class PhotoTooLargeError(PhotoError):
    """Too many bytes, too many pixels, or too long a side."""


class UnsupportedPhotoError(PhotoError):
    """Not a photo in one of the allowed formats."""


class BrokenPhotoError(PhotoError):
    """An allowed format whose content is damaged or cut short."""
