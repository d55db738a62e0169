"""Promises of `docker compose up --scale api=3`: one address, all replicas, and no request lost whatever becomes of
one of them. The stack is shared; every test leaves three healthy replicas behind.
"""

import contextlib
import http.client
import json
import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[3]
ENOUGH = 30  # requests, by six clients: each replica is in the middle of some


def json_lines(lines):
    return [json.loads(line) for line in lines if line]


def served(log_of, replica):
    lines = json_lines(log_of(replica))
    return sum(line.get("route") == "/crop" and line.get("status") == 200 for line in lines)


def restarts(stack, replica):
    return stack.inspect(replica)["RestartCount"]


def test_all_replicas_serve(stack, load, log_of):
    with load:
        load.wait_for(ENOUGH)
    assert load.lost == []
    counts = {replica[:12]: served(log_of, replica) for replica in stack.replicas()}
    print(f"\nphotos by replica: {counts}")
    assert len(counts) == 3
    assert min(counts.values()) > 0


def test_same_photo_gets_the_same_crops_from_every_replica(stack, photos):
    answers = [stack.post(photos[0]).json()["crops"] for _ in range(6)]
    assert all(answer == answers[0] for answer in answers)


def test_large_upload_is_streamed_through(stack):
    # Seven times what the balancer holds for a repetition.
    buffer = BytesIO()
    Image.new("RGB", (3200, 3200), "teal").save(buffer, "BMP")
    assert buffer.tell() > 7 * 4 * 1024 * 1024
    answer = stack.post(buffer.getvalue())
    assert answer.status_code == 200, answer.text
    assert answer.json()["image"] == {"width": 3200, "height": 3200}


def test_too_large_upload_is_refused_before_it_is_sent(stack):
    connection = http.client.HTTPConnection(stack.url.removeprefix("http://"), timeout=60)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/crop")
        connection.putheader("Content-Length", str(32 * 1024 * 1024 + 1))
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == 413
        assert json.load(answer)["error"]["code"] == "too_large"


def test_answers_carry_security_headers_and_the_request_s_id(stack, photos):
    answer = stack.post(photos[0], **{"X-Request-ID": "my-id.1"})
    assert answer.headers["x-request-id"] == "my-id.1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors" in answer.headers["content-security-policy"]
    assert "server" not in answer.headers


def test_keys_are_asked_for_and_health_is_open(stack, photos):
    assert stack.post(photos[0], key=None).status_code == 401
    assert stack.post(photos[0], key="wrong-key-0123456789").status_code == 401
    assert stack.post(photos[0], key="second-key-9876543210").status_code == 200
    assert httpx.get(stack.url + "/healthz").status_code == 200
    assert httpx.get(stack.url + "/readyz").status_code == 200


def test_web_page_is_served_without_a_key(stack):
    answer = httpx.get(stack.url + "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    links = re.findall(r'(?:src|href)="(static/[^"]+)"', answer.text)
    assert links
    assert {httpx.get(f"{stack.url}/{link}").status_code for link in links} == {200}


def test_metrics_are_not_reachable_through_the_balancer(stack):
    answer = httpx.get(stack.url + "/metrics", headers={"X-API-Key": "first-key-0123456789"})
    assert answer.status_code == 404


def test_replica_can_write_nothing_is_not_root_and_reaches_nothing(stack, docker):
    script = "id -u; for d in / /opt/venv /etc; do touch $d/x 2>/dev/null && echo $d; done; true"
    assert docker("exec", stack.replicas()[0], "sh", "-c", script).split() == ["10001"]
    connect = "import socket; s = socket.socket(); s.settimeout(2); print(s.connect_ex(('1.1.1.1', 443)))"
    assert docker("exec", stack.replicas()[0], "/opt/venv/bin/python", "-c", connect).strip() != "0"
    for service in ("api", "balancer"):
        host = stack.inspect(stack.compose("ps", "--quiet", service).split()[0])["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["RestartPolicy"]["Name"] == "unless-stopped"


def test_killed_replica_loses_no_request_and_comes_back(stack, docker, load):
    replica = stack.replicas()[0]
    before = restarts(stack, replica)
    with load:
        load.wait_for(ENOUGH)
        docker("exec", replica, "sh", "-c", "kill -9 -1")  # all of the replica's processes
        load.wait_for(2 * ENOUGH)
        stack.wait_for_replicas()
        load.wait_for(ENOUGH)
    assert load.lost == []
    assert restarts(stack, replica) == before + 1


def test_replica_out_of_memory_loses_no_request_and_comes_back(stack, docker, load):
    replica = stack.replicas()[1]
    before = restarts(stack, replica)
    # Takes memory up to the replica's limit; the kernel is told to choose the service then.
    script = """for process in /proc/[0-9]*; do
        grep -qa ^/opt/venv/bin/python $process/cmdline && echo 1000 > $process/oom_score_adj
    done 2>/dev/null; tail /dev/zero"""
    with load:
        load.wait_for(ENOUGH)
        subprocess.run(["docker", "exec", replica, "sh", "-c", script], capture_output=True)
        load.wait_for(ENOUGH)
        stack.wait_for_replicas()
        load.wait_for(ENOUGH)
    assert load.lost == []
    assert restarts(stack, replica) == before + 1


def test_roll_of_all_replicas_loses_no_request(stack, load):
    before = set(stack.replicas())
    with load:
        load.wait_for(ENOUGH)
        rolled = subprocess.run(
            [ROOT / "docker" / "roll.sh"], env=stack.full_environment, capture_output=True, text=True
        )
        assert rolled.returncode == 0, rolled.stderr
        load.wait_for(ENOUGH)
    assert load.lost == []
    after = set(stack.replicas())
    assert len(after) == 3
    assert not before & after


def test_fewer_and_more_replicas_under_load_lose_no_request(stack, load):
    with load:
        for count in (1, 3):
            stack.compose("up", "--detach", "--no-build", "--no-recreate", "--scale", f"api={count}", "--wait", "api")
            load.wait_for(ENOUGH)
    assert load.lost == []
    stack.wait_for_replicas()


# Twice what three replicas take (the stack's own limit), and fewer than the balancer's rate limit.
AT_ONCE = 2 * 3 * 32


def test_full_service_answers_429_with_retry_after_and_stays_in_service(stack, photos):
    with ThreadPoolExecutor(AT_ONCE) as clients:
        answers = list(clients.map(lambda _: stack.post(photos[0]), range(AT_ONCE)))
    statuses = Counter(answer.status_code for answer in answers)
    print(f"\n{AT_ONCE} photos at once: {dict(statuses)}")
    assert set(statuses) <= {200, 429, 504}
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert stack.post(photos[0]).status_code == 200


def test_logs_are_json_and_hold_no_key(stack, log_of):
    def check(lines):
        assert lines
        assert all({"time", "level", "message"} <= set(line) for line in json_lines(lines))

    for replica in stack.replicas():
        check(log_of(replica))
    balancer = stack.compose("ps", "--quiet", "balancer").strip()
    check(log_of(balancer))  # standard error as well, where HAProxy says what becomes of replicas
    everything = "\n".join(line for container in [*stack.replicas(), balancer] for line in log_of(container))
    assert "key-0123456789" not in everything


def test_client_above_the_rate_limit_is_answered_429_and_others_are_served(stack, photos):
    # Wrong keys are counted like right ones, and are cheap to refuse. Last, as it uses up this key's minute.
    greedy = "greedy-key-0123456789"

    def ask(_):
        with httpx.Client(timeout=60, headers={"X-API-Key": greedy}) as client:
            return [client.post(stack.url + "/crop").status_code for _ in range(120)]

    with ThreadPoolExecutor(6) as clients:
        statuses = Counter(status for part in clients.map(ask, range(6)) for status in part)
    assert set(statuses) == {401, 429}
    limited = stack.post(b"", key=greedy)
    assert limited.status_code == 429
    assert int(limited.headers["retry-after"]) >= 1
    assert limited.json()["error"]["code"] == "overloaded"
    assert stack.post(photos[0]).status_code == 200
