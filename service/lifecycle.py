"""What state the process is in: starting, ready, draining, failed. Knows nothing of HTTP and signals."""

import enum

from vrn_cropper.service.errors import NotReadyError


class State(enum.StrEnum):
    """The life of the process, in order; `FAILED` can follow any."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    FAILED = "failed"


class Lifecycle:
    """The one place that knows whether new work is taken."""

    def __init__(self) -> None:
        self.state = State.STARTING
        self.failure: Exception | None = None

    def warmed_up(self) -> None:
        """The engine passed its warm-up. A drain or a failure meanwhile stands."""
        if self.state is State.STARTING:
            self.state = State.READY

    def drain(self) -> None:
        """Take no new work. A failure stands."""
        if self.state is not State.FAILED:
            self.state = State.DRAINING

    def fail(self, error: Exception) -> None:
        """The engine or the batch loop is lost: the process has to end."""
        self.state = State.FAILED
        self.failure = self.failure or error

    def check_takes_work(self) -> None:
        """Raises NotReadyError unless ready."""
        if self.state is State.STARTING:
            raise NotReadyError("the service is warming up; try again in a moment")
        if self.state is not State.READY:
            raise NotReadyError("the service is shutting down; send the photo to another replica")
