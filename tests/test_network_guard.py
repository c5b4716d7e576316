"""The guard itself: nothing leaves this machine while tests run, seen or swallowed."""

import socket
from contextlib import suppress

import pytest

from tests.conftest import NetworkBlockedError
from tests.fakes import FakeServer

# 192.0.2.0/24 is for documentation only (RFC 5737).
FAR = ("192.0.2.1", 80)


def test_far_addresses_and_names_are_refused(network: list[str]) -> None:
    with socket.socket() as stream, pytest.raises(NetworkBlockedError):
        stream.connect(FAR)
    with socket.socket() as stream, pytest.raises(NetworkBlockedError):
        stream.connect_ex(FAR)
    with socket.socket(type=socket.SOCK_DGRAM) as datagram, pytest.raises(NetworkBlockedError):
        datagram.sendto(b"x", FAR)
    with pytest.raises(NetworkBlockedError):
        socket.create_connection(("papers.example", 443))
    assert len(network) == 4
    network.clear()


def test_swallowed_attempt_is_remembered(network: list[str]) -> None:
    with suppress(Exception):
        socket.getaddrinfo("papers.example", 443)
    assert network == ["papers.example"]
    network.clear()


def test_loopback_is_open(server: FakeServer, network: list[str]) -> None:
    socket.create_connection(("localhost", server.server_port), timeout=5).close()
    socket.create_connection(("127.0.0.1", server.server_port), timeout=5).close()
    one, two = socket.socketpair()
    one.close()
    two.close()
    assert network == []
