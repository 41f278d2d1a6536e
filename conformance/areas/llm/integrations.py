"""An integration put to recordings of its calls: as they are, with faults done to them, and in other pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

import harness
from conformance.areas.llm.chunks import projected, rechunked
from conformance.providers import closed_call, variants
from conformance.providers.closed_call import close_in_the_middle
from conformance.providers.integration import Integration
from conformance.providers.playback import OtherKindError, play
from conformance.providers.runs import AnsweredCall, RecordedRun
from conformance.providers.variants import Variant
from conformance.stage.reader import KINDS, SessionKind
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, UnusableError
from conformance.timeline.evidence import Evidence, beside_frames
from conformance.timeline.expected import NOTHING, Expected

#: From an integration and one of its calls to what is to be done to the answer.
Vary = Callable[[Integration, AnsweredCall], Iterator[Variant]]
#: Makes runs of an integration again, with sessions of one kind, each under its label.
Remake = Callable[[Integration, SessionKind], Iterator[tuple[str, Callable[[], Sequence[Evidence]]]]]

#: What to record, for each clause that recordings must show.
_TO_RECORD: Final[Mapping[str, str]] = {
    "llm.no-stream": "a call with stream=False inside a flow (stream_events() always streams)",
    "llm.tool-chunks": "a call in which the model asks for a tool",
    "llm.tool-run": "a call in which the model asks for a tool",
    "llm.thinking": "a call in which the model thinks",
}
_STREAM: Final = "a streamed call that gives text and ends well"
#: How long one situation may take, which is put to every recording, in seconds.
_DEADLINE_S: Final = 60.0


def _whole(streamed: bool, integration: Integration, kind: SessionKind) -> Iterator[tuple[str, Any]]:
    """Each run as it was recorded."""
    for run in integration.runs:
        if not run.calls or any(call.streamed for call in run.calls) == streamed:
            yield run.name, partial(_with_chunks, run, kind)


def _with_chunks(run: RecordedRun, kind: SessionKind) -> Iterator[Evidence]:
    for evidence in play(run, kind, max_retries=None):
        yield replace(evidence, expected=tuple(projected(evidence.frames, harness.stream_frame_to_chunk)))


def _varied(vary: Vary, integration: Integration, kind: SessionKind, *, retries: int = 0) -> Iterator[tuple[str, Any]]:
    """A run of each shape with each variant of its answer."""
    for run, call in integration.shapes:
        for variant in vary(integration, call):
            which = f"call {run.calls.index(call) + 1} " if len(run.calls) > 1 else ""
            answers = {call.place: variant.answers}
            made = partial(play, run, kind, answers, spoilt=variant.spoilt, max_retries=retries)
            yield f"{run.name}, {which}{variant.label}", made


def _first(vary: Vary) -> Vary:
    """Return what varies the first call that it fits, and no other: clients wait before they try again."""

    def varied(integration: Integration, call: AnsweredCall) -> Iterator[Variant]:
        fitting = (other for _, other in integration.shapes if any(True for _ in vary(integration, other)))
        if call is next(fitting, None):
            yield from vary(integration, call)

    return varied


def _resplit(integration: Integration, kind: SessionKind) -> Iterator[tuple[str, Any]]:
    """A run of each shape with the bytes of all its answers in other pieces."""
    for run, call in integration.shapes:
        if call.streamed and not call.was_refused:
            yield run.name, partial(_resplit_run, run, kind)


def _resplit_run(run: RecordedRun, kind: SessionKind) -> Iterator[Evidence]:
    whole = play(run, kind)
    ways = zip(*(variants.splits(taped.response) for taped in run.interactions), strict=False)
    split = [play(run, kind, {place: (answer,) for place, answer in enumerate(answers)}) for answers in ways]
    for place, evidence in enumerate(whole):
        frames = {f"split {n}": made[place].frames for n, made in enumerate(split, 1)}
        yield replace(evidence, expected=tuple(rechunked(evidence.frames, frames)))


def _closed(integration: Integration, kind: SessionKind) -> Iterator[tuple[str, Any]]:
    """A run of each shape that begins with it, closed where its answer falls silent before its end."""
    for run, call in integration.shapes:
        if not call.streamed or call.was_refused or call is not run.calls[0]:
            continue
        silent, shows = variants.silent(call)
        closed = partial(close_in_the_middle, run, kind, call.place, silent, shows=shows)
        yield run.name, lambda closed=closed: [closed()]


def _streamed(vary: Callable[[AnsweredCall], Iterator[Variant]]) -> Vary:
    def varied(integration: Integration, call: AnsweredCall) -> Iterator[Variant]:
        if call.streamed and not call.was_refused:
            yield from vary(call)

    return varied


def _any_call(vary: Callable[[AnsweredCall], Iterator[Variant]]) -> Vary:
    return lambda integration, call: vary(call)


_ENDS: Final = frozenset({"order.one-completion"})
_WHOLE: Final = _ENDS | {
    "llm.sequence",
    "llm.deltas-equal-final",
    "llm.usage",
    "llm.tool-chunks",
    "llm.tool-run",
    "llm.thinking",
    "llm.legacy-chunk",
    "order.seq-gapless",
    "order.delivery",
    "order.terminal-last",
    "order.previous-earlier",
    "cleanup.no-leaks",
}
_BROKEN: Final = _ENDS | {"llm.truncation", "llm.sequence", "llm.deltas-equal-final", "llm.errors"}
_FAILED: Final = _ENDS | {"llm.errors", "llm.sequence", "cleanup.no-leaks"}

#: At how many places a stream is broken off, in order and otherwise, and how many faults are drawn. Most of an
#: integration is the same in both ways.
_PLACES: Final[Mapping[SessionKind, tuple[int, int, int]]] = {"sync": (12, 2, 2), "async": (3, 2, 1)}


def _scenarios_of(kind: SessionKind) -> Iterator[Scenario]:
    many, few, seeds = _PLACES[kind]
    rows: list[tuple[str, frozenset[str], Remake]] = [
        ("whole", _WHOLE, partial(_whole, True)),
        ("not-streamed", _ENDS | {"llm.no-stream", "llm.usage", "llm.tool-run"}, partial(_whole, False)),
        ("cut", _BROKEN, partial(_varied, _streamed(partial(variants.cuts, how="end", most=many)))),
        ("disconnect", _BROKEN, partial(_varied, _streamed(partial(variants.cuts, how="cut", most=few)))),
        ("reset", _BROKEN, partial(_varied, _streamed(partial(variants.cuts, how="reset", most=few)))),
        ("no-end-marker", _BROKEN, partial(_varied, _streamed(variants.without_end))),
        ("closed", closed_call.CLAUSES, _closed),
        ("re-split", frozenset({"llm.rechunk"}), _resplit),
        ("http-429", _FAILED, partial(_varied, partial(variants.refusals, status=429))),
        ("http-500", _FAILED, partial(_varied, partial(variants.refusals, status=500))),
        ("http-429-once", _ENDS | {"llm.sequence"}, partial(_varied, _first(variants.refused_once), retries=1)),
        ("malformed", _FAILED, partial(_varied, _any_call(partial(variants.malformed, seeds=range(seeds))))),
        ("error-event", _FAILED, partial(_varied, _streamed(partial(variants.error_events, seeds=range(seeds))))),
    ]
    for name, clauses, remake in rows:
        yield Scenario(
            f"provider/{name}/{kind}",
            clauses,
            partial(_observed, clauses, remake, kind),
            tests="integration",
            deadline_s=_DEADLINE_S,
            unshown=lambda clause: f"no recording shows it; record {_TO_RECORD.get(clause, _STREAM)}",
        )


def _observed(
    clauses: frozenset[str], remake: Remake, kind: SessionKind, integration: Integration, performance: Performance
) -> Iterator[Evidence]:
    """Make every run that fits again, and tell what each came to; or, for all clauses, why it could not be made."""
    for label, made in remake(integration, kind):
        try:
            yield from (replace(evidence, label=label) for evidence in made())
        except OtherKindError:
            continue
        except harness.UsageError as error:
            # The target itself can't be run, whatever its answers are.
            raise UnusableError(str(error)) from error
        except harness.HarnessError as error:
            lost = beside_frames(Expected(clause, "making it again", NOTHING, error) for clause in clauses)
            yield replace(lost, label=label)


SCENARIOS: tuple[Scenario, ...] = tuple(scenario for kind in KINDS for scenario in _scenarios_of(kind))
