"""Binding: the port is taken before anything is loaded, and a fault names the settings."""

import socket

import pytest

from vrn_cropper.service.errors import StartUpError
from vrn_cropper.service.server import bind


def test_port_zero_takes_a_free_port():
    with bind("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0
        with socket.create_connection(listener.getsockname()):
            pass


def test_taken_port_names_the_settings():
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StartUpError, match=rf"VRN_HOST=127.0.0.1 VRN_PORT={port}"):
            bind("127.0.0.1", port)


def test_address_of_another_machine_names_the_settings():
    with pytest.raises(StartUpError, match="VRN_HOST"):
        bind("192.0.2.1", 0)  # reserved for documentation, never ours
