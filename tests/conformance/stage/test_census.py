"""What is counted as left behind: also what begins while it is counted."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from pathlib import Path

import pytest

from conformance.stage.census import Census

TELLS_OF_SOCKETS = pytest.mark.skipif(
    not Path("/dev/fd").exists(), reason="this system does not tell which sockets there are"
)


class Ending(threading.Thread):
    """A thread that comes to its end when it is waited for, and starts another one before it does."""

    def __init__(self, released: threading.Event) -> None:
        super().__init__(name="ending", daemon=True)
        self._released = released
        self._waited_for = threading.Event()

    def run(self) -> None:
        self._waited_for.wait()
        threading.Thread(target=self._released.wait, name="late", daemon=True).start()

    def join(self, timeout: float | None = None) -> None:
        self._waited_for.set()
        super().join(timeout)


def test_a_thread_that_an_ending_one_starts_is_waited_for_too() -> None:
    census = Census(provider_port=0)
    released = threading.Event()
    Ending(released).start()
    try:
        assert census.threads_left(within_s=0.1) == ("thread 'late'",)
    finally:
        released.set()
    assert census.threads_left() == ()


@TELLS_OF_SOCKETS
def test_a_loop_that_nobody_closed_is_left_behind() -> None:
    census = Census(provider_port=0)
    loop = asyncio.new_event_loop()
    left = census.things_left((), within_s=0.01)
    loop.close()
    assert (left, census.things_left(())) == (("2 sockets",), ())


@TELLS_OF_SOCKETS
@pytest.mark.skipif(
    not hasattr(socket, "SOCK_NONBLOCK"), reason="this system has no sockets that are made non-blocking"
)
def test_a_census_leaves_sockets_as_they_are_where_there_is_a_default_timeout() -> None:
    left, right = socket.socketpair()
    socket.setdefaulttimeout(5)
    try:
        Census(provider_port=1)
    finally:
        socket.setdefaulttimeout(None)

    assert os.get_blocking(left.fileno())
    left.close()
    right.close()


@TELLS_OF_SOCKETS
def test_the_providers_end_of_a_connection_that_its_client_has_reset_is_none_of_the_clients() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        census = Census(provider_port=address[1])
        client = socket.create_connection(address)
        answering, _ = listening.accept()
        answering.sendall(b"never read")
        client.recv(1)
        assert census.things_left((), within_s=0.01) == ("1 sockets",)
        client.close()
        with pytest.raises(OSError, match="reset by peer"):
            answering.recv(1)

        assert census.things_left((), within_s=0.01) == ()
        answering.close()
