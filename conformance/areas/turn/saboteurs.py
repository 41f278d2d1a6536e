"""Saboteurs of the clauses `turn.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from conformance.proof.frames import ACCEPT, unshown
from conformance.proof.saboteur import Saboteur, gives, instead
from harness.conversation import ConversationMessage
from harness.errors import RunPaused

_FLOW: Final = "harness.flow.conversation.conversational:ConversationalFlow"
_ADD: Final = "harness.flow.conversation.transcript:add"
_TAKE: Final = "harness.flow.conversation.conversational:take_turn"
_ASK: Final = "harness.flow.conversation.answers:streamed_answer"


@instead
def _heard_unshown(add: Any, flow: Any, role: Any, content: Any, **extra: Any) -> None:
    if role == "user":
        flow.state.messages.append(ConversationMessage(role=role, content=content))
    else:
        add(flow, role, content, **extra)


@instead
def _routed_unshown(route: Any, flow: Any) -> Any:
    from harness.flow.conversation.routing import decide

    return decide(flow, flow.build_router_context())


@instead
async def _routed_before_heard(flow_began: Any, hook: Any, run: Any) -> None:
    """Show the route of the turn before, and then hear the message."""
    from harness.bus.bus import emit
    from harness.events import ConversationRouteSelectedEvent

    emit(run.flow, ConversationRouteSelectedEvent(flow_name=run.name, route="converse"))
    await flow_began(hook, run)


@instead
def _twice(add: Any, flow: Any, role: str, content: Any, **extra: Any) -> None:
    for _ in range(2 if role == "assistant" else 1):
        add(flow, role, content, **extra)


@instead
def _unkept(add: Any, flow: Any, role: str, content: Any, **extra: Any) -> None:
    add(flow, role, content, **extra)
    if role == "assistant":
        flow.state.messages.pop()


def _comes_to(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    @instead
    async def take_turn(sound: Any, *arguments: Any) -> Any:
        return change(await sound(*arguments))

    return take_turn


def _no_reply(value: Any) -> Any:
    return value if isinstance(value, RunPaused) else None


def _a_draft(value: Any) -> Any:
    return "A draft." if isinstance(value, RunPaused) else value


@instead
async def _failed_for_good(take_turn: Any, flow: Any, *rest: Any) -> Any:
    if flow.__dict__.get("has_failed"):
        raise RuntimeError("this conversation has failed")
    try:
        return await take_turn(flow, *rest)
    except Exception:
        flow.has_failed = True
        raise


@instead
def _heard_again(route_conversation: Any, flow: Any) -> Any:
    """Where nobody says anything, answer what was said last."""
    if flow.state.current_user_message is None and flow.state.last_user_message is not None:
        flow.receive_user_message(flow.state.last_user_message)
    return route_conversation(flow)


@instead
def _by_its_flag(streamed_answer: Any, llm: Any, messages: Any) -> Any:
    llm.stream = True
    return llm.call(messages)


@instead
def _every_time(start_flow: Any, flow: Any, run: Any) -> None:
    flow._dialogue.flow_started_id = None
    start_flow(flow, run)


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("hears-unshown", ("turn.sequence",), _ADD, _heard_unshown),
    Saboteur("routes-unshown", ("turn.sequence",), "harness.flow.conversation.routing:route", _routed_unshown),
    Saboteur(
        "routes-before-it-hears",
        ("turn.sequence",),
        "harness.flow.conversation.turns:TurnHook.flow_began",
        _routed_before_heard,
    ),
    Saboteur(
        "replies-twice",
        ("turn.result",),
        _ADD,
        _twice,
        {"turn.sequence": "the second one stands where the turn should end"},
    ),
    Saboteur("replies-unkept", ("turn.result",), _ADD, _unkept),
    Saboteur(
        "gives-no-reply", ("turn.result",), _TAKE, _comes_to(_no_reply), {"result.value": "the reply is not the value"}
    ),
    Saboteur(
        "routes-without-a-model",
        ("turn.result",),
        "harness.flow.conversation.routing:route_by_model",
        gives(None),
        {
            "turn.sequence": "no call of a model comes before the route",
            "result.value": "the reply is another one",
        },
    ),
    Saboteur(
        "completes-a-wait", ("turn.pending",), "harness.bus.step:Step.leave", instead(lambda leave, step: step.close())
    ),
    Saboteur("gives-a-draft", ("turn.pending",), _TAKE, _comes_to(_a_draft)),
    Saboteur(
        "fails-unshown",
        ("turn.failed",),
        ACCEPT,
        unshown("conversation_turn_failed"),
        {
            "error.frames-first": "no frame tells of the turn's failure",
            "order.scope-nesting": "the turn is never closed",
        },
    ),
    Saboteur("fails-for-good", ("turn.failed",), _TAKE, _failed_for_good),
    Saboteur("hears-again", ("turn.failed",), f"{_FLOW}.route_conversation", _heard_again),
    Saboteur(
        "asks-as-the-llm-says",
        ("turn.streams-answer",),
        _ASK,
        instead(lambda streamed_answer, llm, messages: llm.call(messages)),
    ),
    Saboteur(
        "asks-by-the-flag",
        ("turn.streams-answer",),
        _ASK,
        _by_its_flag,
        {"entry.flag-restored": "the LLM keeps the flag that a turn set"},
    ),
    Saboteur("starts-every-time", ("turn.deferred",), "harness.flow.conversation.turns:_start_flow", _every_time),
    Saboteur("never-finishes", ("turn.deferred",), "harness.flow.conversation.conversational:finish_flow", gives(None)),
)
