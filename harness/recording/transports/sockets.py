"""The net below the transports: nothing connects, sends or looks up while the network is blocked, whatever library asks.

Where `network_guard` is open, it is let through only for a tape that records. Under one that only plays nothing is, not
even to loopback, unless the guard spares that: a replay opens no socket, sends no datagram and resolves no name (clause
`replay.offline`). Unix sockets reach no network, and pass; so do socket pairs, which Python makes from a loopback
connection where the system has none, and names that are addresses or this machine's own loopback.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any, Final

from harness.recording.tape import guard, tape as tapes

_ADVICE: Final = "record what it is for with `harness record … --mode once`, through a library that tapes know"
#: Families that stay on this machine, by the names that Python has for them where the system has them.
_WITHIN: Final = frozenset(getattr(socket, name, None) for name in ("AF_UNIX", "AF_NETLINK"))


def install(library: ModuleType) -> None:
    """Watch all connecting, sending and looking up of the process, for its life.

    An audit hook, since it also sees libraries that hold on to the socket's own methods, and none can take it off.
    """
    checks = _CHECKS

    def on_event(event: str, details: tuple[Any, ...]) -> None:
        # Python tells of each import, compilation and look at a frame, too: nearly all events are of no interest. And it
        # tells of some at its end, when this module may have nothing any more.
        if event in checks and guard.is_blocked():
            checks[event](*details)

    sys.addaudithook(on_event)


def check_connection(address: object) -> None:
    """Stop a connection to `address` where the network is blocked. Raises TransportFault."""
    if not _is_spared(address):
        _check(f"a connection to {_where(address)} was about to be opened")


def check_datagram(address: object) -> None:
    """Stop what is sent to `address` without a connection where the network is blocked. Raises TransportFault."""
    if not _is_spared(address):
        _check(f"a message to {_where(address)} was about to be sent")


def check_lookup(host: object) -> None:
    """Stop looking up the name `host` where the network is blocked and the name is not known anyway.

    Raises:
        TransportFault: with a `NetworkBlockedError`.
    """
    name = _host_name(host)
    if not _is_known(name):
        # Loops look up in threads of theirs, without the context: any tape that records may be the one that asks.
        _check(f"the name {name!r} was about to be looked up", shared=True)


def check_reverse_lookup(host: object) -> None:
    """Stop looking up the name of an address, or all names of a host, where the network is blocked.

    Raises:
        TransportFault: with a `NetworkBlockedError`.
    """
    name = _host_name(host)
    if not guard.is_loopback(name):
        _check(f"the name of {name!r} was about to be looked up", shared=True)


def _connect(connecting: socket.socket, address: object) -> None:
    if connecting.family in _WITHIN or _makes_a_pair(sys._getframe(2)):
        return
    try:
        check_connection(address)
    except BaseException:
        # Who connects is ready for an OSError, and would leave the socket open.
        connecting.close()
        raise


def _send(sending: socket.socket, address: object) -> None:
    # Without an address, it goes where the socket has been connected to.
    if address is not None and sending.family not in _WITHIN:
        check_datagram(address)


def _look_up(host: object, *rest: object) -> None:
    check_lookup(host)


def _look_up_name_of(address: object) -> None:
    check_reverse_lookup(address[0] if isinstance(address, tuple) and address else address)


#: Python's audit events, by which `socket` tells of all that it does: `connect_ex`, TCP fast open and `_ex` forms included.
_CHECKS: Final[dict[str, Callable[..., None]]] = {
    "socket.connect": _connect,
    "socket.sendto": _send,
    "socket.sendmsg": _send,
    "socket.getaddrinfo": _look_up,
    "socket.gethostbyname": _look_up,
    "socket.gethostbyaddr": _look_up_name_of,
    "socket.getnameinfo": _look_up_name_of,
}


def _check(attempt: str, *, shared: bool = False) -> None:
    tape = tapes.current_tape()
    if not guard.is_blocked() or (tape is not None and tape.records):
        return
    if shared and tape is None and tapes.any_records():
        return
    why = "no tape is running here" if tape is None else "the tape that is running here only plays"
    raise guard.block(attempt, because=why, advice=_ADVICE)


def _is_spared(address: object) -> bool:
    return isinstance(address, tuple) and bool(address) and guard.is_spared(_host_name(address[0]))


def _where(address: object) -> str:
    return ":".join(map(str, address[:2])) if isinstance(address, tuple) else str(address)


def _host_name(host: object) -> str:
    if isinstance(host, (bytes, bytearray)):
        return bytes(host).decode("utf-8", "replace")
    return "" if host is None else str(host)


def _is_known(name: str) -> bool:
    """Whether nobody has to be asked for `name`: an address, or a name of loopback."""
    if name == "" or name.lower() in ("localhost", "<broadcast>"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _makes_a_pair(frame: FrameType | None) -> bool:
    while frame is not None:
        if "socketpair" in frame.f_code.co_name and frame.f_code.co_filename == socket.__file__:
            return True
        frame = frame.f_back
    return False
