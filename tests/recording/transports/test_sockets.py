"""The net below the transports: every way to the network is stopped while it is blocked, and noted; what stays here passes."""

from __future__ import annotations

import asyncio
import http.client
import importlib.util
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness.errors import NetworkBlockedError, TransportFault
from harness.recording.tape.guard import NetworkGuard
from harness.recording.tape.tape import network_guard, open_tape
from harness.recording.transports.sockets import check_lookup
from tests.recording.support.loopback import PATIENCE_S, loopback
from tests.recording.transports.test_together import text_stream

Address = tuple[str, int]
ROOT = Path(__file__).parents[3]
#: For documentation, RFC 6761: no resolver is to answer for it.
NAME = "provider.invalid"


def by_parts_of_a_request(address: Address) -> None:
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE_S)
    try:
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "1")
        connection.endheaders(b"x")
        connection.getresponse().read()
    finally:
        connection.close()


def by_a_bare_socket(address: Address) -> None:
    with socket.socket() as connecting:
        connecting.connect_ex(address)


def by_fast_open(address: Address) -> None:
    with socket.socket() as connecting:
        connecting.sendto(b"x", getattr(socket, "MSG_FASTOPEN", 0), address)


def by_fast_open_of_parts(address: Address) -> None:
    with socket.socket() as connecting:
        connecting.sendmsg([b"x"], (), getattr(socket, "MSG_FASTOPEN", 0), address)


def by_asyncio(address: Address) -> None:
    async def connect() -> None:
        _, writer = await asyncio.open_connection(*address)
        writer.close()
        await writer.wait_closed()

    asyncio.run(connect())


def by_a_loops_socket(address: Address) -> None:
    async def connect() -> None:
        with socket.socket() as connecting:
            connecting.setblocking(False)
            await asyncio.get_running_loop().sock_connect(connecting, address)

    asyncio.run(connect())


#: Ways to connect, each used both where it is stopped and where it is not.
CONNECTIONS = [by_parts_of_a_request, by_a_bare_socket, by_asyncio, by_a_loops_socket]
if hasattr(socket, "MSG_FASTOPEN"):
    CONNECTIONS += [by_fast_open, by_fast_open_of_parts]


def a_datagram(address: Address) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", address)


def a_datagram_of_parts(address: Address) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendmsg([b"x"], (), 0, address)


def a_connected_datagram(address: Address) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.connect(address)
        sending.send(b"x")


def an_endpoint(address: Address) -> None:
    async def send() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
        transport.sendto(b"x")
        transport.close()

    asyncio.run(send())


def a_loops_datagram(address: Address) -> None:
    async def send() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as sending:
            sending.setblocking(False)
            await asyncio.get_running_loop().sock_sendto(sending, b"x", address)

    asyncio.run(send())


DATAGRAMS = [a_datagram, a_datagram_of_parts, a_connected_datagram, an_endpoint, a_loops_datagram]


def by_a_loop(name: str) -> object:
    async def look_up() -> object:
        return await asyncio.get_running_loop().getaddrinfo(name, 443)

    return asyncio.run(look_up())


LOOKUPS: list[Callable[[str], object]] = [
    lambda name: socket.getaddrinfo(name, 443),
    lambda name: socket.getaddrinfo(name.encode(), 443),
    socket.gethostbyname,
    socket.gethostbyname_ex,
    socket.gethostbyaddr,
    socket.getfqdn,
    by_a_loop,
    lambda name: socket.create_connection((name, 443)),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


def blocked(reach: Callable[[], object], guard: NetworkGuard) -> str:
    """Return what is said of an attempt that was stopped, and noted."""
    with pytest.raises(TransportFault) as fault:
        reach()
    assert isinstance(fault.value.error, NetworkBlockedError)
    assert fault.value.error in guard.blocked
    return str(fault.value)


@pytest.mark.parametrize("connect", CONNECTIONS)
def test_what_no_transport_knows_is_stopped_where_it_connects(connect: Callable[[Address], None], path: Path) -> None:
    with loopback(text_stream) as server:
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        connect(address)
        with open_tape(path, "all"), network_guard() as guard:
            connect(address)
        assert guard.blocked == ()
        with open_tape(path, "none"), network_guard() as guard:
            assert "only plays" in blocked(lambda: connect(address), guard)
        with network_guard() as guard:
            assert "no tape is running here" in blocked(lambda: connect(address), guard)
        with open_tape(path, "none"):
            connect(address)
        # Connecting is not requesting: wait for what the server has accepted by asking it once more.
        by_parts_of_a_request(address)
        assert server.connections == 4


@pytest.mark.parametrize("send", DATAGRAMS)
def test_no_datagram_is_sent(send: Callable[[Address], None], path: Path) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as receiving:
        receiving.bind(("127.0.0.1", 0))
        receiving.settimeout(PATIENCE_S)
        address: Address = receiving.getsockname()
        with network_guard() as guard:
            assert f"127.0.0.1:{address[1]}" in blocked(lambda: send(address), guard)
        # Nothing is ahead of what is sent where it may be.
        with open_tape(path, "all"), network_guard():
            send(address)
        assert receiving.recv(2) == b"x"
        receiving.setblocking(False)
        with pytest.raises(BlockingIOError):
            receiving.recv(2)


@pytest.mark.parametrize("look_up", LOOKUPS)
def test_no_name_is_looked_up(look_up: Callable[[str], object]) -> None:
    with network_guard() as guard:
        assert f"{NAME!r} was about to be looked up" in blocked(lambda: look_up(NAME), guard)


def test_names_are_looked_up_for_what_is_recorded(path: Path) -> None:
    """A loop's threads know nothing of the context; and with two tapes open, none of them is the only one."""
    with open_tape(path, "all"), open_tape(path.with_name("other"), "all"), network_guard() as guard:
        check_lookup(NAME)
        with ThreadPoolExecutor(1) as threads:
            threads.submit(check_lookup, NAME).result()
    assert guard.blocked == ()


def test_an_address_is_not_asked_for_its_name() -> None:
    with network_guard() as guard:
        assert "the name of '192.0.2.1'" in blocked(lambda: socket.getnameinfo(("192.0.2.1", 443), 0), guard)
        assert "the name of '192.0.2.1'" in blocked(lambda: socket.gethostbyaddr("192.0.2.1"), guard)


def test_what_reaches_no_network_is_not_stopped(tmp_path: Path) -> None:
    with network_guard() as guard:
        asyncio.run(asyncio.sleep(0))
        left, right = socket.socketpair()
        with left, right:
            left.sendmsg([b"x"])
            assert right.recv(1) == b"x"
        if hasattr(socket, "AF_UNIX"):
            with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as connecting:
                listener.bind(str(tmp_path / "s"))
                listener.listen()
                connecting.connect(str(tmp_path / "s"))
            kind = socket.SOCK_DGRAM
            with socket.socket(socket.AF_UNIX, kind) as receiving, socket.socket(socket.AF_UNIX, kind) as sending:
                receiving.bind(str(tmp_path / "d"))
                sending.sendto(b"x", str(tmp_path / "d"))
                assert receiving.recv(1) == b"x"
        # What listens is asked by others.
        with socket.create_server(("127.0.0.1", 0)):
            pass
        for known in ("localhost", "127.0.0.1", "::1", "192.0.2.1", b"127.0.0.1", None):
            socket.getaddrinfo(known, 443)
        assert socket.getfqdn("127.0.0.1")
    assert guard.blocked == ()


def test_a_socket_pair_made_from_a_connection_is_not_stopped() -> None:
    # As on systems that have no socket pairs, where Python's own function of that name connects to loopback.
    source = (
        "def socketpair():\n"
        "    with socket.create_server(('127.0.0.1', 0)) as listener, socket.socket() as connecting:\n"
        "        connecting.connect(listener.getsockname())\n"
    )
    scope: dict[str, Any] = {"socket": socket}
    exec(compile(source, socket.__file__, "exec"), scope)
    with network_guard():
        scope["socketpair"]()


def test_an_attempt_is_noted_once_with_the_line_that_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with network_guard() as outer, network_guard() as inner:
        for _ in range(3):
            with pytest.raises(TransportFault):
                a_datagram(("127.0.0.1", 9))
    (attempt,) = map(str, inner.blocked)
    line = a_datagram.__code__.co_firstlineno + 2
    here = Path(__file__).relative_to(ROOT)
    assert attempt.startswith(f"a message to 127.0.0.1:9 was about to be sent at {here}:{line} while")
    assert list(map(str, outer.blocked)) == [attempt]


#: Each row: what a loop of uvloop is asked, and whether that goes to the network.
UVLOOP_WAYS = {
    "create_connection": ("loop.create_connection(asyncio.Protocol, *address)", True),
    "open_connection": ("asyncio.open_connection(*address)", True),
    "sock_connect": ("loop.sock_connect(connecting, address)", True),
    "a name to connect to": ("loop.sock_connect(connecting, ('provider.invalid', 443))", True),
    "create_datagram_endpoint": ("loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)", True),
    "an endpoint to anywhere": (
        "loop.create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=('127.0.0.1', 0))",
        True,
    ),
    "getaddrinfo": ("loop.getaddrinfo('provider.invalid', 443)", True),
    "getnameinfo": ("loop.getnameinfo(('192.0.2.1', 443))", True),
    "a known name": ("loop.getaddrinfo('127.0.0.1', 443)", False),
    "a unix socket": ("loop.create_unix_connection(asyncio.Protocol, path)", False),
}
UVLOOP = """
import asyncio, json, socket, sys, uvloop
from harness.errors import TransportFault
from harness.recording import network_guard

async def main():
    loop = asyncio.get_running_loop()
    path = sys.argv[1]
    listening = socket.socket(socket.AF_UNIX); listening.bind(path); listening.listen()
    stopped = {}
    server = socket.create_server(("127.0.0.1", 0))
    address = server.getsockname()
    with network_guard() as guard:
        for name, way in json.loads(sys.argv[2]).items():
            connecting = socket.socket(); connecting.setblocking(False)
            try:
                await eval(way)
                stopped[name] = False
            except TransportFault as fault:
                stopped[name] = str(fault) in map(str, guard.blocked)
    await loop.create_connection(asyncio.Protocol, *address)
    print(json.dumps(stopped))

uvloop.run(main())
"""


@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
def test_uvloop_reaches_the_network_by_none_of_its_ways(tmp_path: Path) -> None:
    ways = json.dumps({name: way for name, (way, _) in UVLOOP_WAYS.items()})
    ran = subprocess.run(
        [sys.executable, "-c", UVLOOP, str(tmp_path / "s"), ways],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {name: goes_out for name, (_, goes_out) in UVLOOP_WAYS.items()}


def test_the_end_of_a_process_finds_nothing_to_complain_of() -> None:
    at_the_end = """
import socket, sys
from harness.recording.transports import sockets

sockets.install(socket)
vars(sockets).update(dict.fromkeys(vars(sockets)))  # as Python does with modules that are still held
sys.audit("open", "a file", "r", 0)
"""
    ran = subprocess.run(
        [sys.executable, "-c", at_the_end], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert (ran.returncode, ran.stderr) == (0, "")
