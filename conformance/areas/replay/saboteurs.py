"""Saboteurs of the clauses `replay.*`: tapes that play something else, let requests out, or keep quiet."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any, Final

from conformance.proof.saboteur import Saboteur
from harness import RecordingError
from harness.recording.record import Worth

_TAPE: Final = "harness.recording.tape.core:Tape.__init__"


def _other_text(answer: Callable[..., Any]) -> Callable[..., Any]:
    def broken(tape: Any, request: Any) -> Any:
        found = answer(tape, request)
        # As many bytes as before: the pieces in which they came must still add up.
        return None if found is None else replace(found, body=found.body.replace(b'"One"', b'"Two"'))

    return broken


def _numbered(init: Callable[..., None]) -> Callable[..., None]:
    numbers = count(1)

    def broken(call: Any, *args: Any, **options: Any) -> None:
        init(call, *args, **options)
        call._common["model"] += f"-{next(numbers)}"

    return broken


def _goes_out(init: Callable[..., None]) -> Callable[..., None]:
    return lambda tape, path, loaded, **options: init(
        tape, path, loaded, **{**options, "plays": False, "records": True}
    )


def _misses_go_out(init: Callable[..., None]) -> Callable[..., None]:
    return lambda tape, path, loaded, **options: init(tape, path, loaded, **{**options, "records": True})


def _none(read: property) -> property:
    return property(lambda tape: ())


def _empty(read_cassette: Callable[..., Any]) -> Callable[..., Any]:
    def broken(path: Any, **options: Any) -> Any:
        try:
            return read_cassette(path, **options)
        except RecordingError:
            return ()

    return broken


def _as_400(answer: Callable[..., Any]) -> Callable[..., Any]:
    def broken(tape: Any, request: Any) -> Any:
        found = answer(tape, request)
        return found if found is None or found.status < 400 else replace(found, status=400)

    return broken


def _nothing(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *args, **options: None


def _worth_most(worth: Callable[..., Any]) -> Callable[..., Any]:
    return lambda outcome, interactions: replace(worth(outcome, interactions), worth=Worth.COMPLETED)


def _thrown_away(keep: Callable[..., Any]) -> Callable[..., Any]:
    def broken(workplace: Any, mark: Any) -> Any:
        path = keep(workplace, mark)
        shutil.rmtree(path)
        return path

    return broken


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("plays-other-text", ("replay.equal",), "harness.recording.tape.core:Tape.answer", _other_text),
    Saboteur("refusals-as-400", ("replay.equal",), "harness.recording.tape.core:Tape.answer", _as_400),
    Saboteur("calls-numbered-through", ("replay.equal",), "harness.llm.call:ModelCall.__init__", _numbered),
    Saboteur(
        "replay-records-anew",
        ("replay.offline",),
        _TAPE,
        _goes_out,
        {"replay.complete": "a tape that records everything misses nothing"},
    ),
    Saboteur("misses-go-out", ("replay.offline", "replay.complete"), _TAPE, _misses_go_out),
    Saboteur(
        "datagrams-and-lookups-go-out", ("replay.offline",), "harness.recording.transports.sockets:_check", _nothing
    ),
    Saboteur("attempts-untold", ("replay.offline",), "harness.recording.tape.guard:NetworkGuard.note", _nothing),
    Saboteur("programs-unasked", ("replay.trusted",), "harness.recording.trust.gate:Trust.gate", _nothing),
    Saboteur("worse-takes-the-place", ("replay.kept",), "harness.recording.record:_worth", _worth_most),
    Saboteur("failed-thrown-away", ("replay.kept",), "harness.recording.files.workplace:Workplace.keep", _thrown_away),
    Saboteur("misses-untold", ("replay.complete",), "harness.recording.tape.core:Tape.misses", _none),
    Saboteur("unplayed-untold", ("replay.complete",), "harness.recording.tape.core:Tape.unplayed", _none),
    Saboteur("torn-cassettes-empty", ("replay.complete",), "harness.recording.tape.tape:read_cassette", _empty),
)
