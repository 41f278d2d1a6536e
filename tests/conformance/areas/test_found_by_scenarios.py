"""A scenario finds what it is there for: this runtime, with one thing overridden each, of its crews for the most part."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from types import SimpleNamespace
from typing import Any

import pytest

import harness
from conformance.areas.catalogue import scenarios
from conformance.proof.frames import ACCEPT, FIELDS, fields_with, hiding
from conformance.proof.saboteur import reading, replacing
from conformance.run.suite import perform
from conformance.subjects.harness import HarnessSubject

OUTPUT, CREW = "harness.crews.streaming_output:CrewStreamingOutput", "harness.crews.crew:Crew"
OUTPUTS: list[Any] = []


def read_once(chunks: Any, output: Any) -> Any:
    return iter(()) if output.is_completed else chunks(output)


def begins_late(chunks: Any, output: Any) -> Any:
    rest = chunks(output)
    next(rest)
    return rest


def ends_well(chunks: Any, output: Any) -> Iterator[Any]:
    try:
        yield from chunks(output)
    except harness.ProviderError:
        return


def not_gated(result: Any, output: Any) -> Any:
    return result(output) if output.is_completed else SimpleNamespace(raw="", tasks_output=[])


def shares_its_chunks(chunks: Any, output: Any) -> Iterator[Any]:
    OUTPUTS.append(output)
    yield from chunks(output)
    for other in OUTPUTS:
        if other is not output:
            yield from other.chunks


def can_not_stream(kickoff: Any, crew: Any) -> Any:
    if crew.stream:
        raise harness.UsageError("crews can't stream")
    return kickoff(crew)


def sets_flags(kickoff: Any, crew: Any) -> Any:
    if crew.stream:
        crew.agents[0].llm.stream = True
    return kickoff(crew)


def always_streams(kickoff: Any, crew: Any) -> Any:
    with harness.call_stream_override(crew.agents[0].llm, True):
        return kickoff(crew)


@dataclass(frozen=True)
class Broken:
    """One override, the clause that it breaks, and the scenarios that find it."""

    name: str
    target: str
    breaks: Callable[[Any], Any]
    clause: str
    found_in: str

    def __str__(self) -> str:
        return f"{self.clause}: {self.name}"


async def waits_to_aclose(aclose: Any, output: Any) -> None:
    async for _ in output:
        pass
    await aclose(output)


def chunks_of(body: Callable[..., Any], clause: str, found_in: str) -> Broken:
    return Broken(body.__name__, f"{OUTPUT}.__iter__", replacing(body), clause, found_in)


def kickoff_of(body: Callable[..., Any], clause: str, found_in: str) -> Broken:
    return Broken(body.__name__, f"{CREW}.kickoff", replacing(body), clause, found_in)


def untold(types: str, clause: str, found_in: str) -> Broken:
    return Broken(types, ACCEPT, hiding(*types.split()), clause, found_in)


def renamed(field: str) -> Callable[[Any], Any]:
    """Return what gives frames of the user's own events another value of a field."""
    return fields_with(lambda frame: {field: f"own {getattr(frame, field)}"} if frame.channel == "custom" else {})


def lossy(payload: str, kept: Callable[[Any], Any]) -> Broken:
    body = replacing(lambda encode, given: encode(kept(given)))
    return Broken(payload, "harness.frames.payload:encode", body, "envelope.data-json", f"payload/{payload}/sync")


PREVIOUS: list[str] = []


def linked_beyond(frame: Any) -> dict[str, Any]:
    """Have the first frame of a session name the last of another one."""
    if frame.seq > 1 or not PREVIOUS:
        PREVIOUS[:] = [frame.id]
        return {}
    return {"previous_id": PREVIOUS[0]}


NUMBERS: list[int] = []


def counted_together(frame: Any) -> dict[str, Any]:
    """Have the session that is looked at first lack the number 2, and that alone."""
    NUMBERS.append(frame.seq)
    return {"seq": frame.seq + 1} if frame.seq > 1 == NUMBERS.count(1) else {}


TIMELINES: list[Any] = []
STARTED: list[tuple[Any, ...]] = []


def outer_first(accept: Any, timeline: Any, *published: Any) -> None:
    """Have a session inside show the beginning of the flow around it, too."""
    if published[1].type == "flow_started":
        if STARTED and timeline not in TIMELINES:
            accept(timeline, *STARTED[0])
        TIMELINES.append(timeline)
        STARTED.append(published)
    accept(timeline, *published)


BROKEN = (
    Broken("outer_first", ACCEPT, replacing(outer_first), "scope.nested", "nested/beside-another-method/sync"),
    Broken("linked_beyond", FIELDS, fields_with(linked_beyond), "order.previous-earlier", "beside/one-class/sync"),
    Broken("types", FIELDS, renamed("type"), "envelope.type-verbatim", "flow/unknown-event/sync"),
    Broken("payload", ACCEPT, hiding("probe_payload"), "error.observer-safe", "payload/fails-to-print/sync"),
    Broken("unknown", ACCEPT, hiding("llm_x_chunk", "own_drawing"), "session.iterates", "flow/unknown-event/sync"),
    Broken("counted_together", FIELDS, fields_with(counted_together), "order.seq-gapless", "beside/one-class/sync"),
    lossy("bytes", lambda given: None if isinstance(given, bytes) else given),
    lossy("custom", lambda given: {name: given[name] for name in given if name != 7} if isinstance(given, dict) else given),
    lossy("custom", lambda given: {**given, "object": "0x7f4561237", "set": None} if isinstance(given, dict) and 7 in given else given),
    Broken("ids", FIELDS, renamed("id"), "envelope.id-unique", "flow/unknown-event/sync"),
    chunks_of(read_once, "entry.crew", "crew/streamed/kickoff"),
    chunks_of(begins_late, "entry.crew", "crew/streamed/kickoff crew/failing/kickoff"),
    chunks_of(begins_late, "scope.nested", "crew/in-flow/streamed/sync-method/sync"),
    chunks_of(ends_well, "entry.crew", "crew/failing/kickoff"),
    chunks_of(shares_its_chunks, "scope.isolated", "crew/beside/kickoff"),
    Broken("waits_to_aclose", f"{OUTPUT}.aclose", replacing(waits_to_aclose), "entry.crew", "crew/closed/akickoff"),
    Broken("not_gated", f"{OUTPUT}.result", reading(not_gated), "entry.crew", "crew/streamed/kickoff crew/streamed/akickoff"),
    Broken(
        "gives_frames",
        f"{OUTPUT}.of",
        lambda of: staticmethod(lambda session, task_ids=(): session),
        "entry.crew",
        "crew/streamed/kickoff crew/failing/akickoff crew/closed/kickoff_async",
    ),
    kickoff_of(can_not_stream, "entry.crew", "crew/streamed/kickoff crew/tool/kickoff crew/closed/kickoff"),
    kickoff_of(can_not_stream, "entry.flag-restored", "crew/flags/kickoff"),
    kickoff_of(can_not_stream, "scope.isolated", "crew/beside/kickoff"),
    kickoff_of(sets_flags, "entry.flag-restored", "crew/flags/kickoff"),
    kickoff_of(always_streams, "scope.captures-llm", "crew/in-flow/told-not-to-stream/sync-method/sync"),
    untold("tool_usage_started tool_usage_finished", "scope.nested", "crew/in-flow/tool/sync crew/in-flow/tool/async"),
    untold(
        "agent_execution_started agent_execution_completed agent_execution_error",
        "scope.nested",
        "crew/in-flow/told-nothing/async-method/sync crew/in-flow/http-400/async",
    ),
    untold("task_failed", "order.scope-nesting", "crew/in-flow/http-500/sync"),
    untold("task_failed", "scope.nested", "crew/in-flow/http-500/sync"),
)  # fmt: skip


def statuses(name: str) -> dict[str, str]:
    """Return what this runtime, as it is now, makes of the clauses of a scenario."""
    result = perform(HarnessSubject(), scenarios()[name])
    assert result.fault is None
    return {decision.clause: decision.status for decision in result.decisions}


FOUND_IN = {name for broken in BROKEN for name in broken.found_in.split()}
#: What runs for the most part of code of its own.
OF_ITS_OWN = {
    name for name, each in scenarios().items() if each.part or each.needs & {"turn", "feedback", "checkpoint"}
}


@pytest.mark.parametrize("name", sorted(FOUND_IN | OF_ITS_OWN))
def test_a_sound_runtime_keeps_every_clause_that_a_scenario_names(name: str) -> None:
    assert statuses(name) == dict.fromkeys(scenarios()[name].clauses, "passed")


@pytest.mark.parametrize("broken", BROKEN, ids=str)
def test_a_runtime_that_breaks_a_clause_is_found_by_it(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, path = broken.target.partition(":")
    *outer, attribute = path.split(".")
    owner = reduce(getattr, outer, importlib.import_module(module))
    monkeypatch.setattr(owner, attribute, broken.breaks(inspect.getattr_static(owner, attribute)))

    assert {name: statuses(name).get(broken.clause) for name in broken.found_in.split()} == dict.fromkeys(
        broken.found_in.split(), "failed"
    )
