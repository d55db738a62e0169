"""Which addresses a photo may be fetched from: each family of private and wrapped addresses by name."""

import pytest

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.sources.addresses import may_connect, parse_address, parse_networks

REFUSED = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"],
    "link-local, cloud metadata": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "CGNAT": ["100.64.0.1", "100.127.255.255"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1", "ff0e::1"],
    "unspecified and this network": ["0.0.0.0", "0.1.2.3", "::"],
    "broadcast and reserved": ["255.255.255.255", "240.0.0.1", "5f00::1"],
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"],
    "IPv4-compatible": ["::127.0.0.1", "::8.8.8.8"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808"],
    "6to4": ["2002:7f00:1::", "2002:808:808::1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "site-local": ["fec0::1"],
    "documentation, benchmarks, protocol": [
        "192.0.2.1", "198.18.0.1", "192.0.0.8", "192.88.99.1", "2001:db8::1", "3fff::1", "100::1",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("family", "text"), [(family, text) for family, all_ in REFUSED.items() for text in all_])
def test_no_address_that_is_not_a_public_host_is_connected_to(family, text):
    assert not may_connect(parse_address(text)), family


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_hosts_are_connected_to_also_through_an_honest_translation(text):
    assert may_connect(parse_address(text))


def test_networks_that_the_operator_names_are_allowed_in_every_spelling():
    allowed = parse_networks("10.20.0.0/16, fd12::/48")
    for text in ("10.20.3.4", "::ffff:10.20.3.4", "64:ff9b::a14:304", "fd12::1"):
        assert may_connect(parse_address(text), allowed), text
    for text in ("10.21.0.1", "127.0.0.1", "fd13::1"):
        assert not may_connect(parse_address(text), allowed), text


@pytest.mark.parametrize("text", ["10.20.0.1/16", "ten", "10.0.0.0/33"])
def test_a_network_that_cannot_be_read_stops_the_start(text):
    with pytest.raises(StartUpError, match="VRN_SOURCE_NETWORKS"):
        parse_networks(text)
