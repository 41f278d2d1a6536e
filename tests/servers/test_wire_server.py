"""The parts of the server that no wire format shows."""

from __future__ import annotations

import http.client

import pytest

from tests.servers.wire_server import WireRequest, WireResponse, WireServer


class Faulty(WireServer):
    def answer(self, request: WireRequest) -> WireResponse:
        raise LookupError(request.path)


def ask_in_vain(server: WireServer) -> None:
    connection = http.client.HTTPConnection(server.origin.removeprefix("http://"), timeout=10)
    connection.request("GET", "/asked")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def test_fault_of_a_server_is_raised_where_its_block_ends() -> None:
    with pytest.raises(LookupError, match="/asked"), Faulty() as server:
        ask_in_vain(server)


def test_state_that_never_comes_is_a_timeout() -> None:
    with Faulty() as server, pytest.raises(TimeoutError, match="awaited state"):
        server.wait_for(lambda: server.held > 0, timeout_s=0.01)
