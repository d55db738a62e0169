"""What breaks around a server: its workers are killed, its descriptors run out, clients vanish."""

import contextlib
import resource
import socket
import threading

import psutil

from benchmarks.attack.report import Result
from benchmarks.attack.seeds import seeds
from benchmarks.attack.victim import Answer, post, probe_s, processes_of, wait_until
from benchmarks.serving.process import ServerUnderTest

_PATIENCE_S = 20.0


def killed_workers(server: ServerUnderTest, rounds: int) -> Result:
    """Every process beside the server is killed while photos are decoded in them: an error, and the next succeeds."""
    result, photo = Result("all decode workers killed"), seeds()["AVIF RGB"]
    for _ in range(rounds):
        answers: list[Answer] = []

        def send(into: list[Answer] = answers) -> None:
            into.extend(post(server.port, photo) for _ in range(5))

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for process in processes_of(server.pid)[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for thread in threads:
            thread.join()
        odd = [answer.status for answer in answers if answer.status not in (200, 422, 429)]
        last = post(server.port, photo)
        fault = f"answered {odd}" if odd else None if last.status == 200 else f"{last.status} afterwards"
        result.note(max(answer.seconds for answer in [*answers, last]), fault)
    return result


def no_descriptors(server: ServerUnderTest, spare: int) -> Result:
    """Of `spare` descriptors that are left, twice as many clients take all: it answers again once they have gone."""
    result, pid = Result("descriptors run out"), server.pid
    process = psutil.Process(pid)
    before = process.rlimit(resource.RLIMIT_NOFILE)
    process.rlimit(resource.RLIMIT_NOFILE, (process.num_fds() + spare, before[1]))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(2 * spare):
                connection = stack.enter_context(socket.socket())
                connection.setblocking(False)
                connection.connect_ex(("127.0.0.1", server.port))
            wait_until(lambda: process.num_fds() >= spare, 2.0)
        back = wait_until(lambda: probe_s(server.port) < 1.0, _PATIENCE_S)
    finally:
        process.rlimit(resource.RLIMIT_NOFILE, before)
    answer = post(server.port, seeds()["WEBP RGB"])
    fault = None if back and answer.status == 200 else f"no answer afterwards ({answer.status})"
    result.note(answer.seconds, fault)
    return result


def vanished_clients(server: ServerUnderTest, clients: int) -> Result:
    """Uploads whose clients reset the connection at once; afterwards a photo is cropped."""
    result, photo = Result("clients that vanish"), seeds()["PNG RGB"]
    head = b"POST /crop HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(photo)
    for _ in range(clients):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
            connection.sendall(head + photo)
        result.note(0.0)
    answer = post(server.port, photo)
    result.note(answer.seconds, None if answer.status == 200 else f"{answer.status} afterwards")
    return result
