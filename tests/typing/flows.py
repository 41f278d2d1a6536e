"""User code with saved, asking, conversing and declared flows, as it is ported: it type-checks under strict mypy, and runs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, assert_type

from pydantic import BaseModel

from harness import (
    AsyncStreamSession,
    BaseLLM,
    CheckpointConfig,
    Flow,
    StreamSession,
    human_feedback,
    listen,
    persist,
    start,
)
from harness.conversation import (
    ChatState,
    ConversationConfig,
    ConversationMessage,
    ConversationState,
    RouterConfig,
    append_message,
    get_conversation_messages,
    input_history_to_messages,
    normalize_kickoff_inputs,
    prepare_conversational_turn,
    receive_user_message,
    set_state_field,
)
from harness.flow import (
    FlowPersistence,
    HumanFeedbackPending,
    HumanFeedbackResult,
    InputResponse,
    JsonProvider,
    PendingFeedbackContext,
    SQLiteFlowPersistence,
    SqliteProvider,
    build_flow_structure,
    visualize_flow_structure,
)


class Speaker(BaseLLM):
    """Implements `call` itself, as models are written for the reference."""

    def call(self, messages: Any, *arguments: Any, **options: Any) -> str:
        return "yes"


# Saving.


class Memory(FlowPersistence):
    """Keeps states in a dict."""

    def __init__(self) -> None:
        self.states: dict[str, dict[str, Any]] = {}

    def init_db(self) -> None:
        self.states.clear()

    def save_state(self, flow_uuid: str, method_name: str, state_data: dict[str, Any] | BaseModel) -> None:
        self.states[flow_uuid] = state_data if isinstance(state_data, dict) else state_data.model_dump()

    def load_state(self, flow_uuid: str) -> dict[str, Any] | None:
        return self.states.get(flow_uuid)


class Count(BaseModel):
    id: str = ""
    seen: int = 0


@persist(SQLiteFlowPersistence(":memory:"), verbose=False)
class Counting(Flow[Count]):
    @start()
    @persist()
    def count(self) -> int:
        self.state.seen += 1
        return self.state.seen


def saved(folder: Path) -> tuple[int, list[Any], int]:
    memory = Memory()
    first = Counting(persistence=memory, checkpoint=False)
    first.kickoff()
    again = Counting(persistence=memory)
    again.kickoff(inputs={"id": assert_type(first.flow_id, str)})
    forked = Counting(persistence=memory, name="fork", max_method_calls=3)
    forked.kickoff(restore_from_state_id=first.state.id)
    kept = CheckpointConfig(
        location=str(folder / "kept"),
        on_events=["method_execution_finished"],
        provider=JsonProvider(),
        max_checkpoints=2,
        restore_from=None,
    )
    Counting(checkpoint=kept).kickoff()
    CheckpointConfig(provider=SqliteProvider())
    CheckpointConfig(provider="jsonl")
    return (
        assert_type(again.state, Count).seen,
        assert_type(forked.method_outputs, list[Any]),
        len(list(folder.rglob("*.json"))),
    )


# Humans.


class Later:
    """Answers later."""

    def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
        raise HumanFeedbackPending(context=context)


class Desk:
    """Answers what a flow asks."""

    def request_input(self, message: str, flow: Any, metadata: dict[str, Any] | None = None) -> InputResponse:
        return InputResponse("blue", metadata)


class Draft(Flow):
    @start()
    @human_feedback(
        "Good?",
        emit=["good", "bad"],
        llm=Speaker("speaker"),
        default_outcome="bad",
        metadata={"of": "draft"},
        provider=Later(),
    )
    def write(self) -> str:
        return f"a {self.ask('Which colour?', timeout=5.0, metadata={'for': 'sail'})} sail"

    @listen("bad")
    def redo(self, result: HumanFeedbackResult) -> str:
        return f"{result.output}, {result.feedback}, {result.outcome}"


def asked() -> tuple[str, str | None, str]:
    memory = SQLiteFlowPersistence(":memory:")
    flow = Draft(persistence=memory, input_provider=Desk())
    pending = flow.kickoff()
    assert isinstance(pending, HumanFeedbackPending)
    waiting = Draft.from_pending(flow.flow_id, persistence=memory, input_provider=Desk())
    context = assert_type(waiting.pending_feedback, PendingFeedbackContext | None)
    assert context is not None
    assert PendingFeedbackContext.from_dict(context.to_dict()).method_name == "write"
    result = str(waiting.resume(""))
    last = assert_type(waiting.last_human_feedback, HumanFeedbackResult | None)
    answers = input_history_to_messages(flow.input_history)
    return result, None if last is None else last.outcome, str(answers[-1]["content"])


async def resumed() -> Any:
    memory = SQLiteFlowPersistence(":memory:")
    flow = Draft(persistence=memory, input_provider=Desk(), stream=False, suppress_flow_events=True)
    await flow.kickoff_async()
    return await Draft.from_pending(flow.flow_id, persistence=memory).resume_async("")


# Conversations.


class Orders(ConversationState):
    count: int = 0


@ConversationConfig(
    system_prompt="You sell sails.",
    llm=Speaker("speaker"),
    router=RouterConfig(
        prompt="Messages to a sailmaker.",
        llm=Speaker("router"),
        routes=["ORDER"],
        route_descriptions={"ORDER": "wants a sail"},
        default_intent="converse",
        fallback_intent="converse",
        intent_field="intent",
    ),
    visible_agent_outputs=["clerk"],
    defer_trace_finalization=True,
)
class Shop(Flow[Orders]):
    conversational = True

    def route_turn(self, context: dict[str, Any]) -> str | None:
        return "ORDER" if "sail" in str(context["current_user_message"]) else super().route_turn(context)

    @listen("ORDER")
    def order(self) -> str:
        self.state.count += 1
        self.append_agent_result("clerk", "noted", visibility="private")
        self.append_message("system", "an order")
        self.append_assistant_message("It is on its way.")
        return "It is on its way."


def conversed() -> tuple[Any, Any, list[str], list[str]]:
    shop, said = Shop(), iter(["", "hello", "exit"])
    reply = shop.handle_turn("a sail, please", session_id="ann")
    session = assert_type(
        shop.stream_turn("thanks", intents=["thanks"], intent_llm=Speaker("speaker")), StreamSession[Any]
    )
    with session as stream:
        roles = [str(frame.data["role"]) for frame in stream.messages]
    printed: list[str] = []
    shop.chat(input_fn=lambda prompt: next(said), output_fn=printed.append, exit_commands=("exit",), skip_empty=True)
    assert_type(shop.conversation_messages, list[dict[str, Any]])
    assert (
        shop.classify_intent("hi", ["yes", "no"], llm=Speaker("speaker"), context=shop.conversation_messages) == "yes"
    )
    assert shop.receive_user_message("bye", outcomes=["yes"], llm=Speaker("speaker")) == "yes"
    shop.finalize_session_traces()
    return reply, session.result, roles, printed


async def aconversed() -> Any:
    shop = Shop()
    await shop.ahandle_turn({"role": "user", "content": "hello"}, session_id="bea")
    session = assert_type(shop.astream_turn("a sail"), AsyncStreamSession[Any])
    async with session as stream:
        assert [frame async for frame in stream.messages]
    return session.result


class Chatting(Flow[ChatState]):
    """Keeps a transcript without being conversational, by the helper functions."""

    @start()
    def answer(self) -> str:
        prepare_conversational_turn(self)
        text = receive_user_message(self, "hello")
        append_message(self, "assistant", f"you said {text}")
        set_state_field(self, "session_ready", True)
        return str(get_conversation_messages(self)[-1]["content"])


def helped() -> tuple[Any, bool, ConversationMessage]:
    flow = Chatting()
    result = flow.kickoff(inputs=normalize_kickoff_inputs({"id": "cat"}, session_id=None))
    return result, flow.state.session_ready, ConversationMessage(role="user", content="hello", name="Cat")


# Declarations.

DECLARED = """
schema: crewai.flow/v1
name: Doubled
state: {type: dict, default: {n: 2}}
config: {max_method_calls: 5, suppress_flow_events: false}
methods:
  begin: {start: true, do: {call: expression, expr: state.n * 2}}
  end: {listen: begin, do: {call: expression, expr: outputs.begin + 1}}
"""


def declared(folder: Path) -> tuple[Any, str, int]:
    flow = Flow.from_declaration(contents=DECLARED)
    (folder / "doubled.yaml").write_text(DECLARED, encoding="utf-8")
    same = Flow.from_declaration(path=folder / "doubled.yaml")
    structure = build_flow_structure(same)
    page = visualize_flow_structure(structure, str(folder / "doubled"))
    assert flow.plot(str(folder / "plot.html"), show=False).endswith("plot.html")
    return flow.kickoff(), Path(page).name, same.kickoff(inputs={"n": 5})


def main(folder: Path) -> list[Any]:
    in_loop = [asyncio.run(resumed()), asyncio.run(aconversed())]
    return [saved(folder), asked(), *in_loop, conversed(), helped()[:2], declared(folder)]
