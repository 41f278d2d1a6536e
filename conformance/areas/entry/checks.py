"""Checks of the clauses `entry.*`: the ways into a run, what reaches it, and what stays as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from conformance.areas.crew.checks import crew, has_crews
from conformance.areas.observations import Entered, FlagRead, Overridden, Passed, Refused, TurnRefused
from conformance.timeline.check import Check, Finding, saw, seen
from conformance.timeline.evidence import Evidence


def _entered(clause: str) -> Check:
    """Return the check that a way in gives a session, all of whose frames can be read, and the run's value."""

    def mine(evidence: Evidence) -> list[Entered]:
        return [one for one in seen(evidence, Entered) if one.clause == clause]

    def find(evidence: Evidence) -> Iterator[Finding]:
        for entered in mine(evidence):
            if entered.raised is not None:
                yield None, f"{entered.call} {_did(entered.raised)}"
            elif entered.missing:
                kind = type(entered.value).__name__
                yield None, f"{entered.call} gave no session of that kind: {kind} has no {', '.join(entered.missing)}"
            elif entered.frames == 0:
                yield None, f"{entered.call} gave a session without any frame"
            elif entered.value != entered.expected:
                yield None, f"{entered.call} came to {entered.value!r}, not to {entered.expected!r}"

    return Check(clause, find, lambda evidence: bool(mine(evidence)))


def kwargs(evidence: Evidence) -> Iterator[Finding]:
    """What is given arrives unchanged; what can't be is refused at the call."""
    for passed in seen(evidence, Passed):
        if passed.arrived != passed.given:
            yield None, f"{passed.call} was given {passed.given!r}, and the run {passed.arrived!r}"
    for refused in seen(evidence, Refused):
        if not isinstance(refused.raised, Exception):
            how = "raised nothing" if refused.raised is None else _did(refused.raised)
            yield None, f"{refused.call} {how}, and was to be refused"


def flag_restored(evidence: Evidence) -> Iterator[Finding]:
    """A `stream` attribute reads as it was set, and as False inside the run of its flow."""
    for flag in seen(evidence, FlagRead):
        if flag.seen is not flag.expected:
            yield None, f"stream read {flag.seen!r} and not {flag.expected!r}: {flag.whose}"


def llm_overrides(evidence: Evidence) -> Iterator[Finding]:
    """Overrides are in the request, and nowhere else; usage is counted."""
    for overridden in seen(evidence, Overridden):
        if overridden.seen != overridden.expected:
            yield None, f"{overridden.what} was {overridden.seen!r}, not {overridden.expected!r}"


def _turn() -> Check:
    """Return the check of the way into a turn, which a flow that is not conversational refuses at the call."""
    entered = _entered("entry.turn")

    def find(evidence: Evidence) -> Iterator[Finding]:
        yield from entered.find(evidence)
        for refused in seen(evidence, TurnRefused):
            if not isinstance(refused.raised, ValueError):
                how = "raised nothing" if refused.raised is None else _did(refused.raised)
                yield None, f"{refused.call} of a flow that is not conversational {how}, and was to raise ValueError"

    return Check("entry.turn", find, lambda evidence: entered.testable(evidence) or bool(seen(evidence, TurnRefused)))


def _did(raised: BaseException) -> str:
    return f"raised {type(raised).__name__}: {raised}"


def _saw_any(*kinds: type) -> Callable[[Evidence], bool]:
    return lambda evidence: any(saw(kind)(evidence) for kind in kinds)


CHECKS = (
    _entered("entry.flow"),
    _entered("entry.flow-async"),
    _entered("entry.llm"),
    _entered("entry.llm-async"),
    _turn(),
    _entered("entry.turn-async"),
    Check("entry.crew", crew, has_crews),
    Check("entry.kwargs", kwargs, _saw_any(Passed, Refused)),
    Check("entry.flag-restored", flag_restored, saw(FlagRead)),
    Check("entry.llm-overrides", llm_overrides, saw(Overridden)),
)
