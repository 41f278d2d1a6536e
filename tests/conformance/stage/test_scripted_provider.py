"""The scripted provider in the hands of clients that do not keep to their part."""

from __future__ import annotations

import socket

import pytest

from conformance.stage.points import Stage
from conformance.stage.server import ScriptedProvider


def test_a_client_that_goes_away_in_the_middle_of_its_request_is_no_error(capfd: pytest.CaptureFixture[str]) -> None:
    with ScriptedProvider(Stage()) as provider:
        with socket.create_connection(("127.0.0.1", provider.port)) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n{")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        assert provider.requests == []
    assert capfd.readouterr().err == ""
