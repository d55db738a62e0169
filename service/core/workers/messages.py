"""What the service and a worker say to each other: a small JSON header, and bytes in memory that both can reach.

One message is one datagram with one file descriptor. The memory is sealed before it is sent, so that nobody can
shrink or change it under a reader. Nothing is pickled: a worker that was taken over can say only words and bytes.
Knows nothing of photos. Linux.
"""

import fcntl
import json
import mmap
import os
import socket
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

MAX_HEADER_BYTES = 32_768
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
Part = bytes | memoryview | Iterable[bytes]


class Message(NamedTuple):
    """`header` is JSON's own types; `parts` are read-only and live as long as somebody holds them."""

    header: dict[str, Any]
    parts: Sequence[memoryview]


class MessageError(Exception):
    """What came is no message: the other side is gone or does not keep to the rules."""


def send_message(channel: socket.socket, header: dict[str, Any], parts: Iterable[Part] = ()) -> None:
    """Write the parts, given whole or piece by piece, to shared memory and send it. Raises OSError."""
    with os.fdopen(os.memfd_create("photo", os.MFD_ALLOW_SEALING | os.MFD_CLOEXEC), "wb", buffering=0) as shared:
        lengths = [sum(_write(shared.fileno(), piece) for piece in _pieces(part)) for part in parts]
        fcntl.fcntl(shared, fcntl.F_ADD_SEALS, _SEALS)
        words = json.dumps({"header": header, "lengths": lengths}).encode()
        if len(words) > MAX_HEADER_BYTES:
            raise ValueError("the header of a message is small; what is large goes into its parts")
        socket.send_fds(channel, [words], [shared.fileno()])


def receive_message(channel: socket.socket) -> Message:
    """The next message. Raises MessageError, and TimeoutError or OSError of the channel."""
    words, descriptors, _, _ = socket.recv_fds(channel, MAX_HEADER_BYTES, 1)
    try:
        if len(descriptors) != 1:
            raise MessageError("the other side is gone")
        return _read(words, descriptors[0])
    except (KeyError, TypeError, ValueError) as error:
        raise MessageError("this is no message") from error
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _read(words: bytes, descriptor: int) -> Message:
    said = json.loads(words)
    header, lengths = dict(said["header"]), [int(length) for length in said["lengths"]]
    size = os.fstat(descriptor).st_size
    if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & _SEALS != _SEALS or min(lengths, default=0) < 0:
        raise MessageError("the memory is not sealed")
    if sum(lengths) != size:
        raise MessageError("the parts do not add up to the memory")
    whole = memoryview(mmap.mmap(descriptor, size, prot=mmap.PROT_READ) if size else b"")
    ends = [sum(lengths[: index + 1]) for index in range(len(lengths))]
    return Message(header, [whole[end - length : end] for end, length in zip(ends, lengths, strict=True)])


def _pieces(part: Part) -> Iterable[bytes | memoryview]:
    return (part,) if isinstance(part, bytes | memoryview) else part


def _write(descriptor: int, piece: bytes | memoryview) -> int:
    view, written = memoryview(piece).cast("B"), 0
    while written < len(view):
        written += os.write(descriptor, view[written:])
    return written
