"""Connections to checked addresses only: a name is resolved once, and what was checked is what is connected to."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore

from vrn_cropper.service.errors import SourceNotAllowedError
from vrn_cropper.service.sources.addresses import Address, Network, may_connect, parse_address

# (host, port) -> the host's addresses. Raises OSError where there is none.
Resolve = Callable[[str, int], Awaitable[list[Address]]]
_MOST_ADDRESSES_TRIED = 4


async def resolve(host: str, port: int) -> list[Address]:
    """By the system's resolver, which also knows `/etc/hosts` and odd spellings such as `0x7f.1`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(parse_address(str(entry[4][0])) for entry in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for an httpcore pool; `networks` are allowed although they are not public."""

    def __init__(
        self,
        networks: Iterable[Network] = (),
        resolve: Resolve = resolve,
        backend: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve
        self._backend = backend or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first of the host's allowed addresses that answers, all within `timeout` seconds.

        Raises SourceNotAllowedError if none is allowed, and httpcore's ConnectError and ConnectTimeout.
        """
        try:
            addresses = await asyncio.wait_for(self._resolve(host.strip("[]"), port), timeout)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not resolved in time") from None
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        allowed = [address for address in addresses if may_connect(address, self._networks)][:_MOST_ADDRESSES_TRIED]
        if not allowed:
            raise SourceNotAllowedError(f"{host} is not at a public address")
        share_s = None if timeout is None else timeout / len(allowed)
        for address in allowed[:-1]:
            try:
                return await self._backend.connect_tcp(str(address), port, share_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._backend.connect_tcp(str(allowed[-1]), port, share_s, local_address, socket_options)

    async def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.AsyncNetworkStream:
        """Never: no source is a socket of this machine. Raises SourceNotAllowedError."""
        raise SourceNotAllowedError("a source is reached by TCP")

    async def sleep(self, seconds: float) -> None:
        """Between httpcore's own attempts, of which it makes none here."""
        await asyncio.sleep(seconds)
