"""Saboteurs of the clauses `error.*`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.proof.frames import ACCEPT, hiding
from conformance.proof.saboteur import NONE, Saboteurs, constant, replacing

SABOTEURS: Final = Saboteurs()

_FAILED: Final = "harness.session.production:Production.failed"


SABOTEURS.add(
    "failure-untold",
    "error.frames-first",
    ACCEPT,
    hiding("flow_failed"),
    {
        "order.scope-nesting": "the flow that failed is never closed",
        "order.previous-earlier": "the end of a turn that failed names it as the one before",
    },
)


@SABOTEURS.row(
    "error.base-exception",
    _FAILED,
    {
        "result.reraises": "there is nothing to raise again",
        "result.states": "a session that should have failed is exhausted",
        "llm.sequence": "a call fails in whose tools there is an exit, and its session does not",
        "replay.kept": "a recording that was interrupted passes for a whole one",
    },
    at="error/*",
)
def exit_is_an_end(failed: Any, production: Any, error: BaseException) -> None:
    if not isinstance(error, Exception):
        production.timeline.returned(None)
    else:
        failed(production, error)


@SABOTEURS.row(
    "error.original",
    _FAILED,
    {"envelope.error-class": "the failure is told of by the class of what can't be found any more"},
)
def cause_lost(failed: Any, production: Any, error: BaseException) -> None:
    if isinstance(error, StopIteration | StopAsyncIteration):
        error = RuntimeError("the run raised what no iterator can pass on")
    failed(production, error)


def _raised_at(name: str, of: str, is_raised: Callable[[str], bool], also: Mapping[str, str] = NONE) -> None:
    """Add what raises, in place of logging it, what a listener raised where that was told of events of some types."""

    @replacing
    def report(sound: Any, message: str, event_type: str) -> None:
        if is_raised(event_type):
            raise  # noqa: PLE0704 - called where an exception is being handled

    target, at = "harness.bus.listeners:logger.exception", f"error/observer/listener/{of}/sync"
    SABOTEURS.add(name, "error.observer-safe", target, report, also, at=at)


_raised_at("listeners-fail-the-run", "SystemExit", lambda event_type: event_type == "probe")
# What is done on the way out is easily unguarded.
_raised_at("listeners-fail-failures", "of-failure", lambda event_type: event_type.endswith("_failed"))
_raised_at("listeners-fail-chunks", "of-call", lambda event_type: event_type == "llm_stream_chunk")
_OF_TURNS: Final = {
    "order.scope-nesting": "a turn whose beginning can't be told is never closed",
    "error.frames-first": "and nothing tells that it has failed",
}
_raised_at("listeners-fail-turns", "of-turn", lambda event_type: event_type.startswith("conversation_"), _OF_TURNS)
# A listener that is awaited may wait for a task of its own that was cancelled.
SABOTEURS.add(
    "listeners-cancel-the-run",
    "error.observer-safe",
    "harness.bus.listeners:_is_being_cancelled",
    constant(True),
    at="error/observer/async-listener/CancelledError/sync",
)


@SABOTEURS.row(
    "error.base-exception",
    "harness.llm.base:run_tool",
    {"result.value": "the call comes to a value"},
    at="error/SystemExit/tool/sync",
)
def tools_exit_quietly(run_tool: Any, *arguments: Any) -> Any:
    try:
        return run_tool(*arguments)
    except SystemExit:
        return ""


@SABOTEURS.row(
    "error.base-exception", "harness.flow.conversation.conversational:take_turn", at="error/SystemExit/turn/sync"
)
async def handlers_exit_quietly(take_turn: Any, *arguments: Any) -> Any:
    try:
        return await take_turn(*arguments)
    except SystemExit:
        return None


@SABOTEURS.row(
    "error.original",
    "harness.flow.flow:Flow.kickoff",
    {
        "envelope.error-class": "the class of the failure is another",
        "result.reraises": "and so is what the result raises",
    },
    at="error/LookupError/inner-flow/sync",
)
def inner_failures_retold(kickoff: Any, flow: Any, *arguments: Any, **options: Any) -> Any:
    try:
        return kickoff(flow, *arguments, **options)
    except LookupError as error:
        if type(flow).__name__ != "InnerFlow":
            raise
        raise RuntimeError("the flow inside failed") from error
