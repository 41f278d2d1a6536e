"""The situations of the provider suite: each is put to every recording that it fits, read in both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

import harness
from conformance.areas.observations import LegacyChunk, Rechunked
from conformance.providers import variants
from conformance.providers.found import RecordedProvider
from conformance.providers.playing import OtherWayError, Way, play
from conformance.providers.recorded import RecordedCall, RecordedRun
from conformance.providers.variants import Variant
from conformance.timeline.evidence import Evidence

_Vary = Callable[[RecordedProvider, RecordedCall], Iterator[Variant]]


@dataclass(frozen=True)
class Seen:
    """What came of one recording in one situation."""

    #: As in `text, reset after 512 of 1,024 bytes`.
    label: str
    #: None where the run can't be made again; then `why` says it.
    evidence: Evidence | None
    why: str = ""


@dataclass(frozen=True)
class ProviderScenario:
    """One situation, and the clauses that recordings can show in it."""

    #: Unique; as in `provider/cut/sync`.
    id: str
    clauses: frozenset[str]
    observe: Callable[[RecordedProvider], Iterator[Seen]]


def _whole(streamed: bool, way: Way, provider: RecordedProvider) -> Iterator[Seen]:
    """Each run as it was recorded."""
    for run in provider.runs:
        if not run.calls or any(call.streamed for call in run.calls) == streamed:
            for seen in _seen(run.name, partial(play, run, way, max_retries=None)):
                yield replace(seen, evidence=_with_chunks(seen.evidence)) if seen.evidence is not None else seen


def _with_chunks(evidence: Evidence) -> Evidence:
    frames: Sequence[Any] = evidence.frames
    chunks = tuple(LegacyChunk(frame, harness.stream_frame_to_chunk(frame)) for frame in frames)
    return replace(evidence, observations=(*evidence.observations, *chunks))


def _varied(vary: _Vary, way: Way, provider: RecordedProvider, *, retries: int = 0) -> Iterator[Seen]:
    """A run of each shape with each variant of its answer."""
    for run, call in provider.shapes:
        for variant in vary(provider, call):
            which = f"call {run.calls.index(call) + 1} " if len(run.calls) > 1 else ""
            answers = {call.place: variant.answers}
            made = partial(play, run, way, answers, spoilt=variant.spoilt, max_retries=retries)
            yield from _seen(f"{run.name}, {which}{variant.label}", made)


def _first(vary: _Vary) -> _Vary:
    """Return what varies the first call that it fits, and no other: clients wait before they try again."""

    def varied(provider: RecordedProvider, call: RecordedCall) -> Iterator[Variant]:
        fitting = (one for _, one in provider.shapes if any(True for _ in vary(provider, one)))
        if call is next(fitting, None):
            yield from vary(provider, call)

    return varied


def _resplit(way: Way, provider: RecordedProvider) -> Iterator[Seen]:
    """A run of each shape with the bytes of all its answers in other pieces."""
    for run, call in provider.shapes:
        if call.streamed and not call.was_refused:
            yield from _seen(run.name, partial(_resplit_run, run, way))


def _resplit_run(run: RecordedRun, way: Way) -> Sequence[Evidence]:
    whole = play(run, way)
    others = zip(*(variants.splits(one.response) for one in run.interactions), strict=False)
    split = [play(run, way, {place: (answer,) for place, answer in enumerate(answers)}) for answers in others]
    return [
        replace(
            one, observations=(*one.observations, Rechunked(one.frames, tuple(each[place].frames for each in split)))
        )
        for place, one in enumerate(whole)
    ]


def _seen(label: str, made: Callable[[], Sequence[Evidence]]) -> Iterator[Seen]:
    try:
        for evidence in made():
            yield Seen(label, evidence)
    except OtherWayError:
        return
    except harness.UsageError:
        raise  # the target itself can't be run, whatever its answers are
    except harness.HarnessError as error:
        yield Seen(label, None, f"it can't be made again: {error}")


def _streamed(vary: Callable[[RecordedCall], Iterator[Variant]]) -> _Vary:
    def varied(provider: RecordedProvider, call: RecordedCall) -> Iterator[Variant]:
        if call.streamed and not call.was_refused:
            yield from vary(call)

    return varied


def _any_call(vary: Callable[[RecordedCall], Iterator[Variant]]) -> _Vary:
    return lambda provider, call: vary(call)


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
}
_BROKEN: Final = _ENDS | {"llm.truncation", "llm.sequence", "llm.deltas-equal-final", "llm.errors"}
_FAILED: Final = _ENDS | {"llm.errors", "llm.sequence"}


#: At how many places a stream is broken off, in order and otherwise, and how many faults are drawn. Most of an
#: integration is the same in both ways.
_PLACES: Final[Mapping[Way, tuple[int, int, int]]] = {"sync": (6, 2, 2), "async": (3, 2, 1)}


def _scenarios_of(way: Way) -> Iterator[ProviderScenario]:
    many, few, seeds = _PLACES[way]
    rows: list[tuple[str, frozenset[str], Callable[[RecordedProvider], Iterator[Seen]]]] = [
        ("whole", _WHOLE, partial(_whole, True, way)),
        ("not-streamed", _ENDS | {"llm.no-stream", "llm.usage", "llm.tool-run"}, partial(_whole, False, way)),
        (
            "cut",
            _BROKEN,
            partial(_varied, _streamed(partial(variants.cuts, how="end", most=many)), way),
        ),
        ("disconnect", _BROKEN, partial(_varied, _streamed(partial(variants.cuts, how="cut", most=few)), way)),
        ("reset", _BROKEN, partial(_varied, _streamed(partial(variants.cuts, how="reset", most=few)), way)),
        ("no-end-marker", _BROKEN, partial(_varied, _streamed(variants.without_end), way)),
        ("re-split", frozenset({"llm.rechunk"}), partial(_resplit, way)),
        ("http-429", _FAILED, partial(_varied, partial(variants.refusals, status=429), way)),
        ("http-500", _FAILED, partial(_varied, partial(variants.refusals, status=500), way)),
        (
            "http-429-once",
            _ENDS | {"llm.sequence"},
            partial(_varied, _first(variants.refused_once), way, retries=1),
        ),
        ("malformed", _FAILED, partial(_varied, _any_call(partial(variants.malformed, seeds=range(seeds))), way)),
        ("error-event", _FAILED, partial(_varied, _streamed(partial(variants.error_events, seeds=range(seeds))), way)),
    ]
    for name, clauses, observe in rows:
        yield ProviderScenario(f"provider/{name}/{way}", clauses, observe)


@cache
def provider_scenarios() -> tuple[ProviderScenario, ...]:
    """Return every situation, in the order in which reports show them."""
    return (*_scenarios_of("sync"), *_scenarios_of("async"))
