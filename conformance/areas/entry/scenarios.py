"""The ways into a run, what they pass on, and what they must leave as it was."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from conformance.areas.observations import Entered, FlagRead, Overridden, Passed, Refused
from conformance.stage.consumer import Consumer, Kind, Observe, both
from conformance.stage.programs import (
    Ask,
    Block,
    Emit,
    FlowProgram,
    Give,
    HoldBody,
    Method,
    Raise,
    ReadFlag,
    Script,
    Text,
)
from conformance.stage.scenario import Scenario
from conformance.subjects.subject import Performance, Subject, offered
from conformance.timeline.evidence import Evidence

_VALUE: Final = "value"
_PLAIN: Final = FlowProgram((Method("gives", (Emit("one"), Give(_VALUE))),))
_INPUTS: Final = {"topic": "tides", "depth": 3}
_SURFACE: Final = ("events", "frames", "result", "close")
_OWN: Final[dict[Kind, tuple[str, ...]]] = {"sync": ("__iter__", "__enter__"), "async": ("__aiter__", "__aenter__")}


def made(consumer: Consumer, make: Callable[[], Any]) -> Any:
    """Return what `make` gives; in the consumer's loop for async ones, and awaited where it is to be."""
    if consumer.is_sync:
        return make()

    async def in_loop() -> Any:
        given = make()
        return await given if hasattr(given, "__await__") else given

    return consumer.complete(in_loop())


def tried(consumer: Consumer, make: Callable[[], Any]) -> tuple[Any, BaseException | None]:
    """Return what `make` gives and None, or None and what it raises."""
    try:
        return made(consumer, make), None
    except BaseException as error:
        return None, error


def lacks(consumer: Consumer, value: Any) -> tuple[str, ...]:
    """Return what `value` lacks to be a session of the consumer's kind."""
    return tuple(name for name in (*_SURFACE, *_OWN[consumer.kind]) if not hasattr(type(value), name))


def _flow_entries(consumer: Consumer, flow: Any) -> dict[str, Callable[..., Any] | None]:
    """Return the ways into a flow that give sessions of the consumer's kind, by what is written to take them.

    One that the runtime does not have is None.
    """
    streaming = type(flow)()
    streaming.stream = True
    plain, kickoff = (
        (("stream_events", "stream_frames"), "kickoff") if consumer.is_sync else (("astream",), "kickoff_async")
    )
    ways = {f"flow.{name}": getattr(flow, name, None) for name in plain}
    return {**ways, f"flow.{kickoff}, with stream=True,": getattr(streaming, kickoff, None)}


def way_in(consumer: Consumer, clause: str, call: str, make: Callable[[], Any], expected: object) -> Entered:
    """Take a way in, and read to the end what it gives."""
    session, raised = tried(consumer, make)
    if raised is not None:
        return Entered(clause, call, raised, None, expected)
    missing = lacks(consumer, session)
    if missing:
        return Entered(clause, call, None, session, expected, missing)
    taken = consumer.read(consumer.keep(session))
    value = None if taken.raised is not None else session.result
    return Entered(clause, call, taken.raised, value, expected, frames=len(taken.frames))


def _flows(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    clause = "entry.flow" if consumer.is_sync else "entry.flow-async"
    seen = []
    for call, enter in _flow_entries(consumer, subject.flow(_PLAIN, performance)).items():
        if enter is None:
            seen.append(Entered(clause, call, AttributeError("there is none"), None, _VALUE))
            continue
        seen.append(way_in(consumer, clause, f"{call}()", enter, _VALUE))
        seen.append(way_in(consumer, clause, f"{call}(inputs=…)", partial(enter, inputs=dict(_INPUTS)), _VALUE))
    return Evidence((), "exhausted", observations=tuple(seen))


def _llms(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Stream a call, and make calls that do not stream, of LLMs that were told everything that one can tell them."""
    clause, entry = ("entry.llm", "stream_events") if consumer.is_sync else ("entry.llm-async", "astream")
    seen = []
    text = Script().text
    for told in (None, True, False):
        llm = subject.llm(performance, **({} if told is None else {"stream": told}))
        prompt = performance.provider.prompt_for(Script())
        said = "" if told is None else f" of an LLM with stream={told}"
        enter = offered(llm, entry, clause)
        seen.append(way_in(consumer, clause, f"llm.{entry}(…){said}", partial(enter, prompt), text))
        call = llm.call if consumer.is_sync else llm.acall
        value, raised = tried(consumer, partial(call, prompt))
        seen.append(Entered(clause, f"llm.{call.__name__}(…){said}", raised, value, text))
    return Evidence((), "exhausted", observations=tuple(seen))


def _options(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Give inputs, and see them arrive; give what can't be, and see it refused."""
    seen: list[Any] = []
    for call, enter in _flow_entries(consumer, subject.flow(_PLAIN, performance)).items():
        if enter is None:
            continue  # of which the entry's own clause speaks
        session = consumer.keep(made(consumer, partial(enter, inputs=dict(_INPUTS))))
        frames = consumer.read(session).frames
        arrived = [frame.data.get("inputs") for frame in frames if frame.type == "flow_started"]
        given = dict(arrived[0]) if arrived and arrived[0] is not None else None
        seen.append(Passed(f"{call}(inputs=…)", _INPUTS, given))
        impossible: dict[str, dict[str, Any]] = {
            "from_checkpoint=…, restore_from_state_id=…": {"from_checkpoint": "one", "restore_from_state_id": "two"},
            "no_such_option=…": {"no_such_option": 1},
        }
        for said, options in impossible.items():
            session, raised = tried(consumer, partial(enter, **options))
            if raised is None:
                consumer.keep(session)
            seen.append(Refused(f"{call}({said})", raised))
    return Evidence((), "exhausted", observations=tuple(seen))


def _flow_flag(end: str) -> Observe:
    """Read a flow's flag before, inside and beside its run, and after it has ended in one of its ways."""
    last = Raise(LookupError) if end == "failed" else Emit("two")
    program = FlowProgram((Method("reads", (Emit("one"), ReadFlag(), Block("held"), last)),))

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        flow = subject.flow(program, performance)
        flow.stream = True
        enter = flow.stream_events if consumer.is_sync else flow.astream
        sessions = [consumer.keep(made(consumer, enter)) for _ in range(2 if end == "overlapping" else 1)]
        for session in sessions:
            consumer.take(consumer.iterate(session), 1)
        consumer.await_reached("held", len(sessions))
        seen = [FlagRead("the flow's, outside of its run while that is on", True, flow.stream)]
        if end == "closed":
            consumer.close(sessions[0])
        performance.stage.release("held")
        for session in sessions:
            if end != "closed":
                consumer.read(session)
            seen.append(FlagRead(f"the flow's, after a run of it was {end}", True, flow.stream))
        inside = performance.stage.noted("flag")
        seen += [FlagRead("the flow's, inside its run", False, flag) for flag in inside]
        return Evidence((), "closed", observations=tuple(seen))

    return observe


def _llm_flag(end: str) -> Observe:
    """Read an LLM's flag while a call of it streams, and after that has ended in one of its ways."""
    script = Script((Text("Hel"), HoldBody("held"), Text("lo")), ending="cut" if end == "failed" else "whole")

    def observe(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
        llm = subject.llm(performance, stream=False)
        entry = (
            offered(llm, "stream_events", "entry.llm")
            if consumer.is_sync
            else offered(llm, "astream", "entry.llm-async")
        )
        prompt = performance.provider.prompt_for(script)
        count = 2 if end == "overlapping" else 1
        sessions = [consumer.keep(made(consumer, lambda: entry(prompt))) for _ in range(count)]
        for session in sessions:
            consumer.take(consumer.iterate(session), 1)
        consumer.await_reached("held", count)
        seen = [FlagRead("the LLM's, while a call of it is streamed", False, llm.stream)]
        if end == "closed":
            consumer.close(sessions[0])
        performance.stage.release("held")
        for session in sessions:
            if end != "closed":
                consumer.read(session)
            consumer.let_finish()
            seen.append(FlagRead(f"the LLM's, after a streamed call of it was {end}", False, llm.stream))
        return Evidence((), "closed", observations=tuple(seen))

    return observe


def _captured_flag(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Read the flag of an LLM that a streamed flow calls, while it does and afterwards."""
    before = subject.llm(performance).stream
    script = Script(hold_head="held")
    session = consumer.open(FlowProgram((Method("asks", (Ask(script),)),)))
    consumer.take(consumer.iterate(session), 1)
    consumer.await_reached("held")
    (llm,) = performance.stage.noted("llm")
    seen = [FlagRead("the LLM's, while a streamed flow calls it", before, llm.stream)]
    performance.stage.release("held")
    consumer.read(session)
    seen.append(FlagRead("the LLM's, after a streamed flow has called it", before, llm.stream))
    return Evidence((), "exhausted", observations=tuple(seen))


def _overrides(consumer: Consumer, subject: Subject, performance: Performance) -> Evidence:
    """Call one LLM with overrides and without, and look at what the provider was asked."""
    llm = subject.llm(performance, stream=False)
    prompt = performance.provider.prompt_for(Script())
    before = (llm.stream, list(llm.stop or []))
    seen: list[Overridden] = []

    def call(what: str, **expected: Any) -> None:
        method = llm.call if consumer.is_sync else llm.acall
        text = made(consumer, lambda: method(prompt))
        with performance.provider.lock:
            body = performance.provider.log.requests[-1]
        got = {"stream": bool(body.get("stream")), "stop": list(body.get("stop") or [])}
        seen.append(Overridden(f"the request of a call {what}", expected, got))
        seen.append(Overridden(f"the value of a call {what}", Script().text, text))
        seen.append(Overridden(f"the LLM itself, at a call {what}", before, (llm.stream, list(llm.stop or []))))

    call("before any override", stream=False, stop=[])
    with subject.overriding(llm, stream=True):
        call("with stream=True", stream=True, stop=[])
    with subject.overriding(llm, stop=["END"]):
        call("with stop=['END']", stream=False, stop=["END"])
        with subject.overriding(llm, stream=True):
            call("with stop=['END'] and stream=True", stream=True, stop=["END"])
    call("after all overrides", stream=False, stop=[])
    calls = sum(one.what.startswith("the request") for one in seen)
    used = llm.get_token_usage_summary()
    # What the provider says that each of its answers took.
    counted = {"prompt_tokens": used.prompt_tokens, "completion_tokens": used.completion_tokens}
    seen.append(
        Overridden("the usage that was counted", {"prompt_tokens": 11 * calls, "completion_tokens": 7 * calls}, counted)
    )
    return Evidence((), "exhausted", observations=tuple(seen))


_FLOW: Final = frozenset({"flow"})
_LLM: Final = frozenset({"llm"})
_FLAGS: Final = frozenset({"entry.flag-restored"})

SCENARIOS: tuple[Scenario, ...] = (
    *both("entry/flow", {"sync": frozenset({"entry.flow"}), "async": frozenset({"entry.flow-async"})}, _flows, _FLOW),
    *both("entry/llm", {"sync": frozenset({"entry.llm"}), "async": frozenset({"entry.llm-async"})}, _llms, _LLM),
    *both("entry/options", frozenset({"entry.kwargs"}), _options, _FLOW),
    *(
        one
        for end in ("read", "failed", "closed", "overlapping")
        for what, observing, needs in (("flow", _flow_flag, _FLOW), ("llm", _llm_flag, _LLM))
        for one in both(f"entry/flag/{what}/{end}", _FLAGS, observing(end), needs)
    ),
    *both("entry/flag/captured", _FLAGS, _captured_flag, _FLOW | _LLM),
    *both("entry/overrides", frozenset({"entry.llm-overrides"}), _overrides, _LLM),
)
