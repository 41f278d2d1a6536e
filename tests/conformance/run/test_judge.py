"""The verdict tells apart what held, what was broken, what could not be decided and what does not apply."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st
from msgspec.structs import replace

from conformance.areas.catalogue import checks
from conformance.contract.clauses import CAPABILITIES, CLAUSES
from conformance.run.judge import judge
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Expected
from harness import ConformanceError
from tests.conformance.timelines import SOUND, Timeline, text_call, two_methods
from tests.conformance.verdicts import decided, status


class Bare:
    """A frame without the envelope."""

    seq = 1


@pytest.mark.parametrize("sound", SOUND, ids=lambda sound: sound.__name__)
def test_a_sound_timeline_breaks_no_clause(sound: Callable[[], Evidence]) -> None:
    assert judge(sound()).violations == ()


def test_every_check_of_a_timeline_has_a_sound_one_that_it_decides() -> None:
    assert {clause for sound in SOUND for clause in decided(judge(sound()))} >= set(checks())


def test_a_verdict_has_one_row_per_clause_in_the_order_of_the_contract() -> None:
    assert [decision.clause for decision in judge(text_call()).decisions] == list(CLAUSES)


def test_a_clause_of_an_undeclared_capability_is_not_applicable() -> None:
    verdict = judge(text_call(), {"flow"})

    assert status(verdict, "llm.sequence") == "not-applicable"
    assert status(verdict, "order.seq-gapless") == "passed"


def test_a_clause_that_the_evidence_says_nothing_of_is_not_testable() -> None:
    verdict = judge(two_methods())

    assert status(verdict, "llm.sequence") == "not-testable"
    assert status(verdict, "cleanup.close-prompt") == "not-testable"
    assert status(verdict, "result.after-close") == "not-testable"


def test_no_frames_are_no_pass() -> None:
    assert decided(judge(Evidence((), "exhausted"))) == ()


def test_frames_without_the_envelope_are_judged_by_their_shape_alone() -> None:
    bare = Evidence((Bare(),), "exhausted", reads=two_methods().reads)  # type: ignore[arg-type]
    verdict = judge(bare)

    assert verdict.failed == ("envelope.fields",)
    assert status(verdict, "order.seq-gapless") == "not-testable"
    assert status(verdict, "result.gated") == "passed"


def test_a_broken_should_is_judged_as_a_must_is() -> None:
    timeline = Timeline()
    timeline.close("llm_call_failed", timeline.call("c1"), error="no", error_type=None)
    verdict = judge(timeline.evidence("failed"))

    assert verdict.failed == ("envelope.error-class",)


def test_what_a_scenario_looked_at_is_judged_beside_the_frames() -> None:
    looked_at = (
        Expected("order.delivery", "whatever it was", 1, 2),
        Expected("cleanup.no-leaks", "what is left", (), ()),
    )
    verdict = judge(replace(text_call(), expected=looked_at))

    assert verdict.failed == ("order.delivery",)
    assert [violation.message for violation in verdict.violations] == ["whatever it was: 2, not 1"]
    assert status(verdict, "cleanup.no-leaks") == "passed"


def test_what_was_looked_at_is_judged_where_frames_have_no_shape() -> None:
    verdict = judge(Evidence((Bare(),), "exhausted", expected=(Expected("session.lazy", "threads", 0, 0),)))  # type: ignore[arg-type]

    assert decided(verdict) == ("envelope.fields", "session.lazy")


def test_an_unknown_capability_is_refused() -> None:
    with pytest.raises(ConformanceError, match="unknown capabilities telepathy"):
        judge(text_call(), {"telepathy"})


@given(st.sets(st.sampled_from(CAPABILITIES)))
def test_fewer_capabilities_never_decide_more(capabilities: set[str]) -> None:
    fewer, all_of_them = judge(text_call(), capabilities), judge(text_call())

    assert set(decided(fewer)) <= set(decided(all_of_them))


@given(st.permutations(range(len(two_methods().frames))))
def test_a_timeline_delivered_in_any_other_order_is_caught(order: list[int]) -> None:
    sound = two_methods()
    shuffled = replace(sound, frames=tuple(sound.frames[place] for place in order))

    broken = judge(shuffled).failed

    assert ("order.delivery" in broken) == (order != sorted(order))
    assert "order.seq-gapless" not in broken


@st.composite
def scope_trees(draw: st.DrawFn) -> Evidence:
    """A flow with methods that open, call models and close in any order that nests."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    methods: dict[str, str] = {}
    calls: dict[str, tuple[str, str]] = {}
    for number, step in enumerate(draw(st.lists(st.sampled_from(("method", "call", "text", "end", "custom"))))):
        if step == "method":
            methods[timeline.method(f"m{number}", flow)] = f"m{number}"
        elif step == "call" and (free := [item for item in methods if item not in calls]):
            calls[free[0]] = timeline.call(f"c{number}", free[0]), f"c{number}"
        elif step == "text" and calls:
            call, call_id = draw(st.sampled_from(list(calls.values())))
            timeline.text(call, call_id, draw(st.text(max_size=3, alphabet="aé🙂")))
        elif step == "custom":
            timeline.add("row_failed", draw(st.sampled_from([None, flow, *methods])))
        elif step == "end" and methods:
            _end(timeline, draw(st.sampled_from(list(methods))), methods, calls)
    for method in list(methods):
        _end(timeline, method, methods, calls)
    timeline.close("flow_finished", flow)
    return timeline.evidence()


def _end(timeline: Timeline, method: str, methods: dict[str, str], calls: dict[str, tuple[str, str]]) -> None:
    if method in calls:
        call, _ = calls.pop(method)
        text = "".join(frame.content for frame in timeline.frames if frame.parent_id == call)
        timeline.complete(call, text)
    timeline.finish_method(method)
    del methods[method]


@given(scope_trees())
def test_any_interleaving_that_nests_is_sound(evidence: Evidence) -> None:
    assert judge(evidence).violations == ()


@given(scope_trees(), st.data())
def test_leaving_out_any_closing_frame_is_caught(evidence: Evidence, data: st.DataObject) -> None:
    closing = [frame for frame in evidence.frames if "started_event_id" in frame.data]
    lost = data.draw(st.sampled_from(closing))
    left = tuple(frame for frame in evidence.frames if frame is not lost)

    assert "order.scope-nesting" in judge(replace(evidence, frames=left)).failed


@given(scope_trees(), st.integers(min_value=0, max_value=30))
def test_any_beginning_of_a_sound_timeline_is_sound_where_it_was_closed(evidence: Evidence, length: int) -> None:
    begun = replace(evidence, frames=tuple(evidence.frames)[:length], ended="closed")

    assert judge(begun).violations == ()
