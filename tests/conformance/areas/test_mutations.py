"""Every check can fail: one broken timeline per clause, caught by exactly the clauses that its row names."""

from __future__ import annotations

import dataclasses
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from conformance.areas.catalogue import checks
from conformance.run.judge import judge
from conformance.timeline.evidence import ProgramOutcome, WireFacts
from harness.frames.frozen import FrozenDict
from tests.conformance import timelines
from tests.conformance.areas.call_mutations import CALL_MUTATIONS
from tests.conformance.areas.edits import Mutation, data, frame_of, put, resplit, shared, then
from tests.conformance.areas.frame_mutations import FRAME_MUTATIONS
from tests.conformance.timelines import Frame, FrozenItems
from tests.conformance.verdicts import status

T = timelines
MUTATIONS = (*FRAME_MUTATIONS, *CALL_MUTATIONS)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: f"{mutation.clause}: {mutation.what}")
def test_a_fault_is_caught_by_its_clause_and_by_no_other(mutation: Mutation) -> None:
    assert not judge(mutation.of()).violations

    verdict = judge(mutation.edit(mutation.of()))

    assert set(verdict.failed) == {mutation.clause, *mutation.also}


def test_every_check_of_a_timeline_has_a_fault_that_it_catches() -> None:
    assert {mutation.clause for mutation in MUTATIONS} == {*checks(), "llm.rechunk", "llm.legacy-chunk"}


@pytest.mark.parametrize(("channel", "failed"), [("lifecycle", set()), ("llm", {"channel.custom", "channel.by-table"})])
def test_what_a_runtime_says_it_has_built_in_is_lifecycle(channel: str, failed: set[str]) -> None:
    evidence = put(4, type="retry_started", channel=channel, namespace=(channel,))(T.two_methods())
    known = replace(evidence, source_types=None)

    assert set(judge(replace(known, own_types=frozenset({"retry_started"}))).failed) == failed
    assert set(judge(known).failed) == {"channel.custom", "channel.by-table"}


@pytest.mark.parametrize(("emitted", "failed"), [({"own"}, set()), (set(), {"envelope.id-unique"})])
def test_the_users_own_events_have_a_source_though_no_listener_heard_of_them(
    emitted: set[str], failed: set[str]
) -> None:
    evidence = then(put(4, id="own"), put(5, previous_id="own"))(T.text_call())

    assert set(judge(replace(evidence, user_events=frozenset(emitted))).failed) == failed


def test_what_is_run_in_a_call_need_not_say_so() -> None:
    evidence = T.tools_run()
    runs = [frame.seq for frame in evidence.frames if frame.type.startswith("tool_usage")]

    assert runs
    assert not judge(then(*(put(seq, parent_id=None) for seq in runs))(evidence)).violations


def test_an_error_that_names_no_provider_is_untyped() -> None:
    error = RuntimeError("429")
    evidence = T.refused_call()
    reads = tuple(replace(item, raised=error) for item in evidence.reads)

    verdict = judge(replace(evidence, reads=reads, outcome=ProgramOutcome(error=error)))

    assert verdict.failed == ("llm.errors",)
    assert [violation.message.partition(" does")[0] for violation in verdict.violations[:1]] == ["RuntimeError"]


def test_two_runs_that_show_nothing_of_the_answer_are_not_testable() -> None:
    frames = T.plain_call().frames

    verdict = judge(resplit(T.plain_call(), frames))

    assert status(verdict, "llm.rechunk") == "not-testable"


def test_all_violations_are_given_not_the_first() -> None:
    evidence = then(data(2, type="x"), data(3, event_id="e3"))(T.text_call())

    assert [violation.seq for violation in judge(evidence).violations] == [2, 3]


def test_frames_that_were_read_once_do_not_tell_what_another_reader_sees() -> None:
    evidence = put(3, data={"chunk": "Hel", "call_id": "c1"})(T.text_call())

    assert status(judge(evidence), "envelope.immutable") == "not-testable"


def test_an_edit_that_no_other_reader_sees_is_no_violation() -> None:
    def editable() -> tuple[Frame, ...]:
        return tuple(
            dataclasses.replace(frame_of(T.text_call(), n), data=dict(T.text_call().frames[n - 1].data))
            for n in range(1, 6)
        )

    evidence = replace(T.text_call(), frames=editable(), replayed=editable())

    assert status(judge(evidence), "envelope.immutable") == "passed"


def test_trying_to_edit_leaves_no_trace() -> None:
    payload: dict[str, Any] = {"call_id": "c1", "messages": [{"content": ["Hi"]}]}
    evidence = shared(put(1, data=payload))(T.text_call())

    assert status(judge(evidence), "envelope.immutable") == "failed"
    assert payload == {"call_id": "c1", "messages": [{"content": ["Hi"]}]}


@pytest.mark.parametrize(
    ("container", "way"),
    [
        *(
            (FrozenDict, way)
            for way in ("__setitem__", "__delitem__", "__ior__", "clear", "pop", "popitem", "setdefault")
        ),
        (FrozenDict, "update"),
        *(
            (FrozenItems, way)
            for way in ("__setitem__", "__delitem__", "__iadd__", "__imul__", "append", "clear", "extend")
        ),
        *((FrozenItems, way) for way in ("insert", "pop", "remove", "reverse", "sort")),
    ],
)
def test_a_container_that_closes_all_ways_to_change_it_but_one_is_open(container: type[Any], way: str) -> None:
    base = container.__base__
    one_open = type("OneOpen", (container,), {way: getattr(base, way)})
    given = [["b"], ["a"]] if base is list else {"b": ["b"], "a": ["a"]}
    content = one_open(given)

    verdict = judge(shared(put(1, data=MappingProxyType({"call_id": "c1", "content": content})))(T.text_call()))

    assert verdict.failed == ("envelope.immutable",)
    assert content == given
    assert list(content) == list(given)


def test_a_payload_inside_itself_is_reported_and_not_followed_for_ever() -> None:
    payload: dict[str, Any] = {"call_id": "c1"}
    payload["self"] = payload

    verdict = judge(put(1, data=payload)(T.text_call()))

    assert "envelope.data-json" in verdict.failed


def test_frozen_items_of_the_builder_refuse_a_change() -> None:
    with pytest.raises(TypeError, match="can't be changed"):
        FrozenItems().append(1)


def test_a_read_of_each_moment_is_judged() -> None:
    moments = {item.when for of in T.SOUND for item in of().reads}

    assert moments == {"before", "after-break", "after-exhaustion", "after-failure", "after-close"}


def test_wire_facts_of_a_later_call_are_matched_to_it() -> None:
    facts = WireFacts(streamed=True, text="y", status=200, ended_at_marker=True, usage=T.USAGE, finish_reason="stop")

    verdict = judge(replace(T.parallel_calls(), wire=(None, facts)))

    assert [(item.clause, item.seq) for item in verdict.violations] == [("llm.deltas-equal-final", 9)]
