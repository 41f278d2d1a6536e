"""Saboteurs of the clauses `turn.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.frames import ACCEPT, hiding
from conformance.proof.saboteur import Saboteurs, constant, replacing
from harness.conversation import ConversationMessage
from harness.errors import RunPaused

SABOTEURS: Final = Saboteurs()

_FLOW: Final = "harness.flow.conversation.conversational:ConversationalFlow"
_ADD: Final = "harness.flow.conversation.transcript:add"
_TAKE: Final = "harness.flow.conversation.conversational:take_turn"
_ASK: Final = "harness.flow.conversation.answers:streamed_answer"


def _comes_to(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @replacing
    async def take_turn(sound: Any, *arguments: Any) -> Any:
        return change(await sound(*arguments))

    return take_turn


@SABOTEURS.row("turn.sequence", _ADD)
def hears_unshown(add: Any, flow: Any, role: Any, content: Any, **extra: Any) -> None:
    if role == "user":
        flow.state.messages.append(ConversationMessage(role=role, content=content))
    else:
        add(flow, role, content, **extra)


@SABOTEURS.row(
    "turn.sequence",
    "harness.flow.conversation.routing:route",
    {"turn.result": "an intent that is known is asked for again, and nobody answers"},
)
def routes_unshown(route: Any, flow: Any) -> Any:
    from harness.flow.conversation.routing import decide

    return decide(flow, flow.build_router_context())


@SABOTEURS.row("turn.sequence", "harness.flow.conversation.turns:TurnHook.flow_began")
async def routes_before_it_hears(flow_began: Any, hook: Any, run: Any) -> None:
    """Show the route of the turn before, and then hear the message."""
    from harness.bus.bus import emit
    from harness.events import ConversationRouteSelectedEvent

    emit(run.flow, ConversationRouteSelectedEvent(flow_name=run.name, route="converse"))
    await flow_began(hook, run)


@SABOTEURS.row(
    "turn.result",
    _ADD,
    {
        "turn.sequence": "the second one stands where the turn should end",
        "turn.failed": "and where the one after a failed turn should",
        "scope.concurrent-turns": "each of two turns has one reply",
    },
)
def replies_twice(add: Any, flow: Any, role: str, content: Any, **extra: Any) -> None:
    for _ in range(2 if role == "assistant" else 1):
        add(flow, role, content, **extra)


@SABOTEURS.row(
    "turn.result",
    _ADD,
    {"turn.failed": "that of the turn after a failed one, too", "scope.concurrent-turns": "and those of two turns"},
)
def replies_unkept(add: Any, flow: Any, role: str, content: Any, **extra: Any) -> None:
    add(flow, role, content, **extra)
    if role == "assistant":
        flow.state.messages.pop()


@SABOTEURS.row(
    "turn.result",
    _TAKE,
    {
        "result.value": "the reply is not the value",
        "entry.turn": "a turn comes to nothing",
        "entry.turn-async": "and so does an awaited one",
        "turn.failed": "and the one after a failed turn",
        "scope.concurrent-turns": "and each of two turns",
    },
    by=_comes_to,
)
def gives_no_reply(value: Any) -> Any:
    return value if isinstance(value, RunPaused) else None


SABOTEURS.add(
    "routes-without-a-model",
    "turn.result",
    "harness.flow.conversation.routing:route_by_model",
    constant(None),
    {"turn.sequence": "no call of a model comes before the route", "result.value": "the reply is another one"},
)
SABOTEURS.add(
    "completes-a-wait", "turn.pending", "harness.bus.step:Step.leave", replacing(lambda leave, step: step.close())
)


@SABOTEURS.row("turn.pending", _TAKE, by=_comes_to)
def gives_a_draft(value: Any) -> Any:
    return "A draft." if isinstance(value, RunPaused) else value


SABOTEURS.add(
    "fails-unshown",
    "turn.failed",
    ACCEPT,
    hiding("conversation_turn_failed"),
    {
        "error.frames-first": "no frame tells of the turn's failure",
        "order.scope-nesting": "the turn is never closed",
        "order.previous-earlier": "what a listener publishes then names it as the one before",
    },
)


@SABOTEURS.row("turn.failed", _TAKE, {"scope.concurrent-turns": "the turn after one that was refused is refused, too"})
async def fails_for_good(take_turn: Any, flow: Any, *rest: Any) -> Any:
    if flow.__dict__.get("has_failed"):
        raise RuntimeError("this conversation has failed")
    try:
        return await take_turn(flow, *rest)
    except Exception:
        flow.has_failed = True
        raise


@SABOTEURS.row("turn.failed", f"{_FLOW}.route_conversation")
def hears_again(route_conversation: Any, flow: Any) -> Any:
    """Where nobody says anything, answer what was said last."""
    if flow.state.current_user_message is None and flow.state.last_user_message is not None:
        flow.receive_user_message(flow.state.last_user_message)
    return route_conversation(flow)


SABOTEURS.add(
    "asks-as-the-llm-says",
    "turn.streams-answer",
    _ASK,
    replacing(lambda streamed_answer, llm, messages: llm.call(messages)),
)


@SABOTEURS.row("turn.streams-answer", _ASK, {"entry.flag-restored": "the LLM keeps the flag that a turn set"})
def asks_by_the_flag(streamed_answer: Any, llm: Any, messages: Any) -> Any:
    llm.stream = True
    return llm.call(messages)


@SABOTEURS.row("turn.deferred", "harness.flow.conversation.turns:_start_flow")
def starts_every_time(start_flow: Any, flow: Any, run: Any) -> None:
    flow._flow_dialogue.flow_started_id = None
    start_flow(flow, run)


SABOTEURS.add("never-finishes", "turn.deferred", "harness.flow.conversation.conversational:finish_flow", constant(None))
