"""Saboteurs of the clauses `scope.*`."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import warnings
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from conformance.proof.frames import ACCEPT
from conformance.proof.saboteur import Saboteurs, constant, passing, replacing
from harness import LLM, RunCancelled
from harness.agents import IterationLimitError
from harness.agents.driver import ThreadDriver, run_unsuspended
from harness.bus import scope as scopes

SABOTEURS: Final = Saboteurs()

_BASE: Final = "harness.bus.scope:session_scope"
_OPENED: Final = "harness.flow.conversation.dialogue:Dialogue.opened"
_OF_THREAD: Final = "harness.bus.bus:scope_of_thread"


_SESSIONS: Final[weakref.WeakSet[Any]] = weakref.WeakSet()


@SABOTEURS.row(
    "scope.isolated",
    ACCEPT,
    {
        "scope.nested": "an inner session hears what is around it",
        "scope.worker-threads": "two sessions with one source hear each other",
        "order.previous-earlier": "links lead to frames of the other session",
    },
)
def heard_by_all(accept: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
    """Give what user code emits in one session to every other open session of the process, too."""
    _SESSIONS.add(timeline)
    accept(timeline, source, event, scope)
    for other in [*_SESSIONS] if event.type == "probe" else ():
        if other is not timeline and other not in scope.sinks and other.state.value == "running":
            accept(other, source, event, scope)


@SABOTEURS.row(
    "scope.isolated",
    "harness.session.core:SessionCore._start",
    {"order.previous-earlier": "what the consumer emits is linked to what it has emitted before"},
    at="beside/its-consumer/async",
)
def consumers_work_inside(start: Any, session: Any) -> None:
    """Leave whoever asks for the first frame in the scope of the run."""
    start(session)
    scopes.enter(session._production._base)


@SABOTEURS.row("scope.nested", _BASE, at="nested/beside-another-method/*")
def outer_methods_heard_inside(session_scope: Any, sink: Any, run: Any, lookahead: Any) -> Any:
    """Give an inner session what is emitted around it while it is open."""
    base = session_scope(sink, run, lookahead)
    around = base.parent
    while around is not None and around.parent is not None:
        around.sinks = (*around.sinks, sink)
        for child in around.children:
            child.sinks = child.sinks if sink in child.sinks else (*child.sinks, sink)
        around = around.parent
    return base


@SABOTEURS.row(
    "scope.nested",
    _BASE,
    {
        "scope.captures-llm": "a flow lacks the tokens of a crew that it reads as a stream",
        "error.observer-safe": "a sink around a session is told nothing of it",
        **dict.fromkeys(("scope.concurrent-turns", "order.seq-gapless"), "turns that begin at once never end"),
    },
)
def heard_by_itself(session_scope: Any, sink: Any, run: Any, lookahead: Any) -> Any:
    base = session_scope(sink, run, lookahead)
    base.sinks = (sink,)
    return base


@SABOTEURS.row("scope.worker-threads", _OF_THREAD)
def threads_are_nobodys(scope_of_thread: Any, source: Any, **options: Any) -> Any:
    scope_of_thread(source, **options)
    return scopes.ROOT


@SABOTEURS.row("scope.worker-threads", _OF_THREAD)
def strays_unwarned(scope_of_thread: Any, source: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scope_of_thread(source, **options)


@SABOTEURS.row("scope.aemit", "harness.bus.bus_object:EventBus.aemit")
async def awaited_emits_unpublished(aemit: Any, bus: Any, source: Any, event: Any) -> None:
    """Publish nothing."""


SABOTEURS.add(
    "asked-whole",
    "scope.captures-llm",
    "harness.llm.base:current_run",
    constant(None),
    {
        "scope.nested": "an outer session lacks the tokens of the calls inside",
        "entry.crew": "a streamed crew has no chunks",
        "entry.flag-restored": "and is over before its flag can be looked at",
        "scope.isolated": "two of them show nothing of their own",
    },
)


@SABOTEURS.row("scope.concurrent-turns", _OPENED)
@contextmanager
def turns_side_by_side(opened: Any, dialogue: Any, turn: Any, flow_name: str) -> Iterator[None]:
    dialogue.turn = turn
    yield


@SABOTEURS.row("scope.concurrent-turns", "harness.flow.conversation.conversational:take_turn")
async def turns_one_after_the_other(take_turn: Any, flow: Any, *rest: Any) -> Any:
    """Have a second turn wait for the first one to end."""
    while flow._flow_dialogue.turn is not None:  # noqa: ASYNC110 - whoever ends a turn knows of no queue
        await asyncio.sleep(0.001)
    return await take_turn(flow, *rest)


@SABOTEURS.row("scope.concurrent-turns", _OPENED)
@contextmanager
def closed_turns_stay_open(opened: Any, dialogue: Any, turn: Any, flow_name: str) -> Iterator[None]:
    """Have a turn end where its flow does, and not where it is closed before that."""
    try:
        with opened(dialogue, turn, flow_name):
            yield
    except (RunCancelled, asyncio.CancelledError):
        dialogue.turn = turn
        raise


# Crews: each loses frames of one kind of them, whose scenarios a sample might leave out.


@SABOTEURS.row(
    "scope.concurrent-turns",
    "harness.flow.conversation.conversational:ConversationalFlow._flow_turn",
    at="turn/concurrent/after-unread/*",
)
def unread_turns_stay_open(turn: Any, flow: Any, entry: str, message: Any, **options: Any) -> Any:
    """Have a turn be open as soon as it is asked for, whether or not anybody reads it."""
    before = flow.__dict__.get("_asked")
    if before is not None and before not in [heard.content for heard in flow.state.messages]:
        raise RuntimeError("a turn is open")
    flow.__dict__["_asked"] = message
    return turn(flow, entry, message, **options)


@SABOTEURS.row(
    "scope.nested",
    "harness.agents.delegation:CoworkerTool._done",
    {"order.parent-closed": "what is not shown has no parent"},
    at="crew/kind/managed/sync-method/sync",
)
async def coworkers_unseen(done: Any, *arguments: Any) -> Any:
    """Have coworkers work in a context that knows of no session."""
    work, nowhere = done(*arguments), contextvars.Context()
    if isinstance(arguments[1], ThreadDriver):
        return nowhere.run(run_unsuspended, work)
    return await asyncio.get_running_loop().create_task(work, context=nowhere)


# Tasks that work beside the others begin in a context that knows of no session.
SABOTEURS.add(
    "async-tasks-unseen",
    "scope.nested",
    "harness.agents.driver:placed_context",
    lambda placed_context: contextvars.Context,
    at="crew/kind/side-by-side/sync",
)


@SABOTEURS.row("scope.nested", "harness.crews.crew:Crew.kickoff_for_each", at="crew/kind/for-each/sync-method/sync")
def first_of_each_alone(kickoff_for_each: Any, crew: Any, inputs: Any, *rest: Any) -> Any:
    return kickoff_for_each(crew, inputs[:1], *rest)


SABOTEURS.add(
    "guardrails-unseen",
    "scope.nested",
    "harness.agents.guardrail:Step",
    passing(quiet=True),
    at="crew/kind/refused/sync-method/sync",
)


@SABOTEURS.row("scope.nested", "harness.agents.toolbox:Toolbox._fail", at="crew/kind/failing-tool/sync-method/sync")
async def failed_tools_fail_their_agents(
    failed: Any, toolbox: Any, tool: Any, name: Any, use: Any, error: Exception
) -> Any:
    raise error


@SABOTEURS.row("scope.nested", "harness.agents.execution:Execution._ask", at="crew/kind/at-its-limit/sync-method/sync")
async def limits_fail_their_agents(ask: Any, execution: Any, tools: Any) -> Any:
    if tools is None and execution.toolbox.tools:
        raise IterationLimitError("at the limit")
    return await ask(execution, tools)


@SABOTEURS.row("scope.nested", "harness.session.core:SessionCore._start", at="nested/call/*")
def calls_inside_apart(start: Any, session: Any) -> None:
    """Have a session of a call that is read inside a run tell nobody else of it."""
    context = contextvars.Context() if isinstance(session._source, LLM) else contextvars.copy_context()
    context.run(start, session)


SABOTEURS.add(
    "threads-ask-whole",
    "scope.captures-llm",
    "harness.llm.base:current_run",
    replacing(lambda current_run: None if threading.current_thread().name == "program" else current_run()),
    at="captured/in-thread/sync",
)
