"""The balancer's rules, asked of a real HAProxy: repeats, limits, headers."""

import json
import time

import pytest

from .conftest import RATE, REPLAY_BYTES


@pytest.mark.parametrize("mode", ["lost", "draining"])
@pytest.mark.parametrize("size", [0, 60_000, REPLAY_BYTES - 100_000])
def test_request_is_repeated_elsewhere_when_a_replica_is_lost_or_drains(balancer, replicas, mode, size):
    replicas[0].mode = mode
    answers = [balancer.post(size)[:2] for _ in range(6)]
    assert answers == [(200, str(size).encode())] * 6
    assert replicas[0].posts > 0


def test_request_too_large_to_be_held_is_streamed_and_not_repeated(balancer, replicas):
    assert balancer.post(2 * REPLAY_BYTES)[:2] == (200, str(2 * REPLAY_BYTES).encode())
    for replica in replicas:
        replica.mode = "draining"
    status, _, headers = balancer.post(2 * REPLAY_BYTES)
    assert (status, headers["Retry-After"]) == (503, "1")


def test_answer_of_a_full_replica_is_passed_on_and_not_repeated(balancer, replicas):
    for replica in replicas:
        replica.mode = "full"
    time.sleep(1.5)  # several health checks: full replicas stay in service
    before = sum(replica.posts for replica in replicas)
    status, body, headers = balancer.post()
    assert (status, body, headers["Retry-After"]) == (429, b"full", "7")
    assert sum(replica.posts for replica in replicas) == before + 1


def test_both_replicas_serve(balancer, replicas):
    for _ in range(8):
        balancer.post()
    assert min(replica.posts for replica in replicas) > 0


@pytest.mark.parametrize(("path", "limit"), [("/crop", 33554432), ("/crop/batch", 134217728)])
def test_declared_size_above_the_limit_is_refused_before_the_body_comes(balancer, replicas, path, limit):
    status, body, _ = balancer.ask("POST", path, headers=(("Content-Length", str(limit + 1)),))
    assert status == 413
    assert json.loads(body)["error"]["code"] == "too_large"
    assert str(limit) in json.loads(body)["error"]["message"]


def test_rate_is_limited_by_key_and_a_second_header_is_no_way_around(balancer):
    statuses = [balancer.post(key="greedy")[0] for _ in range(RATE + 5)]
    assert statuses == [200] * RATE + [429] * 5
    status, body, headers = balancer.post(key="greedy")
    assert (status, json.loads(body)["error"]["code"], headers["Retry-After"]) == (429, "overloaded", "5")
    assert balancer.ask("POST", "/crop", headers=(("X-API-Key", "greedy"), ("X-API-Key", "fresh")))[0] == 429
    assert balancer.ask("POST", "/crop", headers=(("X-API-Key", "greedy"), ("Authorization", "Bearer a")))[0] == 429
    assert balancer.ask("POST", "/crop", headers=(("Authorization", "Bearer greedy"),))[0] == 429
    assert balancer.post(key="modest")[0] == 200


def test_answers_carry_security_headers_and_an_id(balancer):
    _, _, headers = balancer.ask("POST", "/crop", headers=(("X-Request-ID", "my-id.1"),))
    assert headers["X-Request-ID"] == "my-id.1"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert balancer.post()[2]["X-Request-ID"]
