"""Small sound timelines, built frame by frame without any runtime, for the checks to be tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, NoReturn

from msgspec.structs import replace

from conformance.areas.llm.chunks import projected, rechunked
from conformance.timeline.evidence import Ended, Evidence, ProgramOutcome, ResultRead, WireFacts, WireToolCall

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = ("flow_name", "method_name", "session_id", "call_id", "tool_name", "agent_role", "task_name")
_CHANNELS = {
    "flow": "flow_started flow_finished flow_failed flow_paused conversation_turn_started conversation_turn_completed "
    "conversation_turn_failed conversation_route_selected method_execution_started method_execution_finished "
    "method_execution_failed method_execution_paused human_feedback_requested",
    "llm": "llm_call_started llm_stream_chunk llm_thinking_chunk llm_call_completed llm_call_failed",
    "tools": "tool_usage_started tool_usage_finished tool_usage_error",
    "messages": "conversation_message_added",
    "lifecycle": "crew_kickoff_started crew_kickoff_completed task_started task_completed agent_execution_started "
    "agent_execution_completed agent_execution_error crew_kickoff_failed checkpoint_restore_started "
    "checkpoint_restore_completed",
}
CHANNEL = {name: channel for channel, names in _CHANNELS.items() for name in names.split()}


def _refuse(self: object, *args: object, **options: object) -> NoReturn:
    raise TypeError(f"a frame can't be changed: {args!r}")


class FrozenItems(list[Any]):
    """A list that refuses every change."""

    __setitem__ = __delitem__ = __iadd__ = __imul__ = append = clear = extend = insert = pop = remove = reverse = (
        _refuse
    )
    sort = _refuse


def frozen(value: Any) -> Any:
    """Return JSON `value` with its containers closed to change."""
    if isinstance(value, Mapping):
        return MappingProxyType({key: frozen(item) for key, item in value.items()})
    return FrozenItems(map(frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True)
class Frame:
    """The plainest frame that has the whole surface."""

    id: str
    seq: int
    type: str
    channel: str
    namespace: tuple[str, ...]
    timestamp: datetime
    parent_id: str | None
    previous_id: str | None
    data: Mapping[str, Any]

    @property
    def event(self) -> Mapping[str, Any]:
        return self.data

    @property
    def content(self) -> str:
        chunk = self.data.get("chunk")
        return chunk if isinstance(chunk, str) and self.data.get("call_type") != "tool_call" else ""

    def __str__(self) -> str:
        return self.content


@dataclass
class Timeline:
    """Adds one frame after the other; `open` and `add` return the id of theirs."""

    frames: list[Frame] = field(default_factory=list)

    def add(self, frame_type: str, parent: str | None = None, /, **data: Any) -> str:
        seq = len(self.frames) + 1
        channel = CHANNEL.get(frame_type, "custom")
        namespace = (channel, *(str(data[name]) for name in _NAMES if data.get(name)))
        previous = self.frames[-1].id if self.frames else None
        at = _EPOCH + timedelta(milliseconds=seq)
        self.frames.append(Frame(f"e{seq}", seq, frame_type, channel, namespace, at, parent, previous, frozen(data)))
        return f"e{seq}"

    def close(self, frame_type: str, opened: str, /, **data: Any) -> str:
        """Add what closes the scope that `opened` opened, with the same parent and names."""
        opener = next(frame for frame in self.frames if frame.id == opened)
        names = {name: opener.data[name] for name in _NAMES if name in opener.data}
        return self.add(frame_type, opener.parent_id, **(names | data), started_event_id=opened)

    def flow(self, name: str, parent: str | None = None) -> str:
        return self.add("flow_started", parent, flow_name=name, inputs={"topic": ["frames", {"depth": 2}]})

    def method(self, name: str, flow: str, flow_name: str = "Report") -> str:
        return self.add("method_execution_started", flow, flow_name=flow_name, method_name=name)

    def finish_method(self, method: str) -> None:
        self.close("method_execution_finished", method, result=None)

    def call(self, call_id: str, parent: str | None = None, *, stream: bool = True) -> str:
        return self.add("llm_call_started", parent, call_id=call_id, stream=stream)

    def text(self, call: str, call_id: str, *chunks: str) -> None:
        for chunk in chunks:
            self.add("llm_stream_chunk", call, call_id=call_id, chunk=chunk, call_type="llm_call", tool_call=None)

    def complete(self, call: str, response: Any, reason: str = "stop") -> None:
        self.close("llm_call_completed", call, response=response, usage=dict(USAGE), finish_reason=reason)

    def argument(self, call: str, index: int, delta: str, so_far: str) -> None:
        function = {"name": TOOLS[index], "arguments": so_far}
        tool_call = {"id": f"t{index}", "type": "function", "index": index, "function": function}
        self.add("llm_stream_chunk", call, call_id="c1", chunk=delta, call_type="tool_call", tool_call=tool_call)

    def evidence(self, ended: Ended = "exhausted", **more: Any) -> Evidence:
        sources = {frame.id: frame.type for frame in self.frames}
        return Evidence(tuple(self.frames), ended, source_types=sources, **more)


USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
TOOLS = ("add", "multiply")
TOOL_CALLS = (WireToolCall("add", '{"a": 1}', "t0"), WireToolCall("multiply", '{"b": 2}', "t1"))
GATE = RuntimeError("Streaming has not completed yet; read the stream to its end first.")


def two_methods() -> Evidence:
    """A flow of two starts that run side by side, an event of the user's own between them, and its result."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    first, second = timeline.method("outline", flow), timeline.method("research", flow)
    timeline.add("import_failed", first, rows=3)
    timeline.finish_method(second)
    timeline.finish_method(first)
    timeline.close("flow_finished", flow, result=0)
    reads = (
        ResultRead("before", GATE, None, is_completed=False, is_exhausted=False, is_cancelled=False),
        ResultRead("after-break", GATE, None, is_completed=False, is_exhausted=False, is_cancelled=False),
        ResultRead("after-exhaustion", None, 0, is_completed=True, is_exhausted=True, is_cancelled=False),
    )
    return timeline.evidence(reads=reads, outcome=ProgramOutcome(0))


def nested() -> Evidence:
    """A flow whose method runs a crew, whose agent calls a model and uses a tool, and then another flow."""
    timeline = Timeline()
    outer = timeline.flow("Report")
    method = timeline.method("write", outer)
    crew = timeline.add("crew_kickoff_started", method, crew_name="writers")
    task = timeline.add("task_started", crew, task_name="draft")
    agent = timeline.add("agent_execution_started", task, agent_role="Writer", task_name="draft")
    call = timeline.call("c1", agent)
    timeline.text(call, "c1", "use ", "add")
    timeline.complete(call, "use add")
    tool = timeline.add("tool_usage_started", agent, tool_name="add", agent_role="Writer")
    timeline.close("tool_usage_finished", tool, output=3, finished_at="2026-01-01T00:00:00.000000Z")
    timeline.close("agent_execution_completed", agent)
    timeline.close("task_completed", task)
    timeline.close("crew_kickoff_completed", crew, output="done")
    inner = timeline.flow("Review", method)
    timeline.finish_method(timeline.method("check", inner, "Review"))
    timeline.close("flow_finished", inner, result=True)
    timeline.finish_method(method)
    timeline.close("flow_finished", outer, result="done")
    return timeline.evidence()


def text_call() -> Evidence:
    """A direct call that thinks, then answers."""
    timeline = Timeline()
    call = timeline.call("c1")
    timeline.add("llm_thinking_chunk", call, call_id="c1", chunk="hm")
    timeline.text(call, "c1", "Hel", "lo")
    timeline.complete(call, "Hello")
    facts = WireFacts(
        streamed=True,
        text="Hello",
        status=200,
        ended_at_marker=True,
        thinking="hm",
        kinds=("thinking", "text"),
        usage=USAGE,
        finish_reason="stop",
    )
    return timeline.evidence(wire=(facts,))


def parallel_calls() -> Evidence:
    """Two methods whose calls stream at the same time."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    one, two = timeline.method("outline", flow), timeline.method("research", flow)
    first, second = timeline.call("c1", one), timeline.call("c2", two)
    timeline.text(first, "c1", "a")
    timeline.text(second, "c2", "x")
    timeline.text(first, "c1", "b")
    timeline.complete(second, "x")
    timeline.finish_method(two)
    timeline.complete(first, "ab")
    timeline.finish_method(one)
    timeline.close("flow_finished", flow, result="ab")
    return timeline.evidence()


def _streamed_tool_calls() -> tuple[Timeline, str]:
    timeline = Timeline()
    call = timeline.call("c1")
    timeline.argument(call, 0, '{"a"', '{"a"')
    timeline.argument(call, 0, ": 1}", '{"a": 1}')
    timeline.argument(call, 1, '{"b": 2}', '{"b": 2}')
    return timeline, call


def _tool_facts(**more: Any) -> WireFacts:
    return WireFacts(
        streamed=True,
        text="",
        status=200,
        ended_at_marker=True,
        tool_calls=TOOL_CALLS,
        kinds=("tool_call",),
        usage=USAGE,
        finish_reason="tool_calls",
        **more,
    )


def tools_run() -> Evidence:
    """A direct call that asks for two tools and runs both."""
    timeline, call = _streamed_tool_calls()
    for name in TOOLS:
        tool = timeline.add("tool_usage_started", call, tool_name=name)
        timeline.close("tool_usage_finished", tool, output=1)
    timeline.complete(call, [1, 2], "tool_calls")
    read = ResultRead("after-exhaustion", None, [1, 2], is_completed=True, is_exhausted=True, is_cancelled=False)
    facts = _tool_facts(has_functions=True, returned=(1, 2))
    return timeline.evidence(wire=(facts,), reads=(read,), outcome=ProgramOutcome([1, 2]))


def resplit_call() -> Evidence:
    """A call whose answer came a second time, from the same bytes in other pieces."""
    whole = text_call()
    return replace(whole, expected=tuple(rechunked(whole.frames, {"in one piece": text_call().frames})))


@dataclass(frozen=True)
class CalledChunk:
    """The plainest tool call of a legacy chunk."""

    tool_id: str | None
    tool_name: str | None
    arguments: str
    index: int


@dataclass(frozen=True)
class Chunk:
    """The plainest legacy chunk that has the whole surface."""

    content: str
    chunk_type: str
    tool_call: CalledChunk | None = None
    task_name: str = ""
    task_id: str = ""
    agent_role: str = ""
    agent_id: str = ""


def projected_call(other: Mapping[int, object] | None = None) -> Evidence:
    """A call that thinks, answers, and asks for a tool; each frame beside its legacy chunk, or, by its seq, another."""
    timeline = Timeline()
    call = timeline.call("c1")
    timeline.add("llm_thinking_chunk", call, call_id="c1", chunk="hm", agent_role="Writer")
    timeline.text(call, "c1", "Hel")
    timeline.argument(call, 0, '{"a"', '{"a"')
    timeline.close("llm_call_failed", call, error="the stream ended early", error_type="StreamTruncatedError")
    chunks = (
        None,
        Chunk("hm", "text", agent_role="Writer"),
        Chunk("Hel", "text"),
        Chunk('{"a"', "tool_call", CalledChunk("t0", "add", '{"a"', 0)),
        None,
    )
    made = {frame.seq: chunk for frame, chunk in zip(timeline.frames, chunks, strict=True)} | dict(other or {})
    return timeline.evidence("failed", expected=tuple(projected(timeline.frames, lambda frame: made[frame.seq])))


def tools_handed_over() -> Evidence:
    """A direct call that asks for two tools and was given no functions."""
    timeline, call = _streamed_tool_calls()
    response = [
        {"id": item.id, "type": "function", "function": {"name": item.name, "arguments": item.arguments}}
        for item in TOOL_CALLS
    ]
    timeline.complete(call, response, "tool_calls")
    return timeline.evidence(wire=(_tool_facts(),))


def plain_call() -> Evidence:
    """A call that does not stream, for which the wire has no usage."""
    timeline = Timeline()
    call = timeline.call("c1", stream=False)
    timeline.close("llm_call_completed", call, response="Hello", usage=None, finish_reason="stop")
    facts = WireFacts(streamed=False, text="Hello", status=200, ended_at_marker=True, finish_reason="stop")
    return timeline.evidence(wire=(facts,))


class RefusedError(Exception):
    """An error as `llm.errors` wants it."""

    provider = "openai"
    status: int | None = 429
    request_id = "req-1"


def refused_call() -> Evidence:
    """A call that the provider answers with an error status."""
    timeline = Timeline()
    call = timeline.call("c1")
    timeline.close("llm_call_failed", call, error="too many requests", error_type="RefusedError")
    error = RefusedError("too many requests")
    reads = tuple(
        ResultRead("after-failure", error, None, is_completed=True, is_exhausted=False, is_cancelled=False)
        for _ in range(2)
    )
    facts = WireFacts(streamed=True, text="", status=429, ended_at_marker=True, request_id="req-1")
    return timeline.evidence("failed", wire=(facts,), reads=reads, outcome=ProgramOutcome(error=error))


def truncated_call() -> Evidence:
    """A stream that stops without its end marker."""
    timeline = Timeline()
    call = timeline.call("c1")
    timeline.text(call, "c1", "Hel")
    timeline.close("llm_call_failed", call, error="the stream ended early", error_type="StreamTruncatedError")
    facts = WireFacts(streamed=True, text="Hel", status=200, ended_at_marker=False, kinds=("text",))
    return timeline.evidence("failed", wire=(facts,))


def failed_flow() -> Evidence:
    """A flow whose only method raises."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    method = timeline.method("write", flow)
    timeline.close("method_execution_failed", method, error="no paper", error_type="ValueError")
    timeline.close("flow_failed", flow, error="no paper", error_type="ValueError")
    return timeline.evidence("failed")


def failed_crew() -> Evidence:
    """A crew whose agent fails after its call, such as by a guardrail."""
    timeline = Timeline()
    crew = timeline.add("crew_kickoff_started")
    agent = timeline.add("agent_execution_started", crew)
    timeline.complete(timeline.call("c1", agent, stream=False), "Hello")
    timeline.close("agent_execution_error", agent, error="boom", error_type="ValueError")
    timeline.close("crew_kickoff_failed", crew, error="boom", error_type="ValueError")
    return timeline.evidence("failed")


def failed_between() -> Evidence:
    """A flow that fails when its method has ended, as where its state can't be kept."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    timeline.close("method_execution_finished", timeline.method("write", flow), result=1)
    timeline.close("flow_failed", flow, error="no disk", error_type="OSError")
    return timeline.evidence("failed")


def closed_early() -> Evidence:
    """A flow that is closed in the middle of an answer."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    call = timeline.call("c1", timeline.method("write", flow))
    timeline.text(call, "c1", "Hel")
    closed = RuntimeError("The stream was closed before it was exhausted.")
    read = ResultRead("after-close", closed, None, is_completed=True, is_exhausted=False, is_cancelled=True)
    facts = WireFacts(streamed=True, text="Hello", status=200, ended_at_marker=False, kinds=("text", "tool_call"))
    return timeline.evidence("closed", reads=(read,), wire=(facts,))


def paused_flow() -> Evidence:
    """A flow that waits for human feedback."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    method = timeline.method("review", flow)
    timeline.add("human_feedback_requested", method, flow_name="Report", method_name="review", message="fine?")
    timeline.close("method_execution_paused", method, flow_id="f1")
    timeline.close("flow_paused", flow, flow_id="f1", method_name="review")
    return timeline.evidence()


def _turn(timeline: Timeline) -> str:
    return timeline.add("conversation_turn_started", flow_name="Chat", session_id="s1")


def _message(timeline: Timeline, parent: str, role: str) -> None:
    timeline.add("conversation_message_added", parent, flow_name="Chat", session_id="s1", role=role, content="hi")


def deferred_turn() -> Evidence:
    """The first turn of a conversation whose flow is finished later, in no session."""
    timeline = Timeline()
    turn = _turn(timeline)
    timeline.flow("Chat", turn)
    _message(timeline, turn, "user")
    route = timeline.method("route_conversation", turn, "Chat")
    timeline.add("conversation_route_selected", route, flow_name="Chat", session_id="s1", route="converse")
    timeline.finish_method(route)
    answer = timeline.method("converse_turn", turn, "Chat")
    call = timeline.call("c1", answer)
    timeline.text(call, "c1", "hi")
    timeline.complete(call, "hi")
    _message(timeline, answer, "assistant")
    timeline.finish_method(answer)
    timeline.close("conversation_turn_completed", turn)
    return timeline.evidence()


def deferred_beside() -> Evidence:
    """A first turn whose flow, finished later, stands beside it."""
    timeline = Timeline()
    turn = _turn(timeline)
    flow = timeline.flow("Chat")
    _message(timeline, flow, "user")
    timeline.finish_method(timeline.method("answers", flow, "Chat"))
    _message(timeline, flow, "assistant")
    timeline.close("conversation_turn_completed", turn)
    return timeline.evidence()


def failed_turn() -> Evidence:
    """A turn whose handler raises; the flow that its conversation runs in goes on."""
    timeline = Timeline()
    turn = _turn(timeline)
    timeline.flow("Chat", turn)
    _message(timeline, turn, "user")
    method = timeline.method("answers", turn, "Chat")
    timeline.close("method_execution_failed", method, error="no", error_type="LookupError")
    timeline.close("conversation_turn_failed", turn, error="no", error_type="LookupError")
    return timeline.evidence("failed")


def pending_turn() -> Evidence:
    """A later turn that waits for human feedback; its flow was started in an earlier one."""
    timeline = Timeline()
    turn = _turn(timeline)
    method = timeline.method("review", turn, "Chat")
    timeline.close("method_execution_paused", method, flow_id="f1")
    timeline.add("flow_paused", turn, flow_name="Chat", flow_id="f1", method_name="review")
    return timeline.evidence()


def restored_flow() -> Evidence:
    """A run that starts from a checkpoint."""
    timeline = Timeline()
    restore = timeline.add("checkpoint_restore_started", checkpoint_id="k1")
    timeline.close("checkpoint_restore_completed", restore, checkpoint_id="k1")
    flow = timeline.flow("Report")
    timeline.finish_method(timeline.method("write", flow))
    timeline.close("flow_finished", flow, result=None)
    return timeline.evidence()


def own_provider() -> Evidence:
    """A method whose user-written model emits chunks by itself, with no call around them."""
    timeline = Timeline()
    flow = timeline.flow("Report")
    method = timeline.method("write", flow)
    timeline.text(method, "mine", "by hand")
    chunk = timeline.frames[-1].id
    timeline.finish_method(method)
    timeline.close("flow_finished", flow, result=None)
    return timeline.evidence(user_events=frozenset({chunk}))


def replayed_call() -> Evidence:
    """A call whose frames were read twice."""
    evidence = text_call()
    return replace(evidence, replayed=evidence.frames)


def replayed_failure() -> Evidence:
    """A run that failed, read twice."""
    evidence, error = failed_flow(), LookupError("no")
    return replace(evidence, replayed=evidence.frames, raised=error, replay_raised=error)


SOUND: tuple[Callable[[], Evidence], ...] = (
    two_methods,
    nested,
    text_call,
    parallel_calls,
    tools_run,
    tools_handed_over,
    plain_call,
    resplit_call,
    projected_call,
    refused_call,
    truncated_call,
    failed_flow,
    failed_between,
    closed_early,
    paused_flow,
    deferred_turn,
    deferred_beside,
    failed_turn,
    pending_turn,
    restored_flow,
    own_provider,
    replayed_call,
    replayed_failure,
)
