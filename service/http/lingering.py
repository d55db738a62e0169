"""A transport that ends a connection so that the client still sees the answer. Knows sockets; knows no HTTP.

Closing a socket while the client still sends resets the connection, and the reset may overtake an answer that is on
its way (a 401 to somebody who is in the middle of an upload). So the sending side is closed first, and what still
comes is thrown away unread until the client has seen it and closes, too, or a bound is reached.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import termios
from typing import Any

_MAX_DISCARDED_BYTES = 32 * 1024 * 1024
_RESET = struct.pack("ii", 1, 0)


class LingeringTransport(asyncio.Transport):
    """Wraps the transport of a connection. `close()` lingers while `expects_more` is set."""

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._written = 0
        self._discarded = 0
        self._has_unsent = False
        self.expects_more = False
        self.is_lingering = False

    # ---- what uvicorn's protocol asks of a transport --------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nothing is written any more once the connection lingers."""
        if not self.is_lingering and data:
            self._written += len(data)
            self._has_unsent = True
            self._transport.write(data)

    def close(self) -> None:
        """Close after what is written has gone out, and after lingering."""
        if self.is_lingering:
            return
        if self.expects_more and not self._transport.is_closing() and self._transport.can_write_eof():
            self.is_lingering = True
            self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self.is_lingering or self._transport.is_closing()

    def abort(self) -> None:
        """Reset the connection: also what the kernel still holds for the client is given back."""
        self._has_unsent = False
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._fileno())) as own:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def pause_reading(self) -> None:
        """Let what comes wait in the kernel."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As the wrapped transport."""
        return self._transport.get_extra_info(name, default)

    # ---- what the limits ask --------------------------------------------------------------------------------

    def discard(self, size: int) -> None:
        """While lingering: `size` bytes came that nobody reads."""
        self._discarded += size
        if self._discarded > _MAX_DISCARDED_BYTES:
            self.abort()

    def unsent_bytes(self) -> int:
        """What was written and the client has not received: in this process and in the kernel."""
        if not self._has_unsent:
            return 0
        unsent = self._transport.get_write_buffer_size() + self._in_kernel()
        self._has_unsent = unsent > 0
        return unsent

    def received_bytes(self) -> int:
        """What the client has received so far."""
        return self._written - self.unsent_bytes()

    def _in_kernel(self) -> int:
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0])
        except (OSError, ValueError):
            return 0  # closed meanwhile, or a system that does not tell

    def _fileno(self) -> int:
        return int(self._transport.get_extra_info("socket").fileno())
