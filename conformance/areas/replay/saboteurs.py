"""Saboteurs of the clauses `replay.*`: tapes that play something else, let requests out, or keep quiet."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import count
from typing import Any, Final

from conformance.proof.saboteur import Saboteur, called_with, changed, gives, instead, reading
from harness import RecordingError
from harness.recording.record import Worth

_TAPE: Final = "harness.recording.tape.core:Tape.__init__"
_NUMBERS: Final = count(1)


def _other_text(answer: Any) -> Any:
    # As many bytes as before: the pieces in which they came must still add up.
    return None if answer is None else replace(answer, body=answer.body.replace(b'"One"', b'"Two"'))


@instead
def _numbered(init: Any, call: Any, *args: Any, **options: Any) -> None:
    init(call, *args, **options)
    call._common["model"] += f"-{next(_NUMBERS)}"


@instead
def _empty(read_cassette: Any, path: Any, **options: Any) -> Any:
    try:
        return read_cassette(path, **options)
    except RecordingError:
        return ()


def _as_400(answer: Any) -> Any:
    return answer if answer is None or answer.status < 400 else replace(answer, status=400)


def _worth_most(end: Any) -> Any:
    return replace(end, worth=Worth.COMPLETED)


def _thrown_away(path: Any) -> Any:
    shutil.rmtree(path)
    return path


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("plays-other-text", ("replay.equal",), "harness.recording.tape.core:Tape.answer", changed(_other_text)),
    Saboteur("refusals-as-400", ("replay.equal",), "harness.recording.tape.core:Tape.answer", changed(_as_400)),
    Saboteur("calls-numbered-through", ("replay.equal",), "harness.llm.call:ModelCall.__init__", _numbered),
    Saboteur(
        "replay-records-anew",
        ("replay.offline",),
        _TAPE,
        called_with(plays=False, records=True),
        {"replay.complete": "a tape that records everything misses nothing"},
    ),
    Saboteur("misses-go-out", ("replay.offline", "replay.complete"), _TAPE, called_with(records=True)),
    Saboteur(
        "datagrams-and-lookups-go-out", ("replay.offline",), "harness.recording.transports.sockets:_check", gives(None)
    ),
    Saboteur("attempts-untold", ("replay.offline",), "harness.recording.tape.guard:NetworkGuard.note", gives(None)),
    Saboteur("programs-unasked", ("replay.trusted",), "harness.recording.trust.gate:Trust.gate", gives(None)),
    Saboteur("worse-takes-the-place", ("replay.kept",), "harness.recording.record:_worth", changed(_worth_most)),
    Saboteur(
        "failed-thrown-away",
        ("replay.kept",),
        "harness.recording.files.workplace:Workplace.keep",
        changed(_thrown_away),
    ),
    Saboteur("misses-untold", ("replay.complete",), "harness.recording.tape.core:Tape.misses", reading(lambda *_: ())),
    Saboteur(
        "unplayed-untold", ("replay.complete",), "harness.recording.tape.core:Tape.unplayed", reading(lambda *_: ())
    ),
    Saboteur("torn-cassettes-empty", ("replay.complete",), "harness.recording.tape.tape:read_cassette", _empty),
)
