"""What can go wrong while serving, in the words of the domain. Codes and statuses: `service.error_codes`.

VrnError (model.errors)
└── ServiceError
    ├── BadRequestError            parameters or a body that cannot be understood
    ├── UnauthorizedError          no API key, or not a valid one
    ├── SourceError                a photo named by URL could not be fetched
    │   ├── SourceNotAllowedError    not among the sources, or not at a public address
    │   └── SourceMissingError       the source says that it has no such photo
    ├── BadSignatureError          a URL without a valid signature where one is needed
    ├── SlowUploadError            the upload comes below the floor, or takes too long in all
    ├── OverloadedError            the queue is full: come back after `retry_after_s`
    ├── NotReadyError              warming up or draining: come back after `retry_after_s`
    ├── DeadlineError              the request's time is up
    ├── DisconnectedError          the client left; nobody reads the answer
    ├── EngineError                the engine failed on this item
    │   ├── EngineMemoryError        the device's memory is full: a smaller batch may pass
    │   └── EngineLostError          the engine hangs or fails on everything: the process has to end
    └── StartUpError               the process cannot start; the message says what to change
"""

from vrn_cropper.model.errors import VrnError


class ServiceError(VrnError):
    """Base of what the service raises on purpose. The message is shown to the client: no paths, no traces."""


class BadRequestError(ServiceError):
    """Parameters or a body that cannot be understood."""


class UnauthorizedError(ServiceError):
    """The request carries no valid API key."""


class SlowUploadError(ServiceError):
    """The client sends too slowly, or pauses too long."""


class SourceError(ServiceError):
    """A photo named by URL could not be fetched: the source does not answer, or not with a photo."""


class SourceNotAllowedError(SourceError):
    """Not among the sources that the operator allows, or not at a public address."""


class SourceMissingError(SourceError):
    """The source says that it has no such photo."""


class BadSignatureError(ServiceError):
    """The URL carries no valid signature, or its time is over."""


class OverloadedError(ServiceError):
    """No room for one more request."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotReadyError(ServiceError):
    """The process warms up or drains."""

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DeadlineError(ServiceError):
    """The request's deadline passed before it was answered."""


class DisconnectedError(ServiceError):
    """The client closed the connection before its answer was ready."""


class EngineError(ServiceError):
    """The engine failed on this item."""


class EngineMemoryError(EngineError):
    """The device had no memory for this batch; a smaller one may pass."""


class EngineLostError(EngineError):
    """The engine hangs, or fails on whatever it is given. Only a new process helps."""


class StartUpError(ServiceError):
    """The process cannot start; the message names the setting and what to change."""
