"""What a request was: its id, its trace, the time of each stage, how it ended, and what its log line says.

Whoever answers notes what it learns here; the envelope reads it once the answer is out. Knows header names and
statuses; knows nothing of ASGI messages, metrics and log levels.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.types import Scope

from vrn_cropper.service.core.stages import Stages
from vrn_cropper.service.error_codes import OK, status_and_code

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_SCOPE_KEY = "vrn.request"
_DISCONNECTED = "disconnected"
_OTHER = "other"


@dataclass(slots=True)
class RequestRecord:
    """What is known of a request while it is answered. Its `stages` add up to its whole time.

    `facts` are of the photos: sizes, bytes, how many. `outcome` is None until something says how the request ends.
    """

    request_id: str
    stages: Stages
    began_at: float
    clock: Callable[[], float]
    facts: dict[str, str | int | float] = field(default_factory=dict)
    outcome: str | None = None
    trace_parent: str | None = None
    trace_state: str | None = None
    client: str | None = None

    @classmethod
    def begin(
        cls, headers: Mapping[str, str], clock: Callable[[], float], client: str | None = None
    ) -> "RequestRecord":
        """The record of a request that comes in now; a client's `X-Request-ID` is kept where it is harmless.
        `client` is its address.
        """
        now = clock()
        given = headers.get("x-request-id", "")
        return cls(
            given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex,
            Stages("receive", clock, now),
            now,
            clock,
            trace_parent=headers.get("traceparent"),
            trace_state=headers.get("tracestate"),
            client=client,
        )

    @property
    def trace_id(self) -> str | None:
        """Of the trace that the client is in, 32 hexadecimal digits."""
        match = _TRACE_PARENT.fullmatch(self.trace_parent or "")
        return match[1] if match else None

    def total_s(self) -> float:
        """Seconds since the request came in."""
        return self.clock() - self.began_at

    def failed_with(self, error: Exception) -> int:
        """Note that the request ends with `error`; the status of its answer."""
        status, self.outcome = status_and_code(error)
        return status

    def server_timing(self) -> str:
        """The stages until now and their total, as the header `Server-Timing` has them."""
        stages = {**self.stages.seconds(), "total": self.total_s()}
        return ", ".join(f"{name};dur={seconds * 1000:.2f}" for name, seconds in stages.items())

    def ended(self, method: str, route: str, status: int) -> "EndedRequest":
        """The request as it ended, with `status` 0 where no answer was begun."""
        outcome = self.outcome or (OK if 0 < status < 400 else _DISCONNECTED if status == 0 else _OTHER)
        return EndedRequest(self, method, route, status, outcome, self.stages.seconds(), self.total_s())


@dataclass(frozen=True, slots=True)
class EndedRequest:
    """A request after its answer. `stage_seconds` add up to `total_s`; `outcome` is one of a closed set."""

    record: RequestRecord
    method: str
    route: str
    status: int
    outcome: str
    stage_seconds: dict[str, float]
    total_s: float

    def log_facts(self) -> dict[str, str | int | float]:
        """The fields of its log line; times in milliseconds."""
        trace_id = self.record.trace_id
        return {
            "request_id": self.record.request_id,
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "outcome": self.outcome,
            "total_ms": round(self.total_s * 1000, 2),
            **{f"{name}_ms": round(seconds * 1000, 2) for name, seconds in self.stage_seconds.items()},
            **({"client": self.record.client} if self.record.client else {}),
            **({"trace_id": trace_id} if trace_id else {}),
            **self.record.facts,
        }


# Told of every request after its answer.
OnRequest = Callable[[EndedRequest], None]


def put_record(scope: Scope, record: RequestRecord) -> None:
    """Hand the record to all that answer this request."""
    scope[_SCOPE_KEY] = record


def request_record(scope: Scope) -> RequestRecord:
    """The record that the envelope put into `scope`."""
    record: RequestRecord = scope[_SCOPE_KEY]
    return record
