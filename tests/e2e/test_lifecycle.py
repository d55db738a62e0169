"""Promises of the process: start-up errors, drain, second signal, restart, a dying batch loop."""

import contextlib
import importlib.util
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


def test_idle_process_closes_its_engine_and_ends_with_zero_on_either_signal(gated_server):
    for number in (signal.SIGTERM, signal.SIGINT):
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
    assert any("on a blank photo" in line for line in server.log)


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
    ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export), VRN_DEVICE="cpu"), "OpenVINO")


def test_taken_port_is_a_clear_error(start_server, tiny_export):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export), VRN_PORT=str(port)), f"VRN_PORT={port}")


def test_wrong_setting_is_a_clear_error(start_server):
    ends_at_start(start_server(VRN_PORT="high"), "VRN_PORT='high'")


def test_cuda_where_there_is_none_says_what_to_install(start_server, tiny_export):
    if importlib.util.find_spec("torch") is not None:
        import torch

        if torch.cuda.is_available():
            pytest.skip("this machine has CUDA")
    ends_at_start(start_server(VRN_MODEL_PATH=str(tiny_export), VRN_DEVICE="cuda"), "VRN_DEVICE=cuda", "install")


@pytest.mark.skipif(not EXPORT.exists(), reason="the exported model is not in this checkout")
def test_second_start_takes_the_compiled_model_from_the_cache(start_server, tmp_path):
    copy = tmp_path / EXPORT.name
    shutil.copy(EXPORT, copy)
    shutil.copy(EXPORT.with_suffix(".json"), copy.with_suffix(".json"))
    cache = tmp_path / "cache"
    for _ in range(2):
        server = start_server(VRN_MODEL_PATH=str(copy), VRN_MODEL_CACHE_DIR=str(cache), VRN_DEVICE="cpu")
        server.wait_ready()
        server.signal(signal.SIGTERM)
        assert server.wait() == 0
        blobs = {path: path.stat().st_mtime_ns for path in cache.rglob("*.blob")}
        assert len(blobs) == 1
