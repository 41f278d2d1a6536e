"""Blocking the network, and noting what was stopped: an attempt counts whatever became of its error."""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from harness.bus.scope import current_path
from harness.errors import NetworkBlockedError, TransportFault
from harness.recording.words.user_code import HARNESS, is_foreign, path_from_here

#: Reentrant: the garbage collector may run what reaches for the network while a thread holds it.
_lock: Final = threading.RLock()
_open: Final[list[NetworkGuard]] = []


class NetworkGuard:
    """What one `network_guard` has stopped so far."""

    def __init__(self, *, spares_loopback: bool = False) -> None:
        #: Whether what stays on this machine goes past it, and past the tapes beneath it.
        self.spares_loopback = spares_loopback
        self._blocked: dict[str, NetworkBlockedError] = {}

    @property
    def blocked(self) -> tuple[NetworkBlockedError, ...]:
        """An error for each place in the process that reached for the network, whatever became of the exceptions."""
        return tuple(self._blocked.values())

    def note(self, error: NetworkBlockedError) -> None:
        """Count `error` in; one that says the same as another is no other."""
        self._blocked.setdefault(str(error), error)


@contextmanager
def network_guard(*, spares_loopback: bool = False) -> Iterator[NetworkGuard]:
    """Block every request of the process that no tape answers or records, in all threads, until the context is left.

    With `spares_loopback` what goes to this machine is of no tape, and not blocked. Guards nest; the network is blocked
    while one of them is open, and loopback while one of them spares none.
    """
    from harness.recording import transports

    transports.install()
    guard = NetworkGuard(spares_loopback=spares_loopback)
    with _lock:
        _open.append(guard)
    try:
        yield guard
    finally:
        with _lock:
            _open.remove(guard)


def is_blocked() -> bool:
    """Return whether a guard is open."""
    return bool(_open)


def is_spared(host: str) -> bool:
    """Return whether what goes to `host` is nobody's business here: it stays on this machine, and all open guards spare that."""
    return bool(_open) and all(guard.spares_loopback for guard in _open) and is_loopback(host)


def is_loopback(host: str) -> bool:
    """Return whether `host` is this machine itself, as an address or by its name."""
    if host.lower() in ("", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def block(attempt: str, *, because: str, advice: str) -> TransportFault:
    """Return what is to be raised in place of `attempt`, which has been noted on every open guard.

    The attempt is told with the line of the caller's own code that it came from.
    """
    error = NetworkBlockedError(f"{attempt} at {_origin()} while the network is blocked and {because}; {advice}")
    with _lock:
        for guard in _open:
            guard.note(error)
    return TransportFault(error)


def _origin() -> str:
    """Return the innermost line on the stack that is neither ours, nor Python's, nor an installed package's.

    In a thread that none such has begun, it is the innermost that is not ours. Where a run is known, its scope is told.
    """
    frames = list(_frames(sys._getframe(2)))
    own = next((frame for frame in frames if not is_foreign(frame.f_code.co_filename)), None)
    frame = own or next((frame for frame in frames if not frame.f_code.co_filename.startswith(HARNESS)), frames[-1])
    scope = " / ".join(current_path())
    return f"{path_from_here(frame.f_code.co_filename)}:{frame.f_lineno}{scope and f' in {scope}'}"


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
