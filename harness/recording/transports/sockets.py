"""The net below the transports: no socket connects while the network is blocked, whatever library opens it.

Where `network_guard` is open, a connection is let through only for a tape that records. Under one that only plays none
is, not even to loopback: a replay opens no socket. Unix sockets reach no network, and pass; so do socket pairs, which
Python makes from a loopback connection where the system has none.
"""

from __future__ import annotations

import socket
import sys
from types import FrameType, ModuleType
from typing import Any

from harness.errors import NetworkBlockedError, TransportFault
from harness.recording.tape import tape as tapes


def install(library: ModuleType) -> None:
    """Watch all connecting of the process, for its life.

    An audit hook, since it also sees libraries that hold on to the socket's own methods, and none can take it off.
    """
    sys.addaudithook(_on_event)


def _on_event(event: str, details: tuple[Any, ...]) -> None:
    if event == "socket.connect" and tapes._guards:
        _check(*details)


def _check(connecting: socket.socket, address: Any) -> None:
    if connecting.family == getattr(socket, "AF_UNIX", None):
        return
    tape = tapes.current_tape()
    if (tape is not None and tape.records) or _makes_a_pair(sys._getframe(2)):
        return
    where = ":".join(str(part) for part in address[:2]) if isinstance(address, tuple) else str(address)
    # Who connects is ready for an OSError, and would leave the socket open.
    connecting.close()
    why = "no tape is running here" if tape is None else "the tape that is running here only plays"
    raise TransportFault(
        NetworkBlockedError(
            f"a connection to {where} was about to be opened while the network is blocked and {why}; "
            "record what it is for with `harness record … --mode once`, through a library that tapes know"
        )
    )


def _makes_a_pair(frame: FrameType | None) -> bool:
    while frame is not None:
        if "socketpair" in frame.f_code.co_name and frame.f_code.co_filename == socket.__file__:
            return True
        frame = frame.f_back
    return False
