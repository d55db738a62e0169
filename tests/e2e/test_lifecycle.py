"""Promises of the process: start-up errors, drain, second signal, restart, a dying batch loop."""

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

PATIENCE_S = 60
EXPORT = Path(__file__).parents[2] / "model" / "weights" / "vrn-mobilenetv2.onnx"


def post(server, photo):
    return httpx.post(server.url(), content=photo, timeout=PATIENCE_S)


def state(server):
    return httpx.get(server.url("/readyz"), timeout=PATIENCE_S).json()["state"]


def wait_for_state(server, wanted):
    until = time.monotonic() + PATIENCE_S
    while state(server) != wanted:
        assert time.monotonic() < until, f"the state never became {wanted}"


def test_sigterm_under_load_loses_no_accepted_request(gated_server, flat_photo):
    server, gate = gated_server(VRN_DRAIN_TIMEOUT_S="60", VRN_MAX_QUEUE_SIZE="12")
    gate.hold()
    with ThreadPoolExecutor(12) as clients:
        accepted = [clients.submit(post, server, flat_photo(n)) for n in range(12)]
        wait_for_state(server, "overloaded")  # all twelve are accepted
        server.signal(signal.SIGTERM)
        wait_for_state(server, "draining")  # not ready at once, while it still listens
        refused = post(server, flat_photo(99))
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.headers["connection"] == "close"
        gate.open()
        assert [future.result().status_code for future in accepted] == [200] * 12
    assert server.wait() == 0
    assert sorted(gate.scored()) == list(range(12))


def test_drain_ends_at_its_limit(gated_server, flat_photo):
    server, gate = gated_server(VRN_DRAIN_TIMEOUT_S="0.2")
    gate.hold()
    with ThreadPoolExecutor(1) as clients:
        stuck = clients.submit(post, server, flat_photo(1))
        gate.wait_until_running()
        server.signal(signal.SIGTERM)
        # The engine's thread cannot be stopped; whoever waits gets an answer or a closed connection.
        assert stuck.exception(PATIENCE_S) is not None or stuck.result().status_code >= 500
        assert server.wait() == 0  # the thread still hangs: nobody joins it
    assert any("drain limit" in line for line in server.log)


def test_second_signal_ends_the_process_at_once(gated_server, flat_photo):
    server, gate = gated_server(VRN_DRAIN_TIMEOUT_S="600")
    gate.hold()
    with ThreadPoolExecutor(1) as clients:
        stuck = clients.submit(post, server, flat_photo(1))
        gate.wait_until_running()
        server.signal(signal.SIGTERM)
        wait_for_state(server, "draining")
        server.signal(signal.SIGTERM)
        assert server.wait() == 128 + signal.SIGTERM
        assert isinstance(stuck.exception(PATIENCE_S), httpx.TransportError)


def test_hangup_drains_and_a_second_one_changes_nothing(gated_server, flat_photo):
    server, gate = gated_server(VRN_DRAIN_TIMEOUT_S="600")
    gate.hold()
    with ThreadPoolExecutor(1) as clients:
        accepted = clients.submit(post, server, flat_photo(1))
        gate.wait_until_running()
        server.signal(signal.SIGHUP)
        wait_for_state(server, "draining")
        server.signal(signal.SIGHUP)
        assert state(server) == "draining"
        gate.open()
        assert accepted.result().status_code == 200
    assert server.wait() == 0


def test_hangup_is_ignored_where_the_process_was_started_so(start_server, tiny_export, tmp_path):
    script = str(Path(__file__).parent / "gated_server.py")
    ignoring = (
        "import signal, runpy; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
        f" runpy.run_path({script!r}, run_name='__main__')"
    )
    server = start_server(("-c", ignoring), E2E_DIR=str(tmp_path), VRN_MODEL_PATH=str(tiny_export)).wait_ready()
    server.signal(signal.SIGHUP)
    assert state(server) == "ready"
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert not any("SIGHUP" in line for line in server.log)


def slow_picture(server, noise):
    """A connection with a small buffer whose picture of some megabytes is on its way, its head read."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    reader.settimeout(PATIENCE_S)
    reader.connect(("127.0.0.1", server.port))
    head = f"POST /crop/image?format=png HTTP/1.1\r\nHost: x\r\nContent-Length: {len(noise)}\r\n\r\n"
    reader.sendall(head.encode() + noise)
    received = b""
    while b"\r\n\r\n" not in received:
        received += reader.recv(100)
    head, _, begun = received.partition(b"\r\n\r\n")
    length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
    return reader, length, len(begun)


def test_drain_waits_for_a_client_that_reads_its_answer_slowly(gated_server, noise_photo):
    server, _ = gated_server(VRN_DRAIN_TIMEOUT_S="60")
    reader, length, size = slow_picture(server, noise_photo)
    assert length > 5_000_000  # more than any buffer between the two
    with reader:
        server.signal(signal.SIGTERM)
        wait_for_state(server, "draining")
        while chunk := reader.recv(65536):
            size += len(chunk)
            time.sleep(0.001)
    assert size == length
    assert server.wait() == 0
    assert not any("drain limit" in line for line in server.log)


def test_client_that_does_not_read_holds_a_drain_no_longer_than_the_floor_allows(gated_server, noise_photo):
    server, _ = gated_server(VRN_DRAIN_TIMEOUT_S="3600", VRN_STALL_TIMEOUT_S="0.5")
    reader, _, _ = slow_picture(server, noise_photo)
    with reader:
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
    assert any("slow_reader" in line for line in server.log)


def test_idle_process_closes_its_engine_and_ends_with_zero_on_any_signal(gated_server):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        server, gate = gated_server()
        server.signal(number)
        assert server.wait() == 0
        (gate.folder / "closed").unlink()


def test_killed_process_is_ready_again_on_the_same_port(gated_server, flat_photo):
    server, _ = gated_server()
    assert post(server, flat_photo(1)).status_code == 200
    port = server.port
    server.signal(signal.SIGKILL)
    server.wait()
    again, _ = gated_server(VRN_PORT=str(port))
    assert again.port == port
    assert post(again, flat_photo(2)).status_code == 200


def test_dying_batch_loop_ends_the_process_with_an_error(gated_server, flat_photo):
    server, _ = gated_server(E2E_BREAK_LOOP="1")
    with contextlib.suppress(httpx.TransportError):  # the process may be gone before its answer is
        assert post(server, flat_photo(1)).status_code == 500
    assert server.wait() == 1
    assert any("the batch loop died" in line for line in server.log)


def test_hanging_engine_ends_the_process_whatever_hangs(gated_server, flat_photo):
    server, gate = gated_server(VRN_ENGINE_TIMEOUT_S="0.3")
    gate.hold()
    with contextlib.suppress(httpx.TransportError):
        assert post(server, flat_photo(1)).status_code == 500
    assert server.wait() == 1
    assert any("the engine hangs" in line for line in server.log)


def test_engine_that_hangs_in_a_drain_ends_the_process_before_its_limit(gated_server, flat_photo):
    server, gate = gated_server(VRN_ENGINE_TIMEOUT_S="0.5", VRN_DRAIN_TIMEOUT_S="3600")
    gate.hold()
    with ThreadPoolExecutor(1) as clients:
        stuck = clients.submit(post, server, flat_photo(1))
        gate.wait_until_running()
        server.signal(signal.SIGTERM)
        assert stuck.exception(PATIENCE_S) is not None or stuck.result().status_code == 500
    assert server.wait() == 1


def test_engine_that_fails_on_everything_ends_the_process(gated_server, flat_photo):
    server, gate = gated_server()
    assert post(server, flat_photo(1)).status_code == 200
    (gate.folder / "broken").touch()
    for shade in range(3):
        with contextlib.suppress(httpx.TransportError):
            assert post(server, flat_photo(shade)).status_code == 500
    assert server.wait() == 1
    assert any("on the reference photo" in line for line in server.log)


def ends_at_start(server, *hints):
    assert server.wait() == 2
    last = server.log[-1]
    assert "Traceback" not in "\n".join(server.log)
    for hint in hints:
        assert hint in last, last


def test_missing_export_is_a_clear_error(start_server, tmp_path):
    path = tmp_path / "none.onnx"
    ends_at_start(start_server(VRN_MODEL_PATH=str(path)), "cannot start", str(path))


def test_corrupt_export_is_a_clear_error(start_server, tiny_export):
    tiny_export.write_bytes(b"gra")
    ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export)), "cannot start", "damaged")


def test_file_that_is_no_graph_is_a_clear_error(start_server, tiny_export):
    ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export), VRN_DEVICE="cpu"), "not a graph that")


def test_taken_port_is_a_clear_error(start_server, tiny_export):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export), VRN_PORT=str(port)), f"VRN_PORT={port}")


def test_taken_metrics_port_is_a_clear_error(start_server, tiny_export):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ends_at_start(
            start_server(VRN_MODEL_PATH=str(tiny_export), VRN_METRICS_PORT=str(port)), f"VRN_METRICS_PORT={port}"
        )


def test_wrong_setting_is_a_clear_error(start_server):
    ends_at_start(start_server(VRN_PORT="high"), "VRN_PORT='high'")


def test_cuda_where_there_is_none_says_what_to_install(start_server, tiny_export):
    if importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has CUDA")
    ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export), VRN_DEVICE="cuda"), "VRN_DEVICE=cuda", "install")


@pytest.fixture
def copied_export(tmp_path):
    """A copy of the shipped export that a test may damage."""
    if not EXPORT.exists():
        pytest.skip("the exported model is not in this checkout")
    copy = tmp_path / EXPORT.name
    shutil.copy(EXPORT, copy)
    shutil.copy(EXPORT.with_suffix(".json"), copy.with_suffix(".json"))
    return copy


def test_two_servers_start_at_once_and_serve_on_when_the_model_file_is_cut_short(start_server, copied_export):
    """Nothing is compiled, cached or mapped: what was read at the start is what serves."""
    servers = [start_server(VRN_MODEL_PATH=str(copied_export), VRN_DEVICE="cpu") for _ in range(2)]
    for server in servers:
        server.wait_ready()
    first = [crops_of(server) for server in servers]
    os.truncate(copied_export, 1000)
    assert [crops_of(server) for server in servers] == first
    assert first[0] == first[1]


def test_model_that_scores_otherwise_than_at_its_export_is_a_clear_error(start_server, copied_export):
    sidecar = copied_export.with_suffix(".json")
    facts = json.loads(sidecar.read_text())
    facts["reference_scores"] = facts["reference_scores"][::-1]
    sidecar.write_text(json.dumps(facts))
    ends_at_start(start_server(VRN_MODEL_PATH=str(copied_export), VRN_DEVICE="cpu"), "reference photo")


def crops_of(server):
    answer = post(server, (Path(__file__).parents[1] / "photos" / "coffee.jpg").read_bytes())
    assert answer.status_code == 200
    return answer.json()["crops"]
