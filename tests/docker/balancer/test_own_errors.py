"""What the balancer answers itself: counted where the error budget looks, and logged as JSON."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import MAX_IN_FLIGHT

RULES = (Path(__file__).parents[3] / "monitoring" / "rules.yaml").read_text()


def own_errors(balancer):
    """The counters that monitoring/rules.yaml adds to the service's errors."""
    selectors = set(re.findall(r'(haproxy_backend_\w+)\{job="balancer",proxy=~?"([^"]+)"\}', RULES))
    assert selectors
    total = 0.0
    for name, proxies in selectors:
        found = [
            value for (metric, proxy, _), value in balancer.metrics().items()
            if metric == name and re.fullmatch(proxies, proxy)
        ]  # fmt: skip
        assert found, f"HAProxy has no {name} of {proxies}"
        total += sum(found)
    return total


def test_answers_of_replicas_are_no_errors_of_the_balancer(balancer, replicas):
    balancer.post()
    for replica in replicas:
        replica.mode = "full"
    assert balancer.post().status == 429
    assert own_errors(balancer) == 0


def test_a_repeated_request_is_no_error(balancer, replicas):
    replicas[0].mode = "lost"
    assert [balancer.post().status for _ in range(4)] == [200] * 4
    assert own_errors(balancer) == 0


def test_a_lost_answer_that_is_not_repeated_counts(balancer, replicas):
    for replica in replicas:
        replica.mode = "lost"
    answer = balancer.post()
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (502, "not_ready")
    assert own_errors(balancer) == 1


def test_no_replica_counts(balancer, replicas):
    for replica in replicas:
        replica.close()
    for _ in range(2):
        answer = balancer.post()
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (503, "not_ready")
        assert answer.headers["Retry-After"] == "1"
    assert own_errors(balancer) == 2


def test_a_full_balancer_counts_and_a_greedy_client_does_not(balancer, replicas):
    for replica in replicas:
        replica.mode = "held"
    with ThreadPoolExecutor(MAX_IN_FLIGHT) as clients:
        held = [clients.submit(balancer.post) for _ in range(MAX_IN_FLIGHT)]
        while sum(replica.posts for replica in replicas) < MAX_IN_FLIGHT:
            assert not any(future.done() for future in held)
        answer = balancer.post()
        assert (answer.status, json.loads(answer.body)["error"]["code"]) == (429, "overloaded")
        for replica in replicas:
            replica.release.set()
        assert [future.result().status for future in held] == [200] * MAX_IN_FLIGHT
    assert own_errors(balancer) == 1
    while balancer.post().status != 429:
        pass
    assert own_errors(balancer) == 1


def test_a_vanished_replica_is_given_up_and_the_photo_sent_to_another(balancer, replicas):
    replicas[0].vanish()
    assert [balancer.post().status for _ in range(4)] == [200] * 4
    assert replicas[1].posts == 4
    assert own_errors(balancer) == 0
    assert {line["retries"] for line in balancer.log() if line["message"] == "request"} == {"0", "+1"}


def test_every_line_is_json_also_what_haproxy_says_of_itself(balancer, replicas):
    replicas[0].mode = "lost"
    for _ in range(4):
        balancer.post(key="secret-key")
    for replica in replicas:
        replica.close()
    balancer.wait_for_line(lambda line: "has no server available" in line["message"])
    lines = balancer.log()
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    assert {line["level"] for line in lines} >= {"info", "warning"}
    assert "+1" in {line.get("retries") for line in lines}
    assert "secret-key" not in balancer.log_path.read_text()


def test_a_configuration_that_is_wrong_ends_it_and_is_said_in_json(start_balancer):
    wrong = start_balancer(serves=False, BALANCER_TRUSTED_PROXIES='not an "address"')
    assert wrong.process.wait(60) != 0
    wrong.wait_for_line(lambda line: line["level"] == "error" and "address" in line["message"])


@pytest.mark.parametrize("name", ["BALANCER_REPLAY_BYTES", "BALANCER_MAX_IN_FLIGHT"])
def test_a_number_that_is_none_ends_it(start_balancer, name):
    assert start_balancer(serves=False, **{name: "many"}).process.wait(60) != 0
