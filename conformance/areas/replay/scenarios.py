"""A run recorded from the provider and made again from its tape alone; and what recordings may do, and may lose."""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conformance.areas.replay.program_files import reach_network, record_worse, replay_untrusted
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Ask, CallProgram, FlowProgram, Method, Program, Script
from conformance.stage.reader import FramesRead, attempt
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import AtMost, Expected, Raised
from harness.recording import compare_frames, network_guard, open_tape

_OUTLINE: Final = Ask(Script(("One", ", two")))
_EXPAND: Final = Ask(Script(("Three",)))
_REFUSED: Final = Ask(Script(("Nobody reads this",), status=429))
_STRANGER: Final = CallProgram(Ask(Script(("Nobody recorded this",))))
#: Two methods at once, and one that waits for both: what may interleave, and what may not.
_SIDE_BY_SIDE: Final = FlowProgram(
    (
        Method("left", (_OUTLINE,)),
        Method("right", (_EXPAND,)),
        Method("joined", (_OUTLINE,), after=("left", "right"), joins="all"),
    )
)


def _made_again(consumer: Consumer, program: Program) -> Evidence:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cassette.yaml"
        with open_tape(path, "all"):
            first = consumer.read_session(program)
        recorded = len(consumer.provider.requested_streams())
        with network_guard(), open_tape(path, "none") as tape:
            again = consumer.read_session(program)
            left = len(tape.unplayed)
        with network_guard(), open_tape(path, "none") as tape:
            miss = consumer.read_session(_STRANGER)
            misses, unplayed = len(tape.misses), len(tape.unplayed)
        with network_guard() as guard, open_tape(path, "none"):
            datagram, lookup = attempt(_send_datagram), attempt(_look_up)
        torn = attempt(lambda: _open_torn(path))
    sent = len(consumer.provider.requested_streams()) - recorded
    return again.evidence(
        *_equal(first, again),
        Expected("replay.offline", "requests that reached the provider", AtMost(0), sent),
        Expected("replay.offline", "sending a datagram", Raised(BaseException, ("was about to be sent",)), datagram),
        Expected("replay.offline", "looking up a name", Raised(BaseException, ("was about to be looked up",)), lookup),
        Expected("replay.offline", "attempts that the guard tells of", 2, len(guard.blocked)),
        Expected("replay.complete", "whether there was a request to make again", True, recorded > 0),
        Expected("replay.complete", "recorded requests that were not made again", 0, left),
        Expected("replay.complete", "a request that was not recorded", Raised(BaseException), miss.raised),
        Expected("replay.complete", "whether the tape tells of such a request", True, misses > 0),
        Expected("replay.complete", "whether the tape tells of requests that were not made", True, unplayed > 0),
        Expected("replay.complete", "a cassette that can't be read", Raised(Exception), torn),
    )


def _equal(first: FramesRead, again: FramesRead) -> Iterator[Expected]:
    """The same error, if any, and the same scope tree."""
    yield Expected("replay.equal", "what the run raised when it was made again", _error_text(first), _error_text(again))
    differences = tuple(map(str, compare_frames(first.frames, again.frames)))
    yield Expected("replay.equal", "differences between the run and the one made again", (), differences)


def _error_text(read: FramesRead) -> str:
    return "nothing" if read.raised is None else f"{type(read.raised).__name__}: {read.raised}"


def _send_datagram() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sending:
        sending.sendto(b"x", ("127.0.0.1", 9))


def _look_up() -> None:
    # No name at all, so that nobody is asked for it where it is not stopped.
    socket.getaddrinfo(b"x" * 64 + b".invalid", 443)


def _open_torn(path: Path) -> None:
    path.write_text("version: 1\ninteractions:\n- request: {", encoding="utf-8")
    with open_tape(path, "none"):
        return


_CLAUSES: Final = frozenset({"replay.equal", "replay.offline", "replay.complete"})

SCENARIOS: Final = Scenarios()
SCENARIOS.of_kind("sync", "replay/call", _CLAUSES, "llm", _made_again, CallProgram(_OUTLINE))
SCENARIOS.of_kind("sync", "replay/refused", _CLAUSES, "llm", _made_again, CallProgram(_REFUSED))
SCENARIOS.of_kind("sync", "replay/side-by-side", _CLAUSES, "flow llm", _made_again, _SIDE_BY_SIDE)
SCENARIOS.of_kind("sync", "replay/swallowed", {"replay.offline"}, "llm", reach_network)
SCENARIOS.of_kind("sync", "replay/trusted", {"replay.trusted"}, "llm", replay_untrusted)
SCENARIOS.of_kind("sync", "replay/kept", {"replay.kept"}, "llm", record_worse)
