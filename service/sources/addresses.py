"""Which network addresses a photo may be fetched from: public ones, and those that the operator names.

A server that fetches what strangers name must not become their hand inside its own network (SSRF). The check is made
on addresses, never on names: a name may resolve to anything.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from vrn_cropper.service.errors import StartUpError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Allocated to hosts. Everything else of IPv6 is local, multicast, reserved or a wrapping of IPv4.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# The one translation that honest resolvers hand out (RFC 6052, DNS64): judged by the IPv4 address inside.
_NAT64 = IPv6Network("64:ff9b::/96")
# Inside the ranges above and still no place for photos: Teredo, ORCHID, 6to4, documentation, relays, protocol use.
_NEVER: tuple[Network, ...] = (
    IPv6Network("2001::/23"), IPv6Network("2001:db8::/32"), IPv6Network("2002::/16"), IPv6Network("3fff::/20"),
    IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"),
)  # fmt: skip


def parse_networks(text: str) -> tuple[Network, ...]:
    """Networks separated by commas, such as `10.20.0.0/16, fd12::/48`. Raises StartUpError."""
    networks = []
    for entry in filter(None, map(str.strip, text.split(","))):
        try:
            networks.append(ip_network(entry))
        except ValueError as error:
            raise StartUpError(f"VRN_SOURCE_NETWORKS: {error}; write networks as 10.20.0.0/16") from None
    return tuple(networks)


def parse_address(text: str) -> Address:
    """An address as resolvers write it, `%scope` included. Raises ValueError."""
    return ip_address(text.partition("%")[0])


def may_connect(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """Whether photos may be fetched from `address`: it is public, or in a network of `allowed`."""
    address = _unwrapped(address)
    if any(address.version == network.version and address in network for network in allowed):
        return True
    if any(address.version == network.version and address in network for network in _NEVER):
        return False
    if isinstance(address, IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global
    return address.is_global and not address.is_multicast and not address.is_reserved


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv4-mapped or NAT64 address stands for; any other as it is."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
