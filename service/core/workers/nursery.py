"""The program that workers are forked from: it has loaded what they need and never sees an upload itself.

`python -m vrn_cropper.service.core.workers.nursery MODULE:FUNCTION JSON`, with a socket as standard input. FUNCTION
is called once with the JSON's object and returns what answers a request (`Handle`). For each socket that comes a
worker is forked and its process descriptor sent back. It ends when its own socket is closed, and all workers with it.
"""

import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Callable

from vrn_cropper.service.core.workers.limits import die_with_parent, limit_cpu, resident_bytes, use_one_heap
from vrn_cropper.service.core.workers.messages import MessageError, Part, receive_message, send_message

# header and parts of a request -> header and parts of its answer
Handle = Callable[[dict[str, object], list[memoryview]], tuple[dict[str, object], list[Part]]]
# A worker that has kept more than this of a photo is replaced: a new one is cheaper than its memory.
_MAX_KEPT_BYTES = 96 * 1024 * 1024


def main(arguments: list[str]) -> None:
    """Load, then fork a worker for each socket that comes."""
    use_one_heap()
    module, _, function = arguments[0].partition(":")
    handle: Handle = getattr(importlib.import_module(module), function)(json.loads(arguments[1]))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets workers that ended
    control = socket.socket(fileno=os.dup(0))
    while True:
        _, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not descriptors:
            return
        channel, parent = socket.socket(fileno=descriptors[0]), os.getpid()
        worker = os.fork()
        if worker == 0:
            die_with_parent(parent)
            control.close()
            serve(channel, handle)
            os._exit(0)
        channel.close()
        process = os.pidfd_open(worker)
        socket.send_fds(control, [str(worker).encode()], [process])
        os.close(process)


def serve(channel: socket.socket, handle: Handle) -> None:
    """Answer one request after the other until the other side is gone."""
    while resident_bytes() < _MAX_KEPT_BYTES:
        try:
            request = receive_message(channel)
        except (MessageError, OSError):
            return
        limit_cpu(float(request.header["seconds"]))
        header, parts = handle(request.header, list(request.parts))
        del request
        send_message(channel, header, parts)
        del parts


if __name__ == "__main__":
    main(sys.argv[1:])
