"""The attributes `stream` of flows and of LLMs, read by everybody who can see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import Ask, Block, Emit, FlowProgram, Method, Raise, ReadFlag, Script
from conformance.timeline.expected import Expected


def flag(whose: str, value: object, read: object) -> Expected:
    """Hold a flag that was read to what it was set to; `whose` as in `the flow, inside its run`."""
    return Expected("entry.flag-restored", f"stream of {whose}", value, read)


def _of_flow(consumer: Consumer, end: str) -> Iterator[Expected]:
    """Read a flow's flag before, inside and beside its run, and after it has ended in one of its ways."""
    last = Raise(LookupError) if end == "failed" else Emit("two")
    program = FlowProgram((Method("reads", (Emit("one"), ReadFlag(), Block("held"), last)),))
    flow = consumer.flow(program)
    flow.stream = True
    for after in _until_end(consumer, end, partial(consumer.stream, flow)):
        whose = f"the flow, after a run of it was {end}" if after else "the flow, outside of its run while that is on"
        yield flag(whose, True, flow.stream)
    for read in consumer.stage.noted("flag"):
        yield flag("the flow, inside its run", False, read)


def _of_llm(consumer: Consumer, end: str) -> Iterator[Expected]:
    """Read an LLM's flag while a call of it streams, and after that has ended in one of its ways."""
    script = Script(("Hel", Block("held"), "lo"), ending="cut" if end == "failed" else "whole")
    llm = consumer.llm(stream=False)
    enter, prompt = consumer.entry_of(llm), consumer.provider.prompt_for(script)
    for after in _until_end(consumer, end, lambda: consumer.keep(consumer.made(lambda: enter(prompt)))):
        if after:
            consumer.let_finish()
        when = f"after a streamed call of it was {end}" if after else "while a call of it is streamed"
        yield flag(f"the LLM, {when}", False, llm.stream)


def _until_end(consumer: Consumer, end: str, make: Callable[[], Any]) -> Iterator[bool]:
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
    before = consumer.llm().stream
    session = consumer.open(FlowProgram((Method("asks", (Ask(Script(hold_head="held")),)),)))
    consumer.take(consumer.iterate(session), 1)
    consumer.await_reached("held")
    (llm,) = consumer.stage.noted("llm")
    yield flag("the LLM, while a streamed flow calls it", before, llm.stream)
    consumer.stage.release("held")
    consumer.read(session)
    yield flag("the LLM, after a streamed flow has called it", before, llm.stream)


_FLAGS: Final = frozenset({"entry.flag-restored"})

SCENARIOS: Final = Scenarios()
for _end in ("read", "failed", "closed", "overlapping"):
    SCENARIOS.both(f"entry/flag/flow/{_end}", _FLAGS, "flow", _of_flow, _end)
    SCENARIOS.both(f"entry/flag/llm/{_end}", _FLAGS, "llm", _of_llm, _end)
SCENARIOS.both("entry/flag/captured", _FLAGS, "flow llm", _captured)
