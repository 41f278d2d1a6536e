"""The ways into a run, what they pass on, and what reaches the provider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Final

from conformance.areas.entry import crews, flags
from conformance.areas.entry.ways import flow_entries, way_in
from conformance.areas.turn.conversation import TURN_ENTRIES, HeldConversation, to_model
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.programs import ConversationProgram, Emit, FlowProgram, Give, Method, ReadFiles, Script
from conformance.stage.reader import attempt
from conformance.timeline.expected import NOTHING, Expected, Raised, comes_to

_VALUE: Final = "value"
_PLAIN: Final = FlowProgram((Method("gives", (Emit("one"), Give(_VALUE))),))
_INPUTS: Final = {"topic": "tides", "depth": 3}
#: What no kickoff can do, by what is written to ask for it.
_IMPOSSIBLE: Final[dict[str, dict[str, Any]]] = {
    "from_checkpoint=…, restore_from_state_id=…": {"from_checkpoint": "one", "restore_from_state_id": "two"},
    "no_such_option=…": {"no_such_option": 1},
}


def _flows(consumer: Consumer) -> Iterator[Expected]:
    clause = "entry.flow" if consumer.is_sync else "entry.flow-async"
    for call, enter in flow_entries(consumer, consumer.flow(_PLAIN)).items():
        yield Expected(clause, f"whether there is {call}", True, enter is not None)
        if enter is not None:
            yield from way_in(consumer, clause, f"{call}()", enter, _VALUE)
            yield from way_in(consumer, clause, f"{call}(inputs=…)", partial(enter, inputs=dict(_INPUTS)), _VALUE)


def _llms(consumer: Consumer) -> Iterator[Expected]:
    """Stream a call, and make calls that do not stream, of LLMs that were told everything that one can tell them."""
    clause, entry = ("entry.llm", "stream_events") if consumer.is_sync else ("entry.llm-async", "astream")
    text = Script().text
    for stream in (None, True, False):
        llm = consumer.llm(**({} if stream is None else {"stream": stream}))
        prompt = consumer.provider.prompt_for(Script())
        of = "" if stream is None else f" of an LLM with stream={stream}"
        enter = partial(consumer.entry_of(llm), prompt)
        yield from way_in(consumer, clause, f"llm.{entry}(…){of}", enter, text)
        call = llm.call if consumer.is_sync else llm.acall
        value, raised = consumer.tried(partial(call, prompt))
        yield from comes_to(clause, f"llm.{call.__name__}(…){of}", text, value, raised, "what {} gives")


def _options(consumer: Consumer) -> Iterator[Expected]:
    """Give inputs, and see them arrive; give what can't be, and see it refused."""
    for call, enter in flow_entries(consumer, consumer.flow(_PLAIN)).items():
        if enter is None:
            continue  # of which the entry's own clause speaks
        session = consumer.keep(consumer.made(partial(enter, inputs=dict(_INPUTS))))
        frames = consumer.read(session).frames
        shown = [frame.data.get("inputs") for frame in frames if frame.type == "flow_started"]
        inputs = dict(shown[0]) if shown and shown[0] is not None else None
        yield passed(f"{call}(inputs=…)", _INPUTS, inputs)
        for state in [frame.data.get("state") for frame in frames if frame.type == "method_execution_started"]:
            if isinstance(state, Mapping):
                arrived = {name: value for name, value in state.items() if name in _INPUTS}
                yield passed(f"{call}(inputs=…), in the state of its methods,", _INPUTS, arrived)
        for written, options in _IMPOSSIBLE.items():
            session, raised = consumer.tried(partial(enter, **options))
            if raised is None:
                consumer.keep(session)
            yield Expected("entry.kwargs", f"{call}({written})", Raised(Exception), raised)


def _files(consumer: Consumer) -> Iterator[Expected]:
    """Give files, and read inside the run which ones it was given."""
    program = FlowProgram((Method("reads", (ReadFiles(),)),))
    files = {"chart": "harbour.png", "text": b"Tides"}
    for call, enter in flow_entries(consumer, consumer.flow(program)).items():
        if enter is None:
            continue  # of which the entry's own clause speaks
        before = len(consumer.stage.noted("files"))
        consumer.read(consumer.keep(consumer.made(partial(enter, input_files=dict(files)))))
        yield passed(f"{call}(input_files=…)", [files], consumer.stage.noted("files")[before:])


def passed(call: str, sent: object, received: object) -> Expected:
    """Hold what a run was given to what was given to its kickoff."""
    return Expected("entry.kwargs", f"what the run is given by {call}", sent, received)


def _overrides(consumer: Consumer) -> Iterator[Expected]:
    """Call one LLM with overrides and without, and look at what the provider was asked."""
    overriding, clause = consumer.subject.overriding, "entry.llm-overrides"
    llm = consumer.llm(stream=False)
    prompt = consumer.provider.prompt_for(Script())
    before = (llm.stream, list(llm.stop or []))
    method = llm.call if consumer.is_sync else llm.acall

    def call(aspect: str, **due: Any) -> Iterator[Expected]:
        text = consumer.made(lambda: method(prompt))
        body = consumer.provider.requests[-1]
        request = {"stream": bool(body.get("stream")), "stop": list(body.get("stop") or [])}
        yield Expected(clause, f"the request of a call {aspect}", due, request)
        yield Expected(clause, f"the value of a call {aspect}", Script().text, text)
        after = (llm.stream, list(llm.stop or []))
        yield Expected(clause, f"stream and stop of the LLM itself, at a call {aspect}", before, after)

    yield from call("before any override", stream=False, stop=[])

    def elsewhere() -> list[Expected]:
        """Call it in a thread that no override was made in."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: [*call("in another thread meanwhile", stream=False, stop=[])]).result()

    with overriding(llm, stream=True):
        yield from call("with stream=True", stream=True, stop=[])
        yield from elsewhere()
    with overriding(llm, stop=["END"]):
        yield from call("with stop=['END']", stream=False, stop=["END"])
        yield from elsewhere()
        with overriding(llm, stream=True):
            yield from call("with stop=['END'] and stream=True", stream=True, stop=["END"])
    yield from call("after all overrides", stream=False, stop=[])
    with suppress(LookupError), overriding(llm, stream=True), overriding(llm, stop=["END"]):
        raise LookupError
    yield from call("after overrides that an error left", stream=False, stop=[])
    used, calls = llm.get_token_usage_summary(), 8
    # What the provider says that each of its answers took.
    counted = (used.prompt_tokens, used.completion_tokens)
    yield Expected(clause, "the prompt and completion tokens that were counted", (11 * calls, 7 * calls), counted)


def _entered(consumer: Consumer) -> Iterator[Expected]:
    """Take the way into a turn: plainly, with a session id, and into a flow that is not conversational."""
    entry, clause = TURN_ENTRIES[consumer.kind]
    call = f"flow.{entry}"
    conversation = HeldConversation(consumer, ConversationProgram())
    message = to_model(consumer.performance)
    yield from way_in(consumer, clause, f"{call}(…)", partial(conversation.enter, message), Script().text)
    named = HeldConversation(consumer, ConversationProgram())
    read = consumer.read(named.ask(message, session_id="harbour"))
    ids = {frame.data.get("session_id") for frame in read.frames if frame.type == "conversation_turn_started"}
    yield Expected(clause, f"{call}(…, session_id='harbour')", NOTHING, read.raised)
    yield Expected(clause, f"the session ids of {call}(…, session_id='harbour')", {"harbour"}, ids)
    if consumer.is_sync:
        plain = consumer.flow(_PLAIN)
        refused = attempt(lambda: plain.stream_turn(message))
        yield Expected(clause, f"{call}(…) of a flow that does not converse", Raised(ValueError), refused)


SCENARIOS: Final = Scenarios()
SCENARIOS.both("entry/flow", {"sync": {"entry.flow"}, "async": {"entry.flow-async"}}, "flow", _flows)
SCENARIOS.both("entry/llm", {"sync": {"entry.llm"}, "async": {"entry.llm-async"}}, "llm", _llms)
SCENARIOS.both("entry/options", {"entry.kwargs"}, "flow", _options)
_WITH_FILES: Final = Scenarios(part="given_files")
_WITH_FILES.both("entry/files", {"entry.kwargs"}, "flow", _files)
SCENARIOS.extend((*_WITH_FILES, *flags.SCENARIOS))
SCENARIOS.both("entry/overrides", {"entry.llm-overrides"}, "llm", _overrides)
SCENARIOS.both("entry/turn", {"sync": {"entry.turn"}, "async": {"entry.turn-async"}}, "flow llm turn", _entered)
SCENARIOS.extend(crews.SCENARIOS)
