"""Promises of a running server: overload, deadlines, disconnects, poison, concurrency."""

import asyncio
import contextlib
import json
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PHOTOS = sorted((ROOT / "tests" / "photos").glob("*.jpg"))
EXPORT = ROOT / "model" / "weights" / "vrn-mobilenetv2.onnx"
PATIENCE_S = 60


def post(server, photo, **headers):
    return httpx.post(server.url(), content=photo, headers=headers, timeout=PATIENCE_S)


def metric(server, name):
    for line in httpx.get(server.url("/metrics"), timeout=PATIENCE_S).text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    raise AssertionError(f"{name} is not exposed")


def wait_for_metric(server, name, value):
    until = time.monotonic() + PATIENCE_S
    while metric(server, name) != value:
        assert time.monotonic() < until, f"{name} never became {value}"


def variants(photo: bytes) -> list[bytes]:
    """One photo in several shapes and formats, so that batches of different shapes compete."""
    image = Image.open(BytesIO(photo)).convert("RGB")
    width, height = image.size
    side = min(width, height)
    results = []
    for box, file_format in (
        ((0, 0, width, height), "JPEG"),
        ((0, 0, side, side), "PNG"),
        ((0, 0, width, max(1, height // 2)), "WEBP"),
        ((0, 0, max(1, width // 2), height), "BMP"),
    ):
        buffer = BytesIO()
        image.crop(box).save(buffer, file_format)
        results.append(buffer.getvalue())
    return results


@pytest.mark.skipif(not EXPORT.exists(), reason="the exported model is not in this checkout")
async def test_64_clients_at_once_get_what_each_would_get_alone(start_server, tmp_path):
    server = start_server(VRN_DEVICE="cpu", VRN_REQUEST_TIMEOUT_S="60", VRN_MAX_BATCH_SIZE="4")
    server.wait_ready()
    photos = [variant for path in PHOTOS for variant in variants(path.read_bytes())]
    query = "/crop?top_k=50&aspect_ratio=free&aspect_ratio=4:5"
    alone = [httpx.post(server.url(query), content=photo, timeout=PATIENCE_S).json() for photo in photos]

    async def all_at_once():
        limits = httpx.Limits(max_connections=64)
        async with httpx.AsyncClient(limits=limits, timeout=PATIENCE_S) as client:
            requests = [client.post(server.url(query), content=photos[n % len(photos)]) for n in range(64)]
            return await asyncio.gather(*requests)

    answers = await all_at_once()
    assert [answer.status_code for answer in answers] == [200] * 64
    for number, answer in enumerate(answers):
        expected = alone[number % len(photos)]
        assert answer.json()["image"] == expected["image"]
        by_box = {(crop["aspect_ratio"], *crop["box"].values()): crop["score"] for crop in expected["crops"]}
        crops = answer.json()["crops"]
        # Views whose scores differ by less than the tolerance may swap places, at the end of the list too.
        found = [(crop["score"], by_box.get((crop["aspect_ratio"], *crop["box"].values()))) for crop in crops]
        worst = min(by_box.values())
        for score, alone_score in found:
            assert score == pytest.approx(worst if alone_score is None else alone_score, abs=1e-4)
        assert sum(alone_score is None for _, alone_score in found) <= 1
    assert metric(server, "vrn_batch_size_sum") > metric(server, "vrn_batch_size_count"), "nothing was batched"


def test_full_queue_answers_429_at_once(gated_server, flat_photo):
    server, gate = gated_server(VRN_MAX_QUEUE_SIZE="3", VRN_MAX_BATCH_SIZE="1")
    gate.hold()
    with ThreadPoolExecutor(3) as clients:
        accepted = [clients.submit(post, server, flat_photo(n)) for n in range(3)]
        wait_until_full(server)
        seconds = []
        with httpx.Client(timeout=PATIENCE_S) as client:
            for _ in range(5):
                began = time.monotonic()
                answer = client.post(server.url(), content=flat_photo(9))
                seconds.append(time.monotonic() - began)
                assert answer.status_code == 429
                assert answer.json()["error"]["code"] == "overloaded"
                assert int(answer.headers["retry-after"]) >= 1
        assert min(seconds) < 0.1
        gate.open()
        assert [future.result().status_code for future in accepted] == [200] * 3
    assert 9 not in gate.scored()


def wait_until_full(server):
    until = time.monotonic() + PATIENCE_S
    while httpx.get(server.url("/readyz"), timeout=PATIENCE_S).json()["state"] != "overloaded":
        assert time.monotonic() < until, "the service never filled up"


def test_expired_and_disconnected_requests_never_reach_the_engine(gated_server, flat_photo):
    server, gate = gated_server(VRN_MAX_BATCH_SIZE="4")
    gate.hold()
    with ThreadPoolExecutor(4) as clients:
        running = clients.submit(post, server, flat_photo(1))
        gate.wait_until_running()
        expired = clients.submit(post, server, flat_photo(2), **{"x-request-timeout-ms": "50"})
        patient = clients.submit(post, server, flat_photo(3))
        answer = expired.result()
        assert (answer.status_code, answer.json()["error"]["code"]) == (504, "deadline")

        photo = flat_photo(4)
        leaver = socket.create_connection(("127.0.0.1", server.port))
        head = f"POST /crop HTTP/1.1\r\nHost: x\r\nContent-Length: {len(photo)}\r\n\r\n"
        leaver.sendall(head.encode() + photo)
        wait_for_metric(server, "vrn_batch_size_count", 2)
        leaver.close()
        wait_for_metric(server, 'vrn_requests_total{outcome="disconnected",route="/crop"}', 1)
        gate.open()
        assert [running.result().status_code, patient.result().status_code] == [200, 200]
    assert post(server, flat_photo(5)).status_code == 200
    assert sorted(gate.scored()) == [1, 3, 5]


def test_poison_photo_fails_alone_among_others(gated_server, flat_photo):
    server, gate = gated_server(VRN_MAX_BATCH_SIZE="8")
    gate.hold()
    shades = [10, 20, 255, 30]
    with ThreadPoolExecutor(8) as clients:
        first = clients.submit(post, server, flat_photo(1))
        gate.wait_until_running()
        futures = [clients.submit(post, server, flat_photo(shade)) for shade in shades]
        wait_for_metric(server, "vrn_in_flight", 6)  # these five, and the request for the metrics
        gate.open()
        assert first.result().status_code == 200
        assert [future.result().status_code for future in futures] == [200, 200, 500, 200]
    assert httpx.get(server.url("/healthz"), timeout=PATIENCE_S).status_code == 200


def test_metrics_have_their_own_port_if_asked(gated_server):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server, _ = gated_server(VRN_METRICS_PORT=str(port), VRN_HEAD_TIMEOUT_S="600")
    assert "vrn_ready 1.0" in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
    assert httpx.get(server.url("/metrics"), timeout=PATIENCE_S).status_code == 404
    threads = psutil.Process(server.process.pid).num_threads()
    with contextlib.ExitStack() as idle:
        for _ in range(50):
            waiting = idle.enter_context(socket.create_connection(("127.0.0.1", port)))
            waiting.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert "vrn_connections 51.0" in httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE_S).text
        assert psutil.Process(server.process.pid).num_threads() == threads


def test_connections_beyond_the_descriptors_are_refused_in_words(gated_command, flat_photo):
    command, environment, port = gated_command
    environment["VRN_HEAD_TIMEOUT_S"] = "600"
    limited = ["sh", "-c", 'ulimit -n 300; exec "$@"', "sh", *command]
    with contextlib.ExitStack() as stack:
        process = stack.enter_context(subprocess.Popen(limited, env=environment, stderr=subprocess.PIPE))
        stack.callback(process.kill)
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S))
        wait_until_ready(client)
        busy = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(60)]
        for connection in busy:
            connection.sendall(b"GET / HTTP/1.1\r\n")  # not idle: it makes no room
        while (answer := httpx.post(f"http://127.0.0.1:{port}/crop", content=flat_photo(1))).status_code == 200:
            pass  # until the server has seen them all
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "overloaded")
        assert client.get("/readyz").status_code == 200
        process.terminate()
        assert process.stderr is not None
        assert b"file descriptors" in process.stderr.read()


@pytest.mark.parametrize(
    ("trusted", "client"), [("", "127.0.0.1"), ("127.0.0.0/8,192.0.2.7", "203.0.113.5"), ("192.0.2.7", "127.0.0.1")]
)
def test_log_names_the_client_whom_a_trusted_proxy_names(gated_server, flat_photo, trusted, client):
    server, _ = gated_server(VRN_TRUSTED_PROXIES=trusted)
    post(server, flat_photo(7), **{"x-forwarded-for": "198.51.100.9, 203.0.113.5, 192.0.2.7"})
    server.process.terminate()
    assert server.wait() == 0
    (line,) = [line for line in map(json.loads, server.log) if line.get("route") == "/crop"]
    assert line["client"] == client


def test_what_is_written_past_the_log_is_json_too(gated_server, flat_photo):
    server, gate = gated_server()
    (gate.folder / "noisy").touch()
    assert post(server, flat_photo(7)).status_code == 200
    server.process.terminate()
    assert server.wait() == 0
    lines = [json.loads(line) for line in server.log]
    messages = [line["message"] for line in lines]
    assert "from a C library" in messages
    assert any(message.startswith("its last line") for message in messages)
    assert any(message.endswith("printed") for message in messages)
    assert any("a warning of Python" in message for message in messages)
    (thread,) = [line for line in lines if "careless" in line["message"]]
    assert "ZeroDivisionError" in thread["exception"]


def test_log_that_nobody_reads_stops_no_request(gated_command, flat_photo):
    """A pipe holds 64 KiB: some two hundred lines."""
    command, environment, port = gated_command
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
                wait_until_ready(client)
                for number in range(400):
                    assert client.post("/crop", content=flat_photo(number % 200)).status_code == 200
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


def wait_until_ready(client):
    until = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        assert time.monotonic() < until, "the server never was ready"
        time.sleep(0.01)


def test_every_log_line_is_json_and_a_request_has_one(gated_server, flat_photo):
    server, _ = gated_server()
    assert post(server, flat_photo(7), **{"x-request-id": "find-me"}).status_code == 200
    server.process.terminate()
    assert server.wait() == 0
    lines = [json.loads(line) for line in server.log]
    (mine,) = [line for line in lines if line.get("request_id") == "find-me"]
    assert (mine["status"], mine["outcome"], mine["batch_size"]) == (200, "ok", 1)
