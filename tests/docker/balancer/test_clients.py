"""Who a client is: its own address, or what a proxy of the operator's list says; never what the client says."""

import pytest

from .conftest import RATE

PROXIES = "127.0.0.0/8,192.0.2.7"


def is_request(line):
    return line["message"] == "request"


def forwarded(replicas):
    return [headers["X-Forwarded-For"] for replica in replicas for headers in replica.headers]


@pytest.fixture
def unkeyed(start_balancer):
    return start_balancer(BALANCER_KEYED="")


@pytest.fixture
def behind_proxies(start_balancer):
    return start_balancer(BALANCER_KEYED="", BALANCER_TRUSTED_PROXIES=PROXIES)


def test_what_a_client_says_of_itself_is_not_believed(unkeyed, replicas):
    unkeyed.post(X_Forwarded_For="203.0.113.5", Forwarded="for=203.0.113.5")
    assert forwarded(replicas) == ["127.0.0.1"]
    assert [headers["Forwarded"] for replica in replicas for headers in replica.headers] == [None]
    assert unkeyed.wait_for_line(is_request)["client"] == "127.0.0.1"


def test_clients_cannot_leave_their_rate_limit_by_a_header(unkeyed):
    statuses = [unkeyed.post(X_Forwarded_For=f"203.0.113.{n}").status for n in range(RATE + 2)]
    assert statuses == [200] * RATE + [429] * 2


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("203.0.113.5", "203.0.113.5"),
        ("198.51.100.9, 203.0.113.5", "203.0.113.5"),  # the first one is what the client made up
        ("198.51.100.9, 203.0.113.5, 192.0.2.7", "203.0.113.5"),  # two proxies in a row
        ("2001:db8::5", "2001:db8::5"),
        ("nonsense", "127.0.0.1"),
        ("192.0.2.7", "192.0.2.7"),  # the proxy itself asks
    ],
)
def test_a_listed_proxy_names_the_client(behind_proxies, replicas, header, client):
    behind_proxies.post(X_Forwarded_For=header)
    assert forwarded(replicas) == [client]
    assert behind_proxies.wait_for_line(is_request)["client"] == client


def test_each_client_behind_a_proxy_has_a_rate_limit_of_its_own(behind_proxies):
    greedy = [behind_proxies.post(X_Forwarded_For="203.0.113.5").status for _ in range(RATE + 2)]
    assert greedy == [200] * RATE + [429] * 2
    assert behind_proxies.post(X_Forwarded_For="203.0.113.6").status == 200


def test_replicas_are_told_whether_the_client_came_by_tls(behind_proxies, unkeyed, replicas):
    unkeyed.post(X_Forwarded_Proto="https")
    behind_proxies.post(X_Forwarded_Proto="https")
    assert sorted(h["X-Forwarded-Proto"] for replica in replicas for h in replica.headers) == ["http", "https"]
