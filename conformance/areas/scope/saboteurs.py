"""Saboteurs of the clauses `scope.*`."""

from __future__ import annotations

import asyncio
import contextvars
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final

from conformance.proof.saboteur import Saboteur, called_with, gives, instead
from harness.agents import IterationLimitError
from harness.agents.driver import ThreadDriver, run_unsuspended

_BASE: Final = "harness.bus.scope:session_scope"
_OPENED: Final = "harness.flow.conversation.dialogue:Dialogue.opened"
_OF_THREAD: Final = "harness.bus.bus:scope_of_thread"


class _Eavesdropper:
    """Passes on to a session what another one hears, while it is on."""

    sees_all = True

    def __init__(self, session: Any) -> None:
        self._session = weakref.ref(session)

    def accept(self, source: Any, event: Any, scope: Any) -> None:
        session = self._session()
        if session is not None and session.state.value == "running" and event.type == "probe":
            session.accept(source, event, scope)


def _heard_by_all(session_scope: Callable[..., Any]) -> Callable[..., Any]:
    """Give what user code emits in one session to every other open session of the process, too."""
    sessions: weakref.WeakSet[Any] = weakref.WeakSet()

    def broken(sink: Any, run: Any, lookahead: Any) -> Any:
        base = session_scope(sink, run, lookahead)
        base.sinks = (*base.sinks, *(_Eavesdropper(session) for session in sessions if session not in base.sinks))
        sessions.add(sink)
        return base

    return broken


@instead
def _heard_by_itself(session_scope: Any, sink: Any, run: Any, lookahead: Any) -> Any:
    base = session_scope(sink, run, lookahead)
    base.sinks = (sink,)
    return base


@instead
def _threads_are_nobodys(scope_of_thread: Any, source: Any) -> Any:
    from harness.bus.scope import ROOT

    scope_of_thread(source)
    return ROOT


@instead
def _unwarned(scope_of_thread: Any, source: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scope_of_thread(source)


@instead
async def _unpublished(aemit: Any, bus: Any, source: Any, event: Any) -> None:
    """Publish nothing."""


@instead
@contextmanager
def _side_by_side(opened: Any, dialogue: Any, turn: Any, flow_name: str) -> Iterator[None]:
    dialogue.turn = turn
    yield


@instead
async def _queued(take_turn: Any, flow: Any, *rest: Any) -> Any:
    """Have a second turn wait for the first one to end."""
    while flow._dialogue.turn is not None:  # noqa: ASYNC110 - whoever ends a turn knows of no queue
        await asyncio.sleep(0.001)
    return await take_turn(flow, *rest)


# Crews.


@instead
async def _worked_elsewhere(done: Any, *arguments: Any) -> Any:
    """Have coworkers work in a context that knows of no session."""
    work, nowhere = done(*arguments), contextvars.Context()
    if isinstance(arguments[1], ThreadDriver):
        return nowhere.run(run_unsuspended, work)
    return await asyncio.get_running_loop().create_task(work, context=nowhere)


def _begun_elsewhere(module: Any) -> Any:
    """Have tasks that work beside the others begin in a context that knows of no session."""
    return SimpleNamespace(copy_context=contextvars.Context)


@instead
def _first_alone(kickoff_for_each: Any, crew: Any, inputs: Any, *rest: Any) -> Any:
    return kickoff_for_each(crew, inputs[:1], *rest)


@instead
async def _fails_with_its_tool(failed: Any, toolbox: Any, tool: Any, name: Any, use: Any, error: Exception) -> Any:
    raise error


@instead
async def _gives_up_at_its_limit(ask: Any, execution: Any, tools: Any) -> Any:
    if tools is None and execution._toolbox.tools:
        raise IterationLimitError("at the limit")
    return await ask(execution, tools)


def _saboteur_of_crews(name: str, target: str, breaks: Callable[[Any], Any], kind: str, **also: str) -> Saboteur:
    """Return one that loses frames of one kind of crew, with the scenarios of that kind, which a sample might leave out."""
    listed = {f"order.{clause.replace('_', '-')}": reason for clause, reason in also.items()}
    return Saboteur(name, ("scope.nested",), target, breaks, listed, shown_by=(f"crew/kind/{kind}/sync",))


_OF_CREWS: Final = (
    _saboteur_of_crews(
        "coworkers-unseen",
        "harness.agents.delegation:CoworkerTool._done",
        _worked_elsewhere,
        "managed/sync-method",
        parent_closed="what is not shown has no parent",
    ),
    _saboteur_of_crews("async-tasks-unseen", "harness.agents.driver:contextvars", _begun_elsewhere, "side-by-side"),
    _saboteur_of_crews(
        "first-of-each-alone", "harness.crews.crew:Crew.kickoff_for_each", _first_alone, "for-each/sync-method"
    ),
    _saboteur_of_crews(
        "guardrails-unseen", "harness.agents.guardrail:Step", called_with(quiet=True), "refused/sync-method"
    ),
    _saboteur_of_crews(
        "failed-tools-fail-their-agents",
        "harness.agents.toolbox:Toolbox._fail",
        _fails_with_its_tool,
        "failing-tool/sync-method",
    ),
    _saboteur_of_crews(
        "limits-fail-their-agents",
        "harness.agents.execution:Execution._ask",
        _gives_up_at_its_limit,
        "at-its-limit/sync-method",
    ),
)


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur(
        "heard-by-all",
        ("scope.isolated",),
        _BASE,
        _heard_by_all,
        {
            "scope.worker-threads": "two sessions with one source hear each other",
            "order.previous-earlier": "links lead to frames of the other session",
        },
    ),
    Saboteur(
        "heard-by-itself",
        ("scope.nested",),
        _BASE,
        _heard_by_itself,
        {"scope.captures-llm": "a flow lacks the tokens of a crew that it reads as a stream"},
    ),
    Saboteur("threads-are-nobodys", ("scope.worker-threads",), _OF_THREAD, _threads_are_nobodys),
    Saboteur("strays-unwarned", ("scope.worker-threads",), _OF_THREAD, _unwarned),
    Saboteur("awaited-emits-unpublished", ("scope.aemit",), "harness.bus.bus:EventBus.aemit", _unpublished),
    Saboteur(
        "asked-whole",
        ("scope.captures-llm",),
        "harness.llm.base:current_run",
        gives(None),
        {
            "scope.nested": "an outer session lacks the tokens of the calls inside",
            "entry.crew": "a streamed crew has no chunks",
            "entry.flag-restored": "and is over before its flag can be looked at",
            "scope.isolated": "two of them show nothing of their own",
        },
    ),
    Saboteur("turns-side-by-side", ("scope.concurrent-turns",), _OPENED, _side_by_side),
    Saboteur(
        "turns-one-after-the-other",
        ("scope.concurrent-turns",),
        "harness.flow.conversation.conversational:take_turn",
        _queued,
    ),
    *_OF_CREWS,
)
