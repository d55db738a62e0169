"""A slow line has the time that the service gives it, in which a replica is not thought lost."""

import json
import socket
import time

import pytest

from .conftest import PATIENCE_S, REPLAY_BYTES

PIECES, PAUSE_S = 6, 0.4  # longer in all than a replica may take to answer


def upload_slowly(balancer, size: int, pieces: int = PIECES) -> tuple[int, bytes]:
    """Status and body of the answer to an upload in pieces; stops sending when the answer comes."""
    head = f"POST /crop HTTP/1.1\r\nHost: x\r\nX-API-Key: key\r\nConnection: close\r\nContent-Length: {size}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", balancer.port), timeout=PATIENCE_S) as client:
        client.sendall(head.encode())
        for piece in range(pieces):
            client.sendall(b"x" * (size * (piece + 1) // pieces - size * piece // pieces))
            time.sleep(PAUSE_S)
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    answer_head, _, body = received.partition(b"\r\n\r\n")
    return int(answer_head.split()[1]), body


@pytest.mark.parametrize("size", [6000, 4 * REPLAY_BYTES], ids=["held for a repeat", "streamed"])
def test_upload_may_take_longer_than_an_answer(start_balancer, size):
    balancer = start_balancer(BALANCER_SERVER_TIMEOUT_S="1")
    assert upload_slowly(balancer, size)[0] == 200


def test_upload_that_takes_too_long_is_408_in_the_words_of_the_service(start_balancer):
    balancer = start_balancer(BALANCER_UPLOAD_TIMEOUT_S="1")
    head = "POST /crop HTTP/1.1\r\nHost: x\r\nX-API-Key: key\r\nContent-Length: 6000\r\n\r\nx"
    with socket.create_connection(("127.0.0.1", balancer.port), timeout=PATIENCE_S) as client:
        client.sendall(head.encode())
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 408")
    assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["code"] == "slow_upload"
