"""What the service remembers of a request, without any request being sent."""

import re

import pytest

from vrn_cropper.service.error_codes import OUTCOMES
from vrn_cropper.service.errors import DeadlineError
from vrn_cropper.service.http.request_record import RequestRecord, put_record, request_record


class SetClock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return SetClock()


@pytest.mark.parametrize("given", ["a", "my-id.1_2", "x" * 128])
def test_id_of_the_client_is_kept(clock, given):
    assert RequestRecord.begin({"x-request-id": given}, clock).request_id == given


@pytest.mark.parametrize("given", [None, "", "two words", "line\nbreak", "x" * 129, "é"])
def test_id_that_a_log_could_not_carry_is_replaced_by_one_of_our_own(clock, given):
    headers = {} if given is None else {"x-request-id": given}
    ids = {RequestRecord.begin(headers, clock).request_id for _ in range(2)}
    assert len(ids) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in ids)


@pytest.mark.parametrize(
    ("header", "trace_id"),
    [
        (f"00-{'a1' * 16}-{'b2' * 8}-01", "a1" * 16),
        (f"00-{'A1' * 16}-{'b2' * 8}-01", None),
        ("nonsense", None),
        (None, None),
    ],
)
def test_trace_is_that_of_a_well_formed_header_alone(clock, header, trace_id):
    headers = {} if header is None else {"traceparent": header}
    assert RequestRecord.begin(headers, clock).trace_id == trace_id


@pytest.mark.parametrize(
    ("noted", "status", "outcome"),
    [
        (None, 200, "ok"),
        (None, 304, "ok"),
        (None, 503, "other"),
        (None, 0, "disconnected"),
        ("overloaded", 429, "overloaded"),
        ("unsupported", 200, "unsupported"),
    ],
)
def test_outcome_is_what_was_noted_else_what_the_status_says(clock, noted, status, outcome):
    record = RequestRecord.begin({}, clock)
    record.outcome = noted
    ended = record.ended("POST", "/crop", status)
    assert ended.outcome == outcome
    assert outcome == "other" or outcome in OUTCOMES


def test_error_ends_a_request_by_the_table(clock):
    record = RequestRecord.begin({}, clock)
    assert record.failed_with(DeadlineError("late")) == 504
    assert record.ended("POST", "/crop", 504).outcome == "deadline"


def test_stages_add_up_in_the_header_and_in_the_log_line(clock):
    record = RequestRecord.begin({"x-request-id": "one"}, clock)
    clock.now += 0.25
    record.stages.begin("decode")
    clock.now += 0.5
    assert record.server_timing() == "receive;dur=250.00, decode;dur=500.00, total;dur=750.00"
    record.facts["bytes"] = 12
    assert record.ended("POST", "/crop", 200).log_facts() == {
        "request_id": "one", "method": "POST", "route": "/crop", "status": 200, "outcome": "ok",
        "total_ms": 750.0, "receive_ms": 250.0, "decode_ms": 500.0, "bytes": 12,
    }  # fmt: skip


def test_record_is_found_where_it_was_put(clock):
    scope, record = {}, RequestRecord.begin({}, clock)
    put_record(scope, record)
    assert request_record(scope) is record
