"""Making a recorded run again, with other answers in the place of the recorded ones, and telling what it did."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

from msgspec.structs import replace

from conformance.providers.runs import AnsweredCall, RecordedRun, in_turn
from conformance.run.workers.certificates import late_certificates
from conformance.stage.reader import Reader, SessionKind
from conformance.timeline.calls import ShownCall, calls_of
from conformance.timeline.evidence import Evidence, WireFacts
from conformance.timeline.expected import Expected
from conformance.wire import request_id_of
from harness import BaseLLM, Flow
from harness.errors import ConformanceError
from harness.recording import (
    Interaction,
    NetworkGuard,
    Redactor,
    Tape,
    WireRequest,
    WireResponse,
    current_path,
    network_guard,
    played_environment,
    playing,
)

#: What was done to an answer whose format nobody here reads: nothing, the end is missing, or it is wrong somewhere.
Spoilt = Literal["cut", "wrong"] | None
#: How often one request is answered alike: more often than any client tries again.
_ATTEMPTS = 8
#: By the kind of session that is to be read: the entry that is replaced, and what takes its place.
_ENTRIES: Mapping[SessionKind, tuple[str, str]] = {
    "sync": ("astream", "stream_events"),
    "async": ("stream_events", "astream"),
}


class NotPlayableError(ConformanceError):
    """A recorded run can't be made again, so that nothing can be told from it."""


class OtherKindError(ConformanceError):
    """A target makes sessions of one kind, and can't be made to give the other."""


def play(
    run: RecordedRun,
    kind: SessionKind,
    answers: Mapping[int, Sequence[WireResponse]] | None = None,
    *,
    spoilt: Spoilt = None,
    max_retries: int | None = 0,
) -> tuple[Evidence, ...]:
    """Make a run again, with sessions of one kind; return the evidence of each that it came to.

    `answers` has, by the place of an interaction, what takes the place of its answer: one for each attempt, and the last
    for all that follow. `max_retries` is what every LLM reads for its own; None leaves it as it is.

    Raises:
        NotPlayableError: it asked for something that was not recorded, by whatever way, or not for all that was.
        OtherKindError: its session is of the other kind.
    """
    answered = answered_by(run, answers or {})
    evidence: list[Evidence] = []
    with performed(run, kind, answered, max_retries) as (tape, guard):
        for session in run.target.sessions():
            evidence.append(_read(session, kind))
            if evidence[-1].ended != "exhausted":
                break
        aspect = "answers that were neither read to their end nor closed"
        left = Expected("cleanup.no-leaks", aspect, 0, len(tape.open_answers))
    if unanswered := (*tape.misses, *guard.blocked):
        raise NotPlayableError(str(unanswered[0]))
    evidence[-1] = replace(evidence[-1], expected=(left,))
    unplayed = {id(interaction) for interaction in tape.unplayed}
    played = {place: interaction.response for place, interaction in answered if id(interaction) not in unplayed}
    if answers is None and len(played) < len(run.interactions):
        raise NotPlayableError("a recorded request was never made; the run has changed, record it again")
    return tuple(_with_wire(run, evidence, played, spoilt))


def answered_by(run: RecordedRun, answers: Mapping[int, Sequence[WireResponse]]) -> Sequence[tuple[int, Interaction]]:
    """Return what answers the requests of a run, with the places of the interactions that they stand for."""
    return [
        (place, Interaction(taped.request, response))
        for place, taped in enumerate(run.interactions)
        for response in _attempts(answers.get(place, (taped.response,)), repeated=place in answers)
    ]


@contextmanager
def performed(
    run: RecordedRun, kind: SessionKind, answered: Sequence[tuple[int, Interaction]], max_retries: int | None
) -> Iterator[tuple[Tape, NetworkGuard]]:
    """Have a run that is made in this block ask a tape of these answers, and nobody else."""
    every = tuple(interaction for _, interaction in answered)
    with ExitStack() as stack:
        guard = stack.enter_context(network_guard())
        stack.enter_context(played_environment(every))
        stack.enter_context(late_certificates())
        stack.enter_context(_entered(kind))
        if max_retries is not None:
            stack.enter_context(_retrying(max_retries))
        tape = stack.enter_context(
            playing(run.path / "cassette.yaml", every, redactor=_Remembering(), scope_of=current_path)
        )
        yield tape, guard


class _Remembering(Redactor):
    """A redactor that is given the same requests run after run."""

    def request(self, request: WireRequest) -> WireRequest:
        return _redacted(request)


@functools.lru_cache(maxsize=512)
def _redacted(request: WireRequest) -> WireRequest:
    return Redactor().request(request)


def _attempts(answers: Sequence[WireResponse], *, repeated: bool) -> Sequence[WireResponse]:
    return [*answers, *[answers[-1]] * (_ATTEMPTS - len(answers))] if repeated else answers


def _read(session: Any, kind: SessionKind) -> Evidence:
    of_kind = session_of(session, kind)
    with Reader(kind) as reader:
        return reader.read_whole(lambda: of_kind)


def session_of(session: Any, kind: SessionKind) -> Any:
    """Return the session of a run as sessions of its kind are read. Raises OtherKindError."""
    wrapped = getattr(session, "wrapped", None)
    if (wrapped is None) != (kind == "sync"):
        raise OtherKindError(f"its session is not {kind}")
    return session if wrapped is None else wrapped


def _with_wire(
    run: RecordedRun, evidence: Sequence[Evidence], played: Mapping[int, WireResponse], spoilt: Spoilt
) -> Iterator[Evidence]:
    answered = iter([call for call in run.calls if call.place in played])
    for session in evidence:
        shown = calls_of(session)
        if not run.calls or not in_turn(session.frames):
            yield session
            continue
        facts = [
            _facts(recorded, call, played[recorded.place], spoilt)
            for call, recorded in zip(shown, answered, strict=False)
        ]
        yield replace(session, wire=tuple(facts))


def _facts(recorded: AnsweredCall, shown: ShownCall, answer: WireResponse, spoilt: Spoilt) -> WireFacts:
    """Return what one answer says: from its bytes, else as far as the recorded frames tell."""
    facts = recorded.facts_of(answer)
    if facts is not None:
        return facts
    known = replace(recorded.shown, status=answer.status, request_id=request_id_of(answer))
    if not 200 <= answer.status < 300:
        return replace(known, text="", thinking="", tool_calls=(), kinds=None, usage=None, finish_reason=None)
    if answer.body == recorded.response.body:
        return known
    # How much had come is not known: as much of the answer as was shown, and no other.
    return replace(
        known,
        text=_beginning(shown.joined("text"), known.text),
        thinking=_beginning(shown.joined("thinking"), known.thinking),
        kinds=None,
        usage=None,
        finish_reason=None,
        ended_at_marker=spoilt != "cut",
        error_event=spoilt == "wrong",
    )


def _beginning(shown: str, whole: str) -> str:
    return shown if whole.startswith(shown) else whole


@contextmanager
def _entered(kind: SessionKind) -> Iterator[None]:
    """Have every session be of one kind, whichever entry a target uses, until the end of the block."""
    name, twin = _ENTRIES[kind]

    def entered(self: Any, *args: Any, **options: Any) -> Any:
        return getattr(self, twin)(*args, **options)

    with ExitStack() as stack:
        for owner in (BaseLLM, Flow):
            # Where it stands: a base of them may have it.
            place = next(base for base in owner.__mro__ if name in vars(base))
            stack.callback(setattr, place, name, vars(place)[name])
            setattr(place, name, entered)
        yield


@contextmanager
def _retrying(times: int) -> Iterator[None]:
    """Have every LLM read `times` for its `max_retries`, whatever its target made it with, until the end of the block."""
    setattr(BaseLLM, "max_retries", property(lambda llm: times, lambda llm, value: None))  # noqa: B010 - no such name yet
    try:
        yield
    finally:
        delattr(BaseLLM, "max_retries")
