"""Checks of the clauses `scope.*`: which session shows what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from conformance.areas.observations import Captured, Heard, TurnBeside
from conformance.timeline.check import Check, Finding, saw, seen, shown
from conformance.timeline.evidence import Evidence


def isolated(evidence: Evidence) -> Iterator[Finding]:
    """Sessions that are open together see only their own frames."""
    for heard in _in(evidence, "isolated"):
        yield from _difference(heard)


def nested(evidence: Evidence) -> Iterator[Finding]:
    """An outer session sees what its run starts; an inner one its own only."""
    for heard in _in(evidence, "nested-outer", "nested-inner"):
        yield from _difference(heard)


def worker_threads(evidence: Evidence) -> Iterator[Finding]:
    """Frames of a run's threads are part of it; those that could be of several, or of none, go to none, with a warning."""
    for heard in _in(evidence, "by-context", "by-source", "unclear"):
        yield from _difference(heard)
    for heard in _in(evidence, "unclear"):
        if heard.warned is False:
            yield None, f"nobody was warned of an event that belongs to no session, beside {heard.session}"


def awaited_emit(evidence: Evidence) -> Iterator[Finding]:
    """What is emitted with the async emit is shown."""
    for heard in _in(evidence, "awaited-emit"):
        yield from _difference(heard)


def captures_llm(evidence: Evidence) -> Iterator[Finding]:
    """A streamed flow shows the tokens of its calls, unless an LLM was told not to stream."""
    for captured in seen(evidence, Captured):
        told = {None: "told nothing of streaming", True: "told to stream", False: "told not to stream"}[captured.told]
        wanted = captured.told is not False
        if captured.asked is not wanted:
            yield None, f"an LLM that was {told} asked its provider {'' if captured.asked else 'not '}to stream"
        if wanted and "".join(captured.chunks) != captured.text:
            yield None, f"the streamed flow shows {captured.chunks} of a call that said {captured.text!r}"
        if not wanted and captured.chunks:
            yield None, f"the streamed flow shows {len(captured.chunks)} chunks of an LLM that was {told}"


def concurrent_turns(evidence: Evidence) -> Iterator[Finding]:
    """A second turn is refused while one is open; all that were let in are answered, each once."""
    for beside in seen(evidence, TurnBeside):
        if beside.refused is None:
            yield None, f"a second turn was let in while one was open ({beside.held})"
        elif not isinstance(beside.refused, Exception) or "turn" not in shown(beside.refused).lower():
            yield (
                None,
                f"a second turn beside an open one ({beside.held}) came to {shown(beside.refused)}, no clear error",
            )
        said = Counter(beside.transcript)
        for turn in beside.taken:
            if turn.raised is not None:
                yield None, f"{turn.name} ({beside.held}) raised {shown(turn.raised)}"
            elif turn.result != turn.reply:
                yield None, f"{turn.name} ({beside.held}) came to {shown(turn.result)}, not to {turn.reply!r}"
            for what, message in (("message", ("user", turn.message)), ("reply", ("assistant", turn.reply))):
                if said[message] != 1:
                    times = f"{said[message]} times" if said[message] else "not at all"
                    yield (
                        None,
                        f"the {what} of {turn.name} ({beside.held}) is in the transcript {times}: {message[1]!r}",
                    )


def _in(evidence: Evidence, *situations: str) -> list[Heard]:
    return [heard for heard in seen(evidence, Heard) if heard.situation in situations]


def _difference(heard: Heard) -> Iterator[Finding]:
    """Give what a session lacks of its own, and what it shows that is not its own, or more than once."""
    expected, shown = Counter(heard.expected), Counter(heard.seen)
    if heard.raised is not None:
        yield None, f"reading {heard.session} raised {type(heard.raised).__name__}: {heard.raised}"
    for mark in (expected - shown).elements():
        yield None, f"{heard.session} does not show {mark!r} ({heard.situation})"
    for mark in (shown - expected).elements():
        again = "again" if mark in expected else "which is not its own"
        yield None, f"{heard.session} shows {mark!r}, {again} ({heard.situation})"


def _has(*situations: str) -> Callable[[Evidence], bool]:
    return lambda evidence: bool(_in(evidence, *situations))


CHECKS = (
    Check("scope.isolated", isolated, _has("isolated")),
    Check("scope.nested", nested, _has("nested-outer", "nested-inner")),
    Check("scope.worker-threads", worker_threads, _has("by-context", "by-source", "unclear")),
    Check("scope.aemit", awaited_emit, _has("awaited-emit")),
    Check("scope.captures-llm", captures_llm, saw(Captured)),
    Check("scope.concurrent-turns", concurrent_turns, saw(TurnBeside)),
)
