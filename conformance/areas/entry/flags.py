"""The attributes `stream` of flows and of LLMs, read by everybody who can see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from conformance.stage.consumer import Consumer, both
from conformance.stage.programs import Ask, Block, Emit, FlowProgram, HoldBody, Method, Raise, ReadFlag, Script, Text
from conformance.stage.scenario import FLOW, LLM, Scenario
from conformance.timeline.expected import Expected


def flag(whose: str, value: object, read: object) -> Expected:
    """Hold a flag that was read to what it was set to; `whose` as in `the flow, inside its run`."""
    return Expected("entry.flag-restored", f"stream of {whose}", value, read)


def _of_flow(end: str, consumer: Consumer) -> Iterator[Expected]:
    """Read a flow's flag before, inside and beside its run, and after it has ended in one of its ways."""
    last = Raise(LookupError) if end == "failed" else Emit("two")
    program = FlowProgram((Method("reads", (Emit("one"), ReadFlag(), Block("held"), last)),))
    flow = consumer.subject.flow(program, consumer.performance)
    flow.stream = True
    for after in _until_end(end, partial(consumer.stream, flow), consumer):
        whose = f"the flow, after a run of it was {end}" if after else "the flow, outside of its run while that is on"
        yield flag(whose, True, flow.stream)
    for read in consumer.stage.noted("flag"):
        yield flag("the flow, inside its run", False, read)


def _of_llm(end: str, consumer: Consumer) -> Iterator[Expected]:
    """Read an LLM's flag while a call of it streams, and after that has ended in one of its ways."""
    script = Script((Text("Hel"), HoldBody("held"), Text("lo")), ending="cut" if end == "failed" else "whole")
    llm = consumer.subject.llm(consumer.performance, stream=False)
    enter, prompt = consumer.entry_of(llm), consumer.provider.prompt_for(script)
    for after in _until_end(end, lambda: consumer.keep(consumer.made(lambda: enter(prompt))), consumer):
        if after:
            consumer.let_finish()
        whose = (
            f"the LLM, after a streamed call of it was {end}" if after else "the LLM, while a call of it is streamed"
        )
        yield flag(whose, False, llm.stream)


def _until_end(end: str, make: Callable[[], Any], consumer: Consumer) -> Iterator[bool]:
    """Have sessions end in one of the ways; yield False while all are on, and True after the end of each."""
    sessions = [make() for _ in range(2 if end == "overlapping" else 1)]
    for session in sessions:
        consumer.take(consumer.iterate(session), 1)
    consumer.await_reached("held", len(sessions))
    yield False
    if end == "closed":
        consumer.close(sessions[0])
    consumer.stage.release("held")
    for session in sessions:
        if end != "closed":
            consumer.read(session)
        yield True


def _captured(consumer: Consumer) -> Iterator[Expected]:
    """Read the flag of an LLM that a streamed flow calls, while it does and afterwards."""
    before = consumer.subject.llm(consumer.performance).stream
    session = consumer.open(FlowProgram((Method("asks", (Ask(Script(hold_head="held")),)),)))
    consumer.take(consumer.iterate(session), 1)
    consumer.await_reached("held")
    (llm,) = consumer.stage.noted("llm")
    yield flag("the LLM, while a streamed flow calls it", before, llm.stream)
    consumer.stage.release("held")
    consumer.read(session)
    yield flag("the LLM, after a streamed flow has called it", before, llm.stream)


_FLAGS: Final = frozenset({"entry.flag-restored"})

SCENARIOS: tuple[Scenario, ...] = (
    *(
        scenario
        for end in ("read", "failed", "closed", "overlapping")
        for owner, observing, needs in (("flow", _of_flow, FLOW), ("llm", _of_llm, LLM))
        for scenario in both(f"entry/flag/{owner}/{end}", _FLAGS, partial(observing, end), needs)
    ),
    *both("entry/flag/captured", _FLAGS, _captured, FLOW | LLM),
)
