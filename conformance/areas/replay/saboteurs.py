"""Saboteurs of the clauses `replay.*`: tapes that play something else, let requests out, or keep quiet."""

from __future__ import annotations

import shutil
from itertools import count
from typing import Any, Final

from msgspec.structs import replace

from conformance.proof.saboteur import Saboteurs, changing, constant, passing, reading
from harness import RecordingError
from harness.recording.record import Worth

SABOTEURS: Final = Saboteurs()

_TAPE: Final = "harness.recording.tape.core:Tape.__init__"
_NUMBERS: Final = count(1)


@SABOTEURS.row("replay.equal", "harness.recording.tape.core:Tape.answer", by=changing)
def plays_other_text(answer: Any) -> Any:
    # As many bytes as before: the pieces in which they came must still add up.
    return None if answer is None else replace(answer, body=answer.body.replace(b'"One"', b'"Two"'))


@SABOTEURS.row("replay.equal", "harness.recording.tape.core:Tape.answer", by=changing)
def refusals_as_400(answer: Any) -> Any:
    return answer if answer is None or answer.status < 400 else replace(answer, status=400)


@SABOTEURS.row("replay.equal", "harness.llm.call:ModelCall.__init__")
def calls_numbered_through(init: Any, call: Any, *args: Any, **options: Any) -> None:
    init(call, *args, **options)
    call._common["model"] += f"-{next(_NUMBERS)}"


SABOTEURS.add(
    "replay-records-anew",
    "replay.offline",
    _TAPE,
    passing(plays=False, records=True),
    {"replay.complete": "a tape that records everything misses nothing"},
)
SABOTEURS.add("misses-go-out", "replay.offline replay.complete", _TAPE, passing(records=True))
SABOTEURS.add(
    "datagrams-and-lookups-go-out", "replay.offline", "harness.recording.transports.sockets:_check", constant(None)
)
SABOTEURS.add("attempts-untold", "replay.offline", "harness.recording.tape.guard:NetworkGuard.note", constant(None))
SABOTEURS.add("programs-unasked", "replay.trusted", "harness.recording.trust.gate:Trust.gate", constant(None))


@SABOTEURS.row("replay.kept", "harness.recording.record:_worth", by=changing)
def worse_takes_the_place(end: Any) -> Any:
    return replace(end, worth=Worth.COMPLETED)


@SABOTEURS.row("replay.kept", "harness.recording.files.workplace:Workplace.keep", by=changing)
def failed_thrown_away(path: Any) -> Any:
    shutil.rmtree(path)
    return path


SABOTEURS.add("misses-untold", "replay.complete", "harness.recording.tape.core:Tape.misses", reading(lambda *_: ()))
SABOTEURS.add("unplayed-untold", "replay.complete", "harness.recording.tape.core:Tape.unplayed", reading(lambda *_: ()))


@SABOTEURS.row("replay.complete", "harness.recording.tape.tape:read_cassette")
def torn_cassettes_empty(read_cassette: Any, path: Any, **options: Any) -> Any:
    try:
        return read_cassette(path, **options)
    except RecordingError:
        return ()
