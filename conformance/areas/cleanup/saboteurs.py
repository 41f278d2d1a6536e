"""Saboteurs of the clauses `cleanup.*`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final

from conformance.proof.frames import ACCEPT
from conformance.proof.saboteur import Saboteurs, constant, making, reading, replacing
from harness import ProviderError, RunCancelled

SABOTEURS: Final = Saboteurs()

_CLOSE: Final = "harness.session.core:SessionCore.close"
_LEAVE: Final = "harness.session.session:StreamSession.__exit__"
#: Longer than a scenario waits for closing to come back, and short enough for the rest of it to go on.
_LONG_S: Final = 3.0
_KEPT: Final[list[Any]] = []
_UNBEGUN: Final[dict[int, Any]] = {}


@SABOTEURS.row("cleanup.close-prompt", _CLOSE, {"cleanup.idempotent": "closing again waits for the run, too"})
def close_joins_the_run(close: Any, session: Any) -> None:
    close(session)
    for thread in threading.enumerate():
        if thread.name.startswith("harness-") and thread is not threading.current_thread():
            thread.join(_LONG_S)


@SABOTEURS.row("cleanup.close-prompt", "harness.session.session:threading", by=making)
def run_keeps_the_interpreter(module: Any) -> Any:
    class Thread(threading.Thread):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "daemon": False})

    return SimpleNamespace(**{**vars(module), "Thread": Thread})


@SABOTEURS.row(
    "cleanup.work-stops", "harness.bus.bus:emit", {"cleanup.async-cancel": "a sync method of an async run goes on, too"}
)
def emits_go_on(emit: Any, source: Any, event: Any) -> None:
    with suppress(RunCancelled):
        emit(source, event)


@SABOTEURS.row(
    "cleanup.no-late-frames",
    "harness.session.core:SessionCore.frames",
    {"entry.crew": "the chunks of a crew are those of its frames"},
    by=reading,
)
def one_more_later(frames: Callable[[Any], Any], session: Any) -> Any:
    known = frames(session)
    if not session.is_cancelled or session.__dict__.get("_looked_at"):
        return known
    session.__dict__["_looked_at"] = True
    return known[:-1]


@SABOTEURS.row(
    "cleanup.work-stops", "harness.session.production:Run", by=making, at="close/nested-provider-head/close/sync"
)
def inner_runs_go_on(run: Any) -> Any:
    class GoingOn(run):  # type: ignore[misc]
        def __init__(self, parent: Any = None) -> None:
            super().__init__(None)
            self._is_inner = parent is not None

        def cancel(self) -> None:
            # A session that nobody holds any more is closed as well, which may come before anybody looks.
            if not self._is_inner:
                super().cancel()

    return GoingOn


@SABOTEURS.row("cleanup.idempotent", _CLOSE)
def closes_only_once(close: Any, session: Any) -> None:
    if session.is_cancelled:
        raise RuntimeError("the session is closed")
    close(session)


SABOTEURS.add(
    "blocks-close-nothing",
    "cleanup.context-exit",
    _LEAVE,
    constant(None),
    {
        "cleanup.work-stops": "the run of a session whose block was left goes on",
        "cleanup.no-late-frames": "and its frames are appended",
        "cleanup.close-before-start": "a session whose unused block was left can be read",
    },
)


@SABOTEURS.row("cleanup.context-exit", _LEAVE, at="close/blocks/sync")
def blocks_unread(leave: Any, session: Any, *failure: Any) -> None:
    leave(session, *failure)
    unread = {"is_exhausted": property(lambda left: False), "is_cancelled": property(lambda left: True)}
    session.__class__ = type("Left", (type(session),), unread)


SABOTEURS.add(
    "blocks-of-nothing",
    "cleanup.context-exit",
    "harness.session.session:StreamSession.__enter__",
    constant(None),
    at="close/blocks/sync",
)


@SABOTEURS.row("cleanup.context-exit", _LEAVE, at="close/blocks/sync")
def blocks_swallow_errors(leave: Any, session: Any, *failure: Any) -> bool:
    leave(session, *failure)
    return True


SABOTEURS.add(
    "cancelled-consumers-read-on",
    "cleanup.async-cancel",
    "harness.session.session:AsyncStreamSession._has_other_readers",
    constant(True),
    {
        "cleanup.no-late-frames": "the run goes on when its consumer has gone, and its frames are appended",
        "cleanup.work-stops": "to its end, and so do its connections",
        "cleanup.no-leaks": "its task stays in the loop",
    },
)


@SABOTEURS.row("cleanup.async-cancel", "harness.session.session:AsyncFrameIterator.__anext__")
async def cancelled_consumers_see_an_end(anext_of: Any, view: Any) -> Any:
    task = asyncio.current_task()
    try:
        return await anext_of(view)
    except asyncio.CancelledError:
        if task is None or not task.cancelling():
            raise
        raise StopAsyncIteration from None


@SABOTEURS.row("cleanup.no-leaks", "harness.session.session:AsyncStreamSession._launch", at="left-behind/read/async")
def heartbeats_go_on(launch: Any, session: Any, *rest: Any) -> None:
    """Beside the run, start a task that ends where the session is closed, and not where it is read to its end."""
    launch(session, *rest)
    loop = asyncio.get_running_loop()
    beat = loop.create_task(asyncio.sleep(3600), name="heartbeat")
    session._production.run.on_cancel(lambda: loop.call_soon_threadsafe(beat.cancel))


@SABOTEURS.row("cleanup.no-leaks", "harness.session.session:StreamSession._launch", at="left-behind/failed/sync")
def loops_stay_open(launch: Any, *rest: Any) -> None:
    """Beside each run, make a loop that nobody closes."""
    _KEPT.append(asyncio.new_event_loop())
    launch(*rest)


@SABOTEURS.row("cleanup.no-leaks", "harness.session.production:Production.failed", at="left-behind/cut-call/sync")
def last_error_kept(failed: Any, production: Any, error: BaseException) -> None:
    failed(production, error)
    if isinstance(error, ProviderError):
        type(production).last_error = error


@SABOTEURS.row("cleanup.no-leaks", "harness.bus.attribution:forget")
def remembered_for_ever(forget: Any, base: Any) -> None:
    base.is_open = False


SABOTEURS.add(
    "connections-outlive-their-runs",
    "cleanup.work-stops",
    "harness.llm.connections:_shut_down",
    constant(None),
    at="close/provider-head/close/sync close/crew/close/sync close/call-head/close/sync",
)


@SABOTEURS.row("cleanup.work-stops", "harness.llm.base:run_tool", at="close/tool/close/sync")
def tools_begin_all_the_same(run_tool: Any, call: Any, functions: Any, *rest: Any) -> Any:
    """Run the tools of a call to the last, whether or not it has been closed meanwhile."""
    try:
        return run_tool(call, functions, *rest)
    except RunCancelled:
        return functions[call.name](**call.parsed_arguments())


@SABOTEURS.row("cleanup.no-leaks", "harness.session.look_ahead:FrameLimit._wake", at="left-behind/look-ahead/sync")
def emitters_wait_for_ever(wake: Any, limit: Any) -> None:
    """Wake those who wait for a reader where one has read, and not where the session is closed."""
    if not limit._run.cancelled:
        wake(limit)


@SABOTEURS.row("cleanup.no-leaks", "harness.llm.base:run_tool", at="left-behind/busy/sync")
def tools_watched_for_ever(run_tool: Any, *arguments: Any) -> Any:
    threading.Thread(target=threading.Event().wait, name="watchdog", daemon=True).start()
    return run_tool(*arguments)


@SABOTEURS.row("cleanup.close-before-start", _CLOSE, at="close/before-start*/sync")
def runs_what_never_began(close: Any, session: Any) -> None:
    body, is_new = session._body, session._timeline.state.value == "new"
    close(session)
    if is_new and hasattr(type(session), "__iter__"):
        threading.Thread(target=body, name="belated", daemon=True).start()


@SABOTEURS.row("cleanup.no-leaks", "harness.session.core:SessionCore.__init__", at="left-behind/unread/*")
def kept_until_they_begin(init: Any, session: Any, body: Any, **options: Any) -> None:
    key = id(session)
    _UNBEGUN[key] = session

    def begun(*arguments: Any) -> Any:
        _UNBEGUN.pop(key)
        return body(*arguments)

    init(session, begun, **options)


@replacing
def _keeping(sound: Any, *arguments: Any) -> Any:
    _KEPT.append(arguments)
    return sound(*arguments)


@replacing
def _keeping_of_crews(accept: Any, timeline: Any, source: Any, event: Any, scope: Any) -> None:
    if event.type.startswith("crew_"):
        _KEPT.append(event)
    accept(timeline, source, event, scope)


_TAKE_TURN: Final = "harness.flow.conversation.conversational:take_turn"
for _name, _target, _breaks, _of in (
    ("conversations-kept", _TAKE_TURN, _keeping, "turn/sync"),
    ("waiting-flows-kept", "harness.flow.feedback.hook:keep", _keeping, "waiting/sync"),
    ("events-of-crews-kept", ACCEPT, _keeping_of_crews, "crew/*"),
):
    SABOTEURS.add(_name, "cleanup.no-leaks", _target, _breaks, at=f"left-behind/{_of}")
