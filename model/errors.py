"""What can go wrong in `model/`, in the words of the domain.

    VrnError
    ├── DataError          a data set that cannot be trained or evaluated on; the message names file and line
    ├── CheckpointError    weights or an export that are missing, damaged or of another kind
    ├── CropOptionError    a wish that is misspelt or out of range, whatever the photo
    └── CropRequestError   a wish that no crop of this photo can fulfil; the message says why

Knows nothing of HTTP: `service.errors` maps these to status codes.
"""


class VrnError(Exception):
    """Base of every error that this package raises on purpose."""


class DataError(VrnError):
    """A data set breaks the GAICD layout; the message names the file, and the line where there is one."""


class CheckpointError(VrnError):
    """A checkpoint or an export is missing, damaged, or does not fit the code."""


class CropOptionError(VrnError, ValueError):
    """A wish that is misspelt or out of range; the message says what is allowed."""


class CropRequestError(VrnError):
    """No crop of this photo can fulfil what was asked; the message says what to change."""
