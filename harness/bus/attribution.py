"""Which open session a source belongs to, for threads whose context tells nothing (clause `scope.worker-threads`)."""

from __future__ import annotations

import contextvars
import threading
import warnings
import weakref
from typing import Any, Final

from harness.bus.scope import ROOT, Scope, Sink, current, origin, previous_id, without_sinks
from harness.fork import after_fork, freed_by_fork

_lock: Any = freed_by_fork(threading.RLock())
#: The kinds of scope that are runs of their own, in which none of the same source begins.
_RUNS: Final = frozenset({"flow", "crew", "agent"})
#: id of a source → the source, and the base scopes of the open sessions that have it. The source is held, so that its
#: id stays its own while a session is open; `forget` lets go of both.
_by_source: dict[int, tuple[Any, list[Scope]]] = {}
#: By the base scope of an open session, the threads that were there before its run: none of them is one that this started.
_before: dict[Scope, list[threading.Thread]] = {}
#: The timeline of the session that got the last event of this context, if any did.
_placed_in: contextvars.ContextVar[weakref.ref[Sink] | None] = contextvars.ContextVar("harness_placed", default=None)


def _forget_all() -> None:
    _by_source.clear()
    _before.clear()


# The open sessions are those of the parent.
after_fork(_forget_all)


class UnattributedEventWarning(UserWarning):
    """An event came from a thread that belongs to no session, or to several, and was given to none."""


def remember(source: Any, scope: Scope) -> None:
    """Note that `source` has opened a scope in the session around `scope`. None is nobody's source."""
    if source is None:
        return
    base: Scope | None = scope
    while base is not None and base.sink is None:
        base = base.parent
    if base is None:
        return
    with _lock:
        if not base.is_open or base.run.cancelled:
            return
        _, bases = _by_source.setdefault(id(source), (source, []))
        if base not in bases:
            bases.append(base)
            if base not in _before:
                _before[base] = threading.enumerate()


def forget(base: Scope) -> None:
    """Drop every source of the session that stands on `base`, which has ended, or whose run has been cancelled."""
    with _lock:
        for key, (_, bases) in list(_by_source.items()):
            if base in bases:
                bases.remove(base)
            if not bases:
                del _by_source[key]
        _before.pop(base, None)


def scope_of_thread(source: Any, *, opens: str | None = None) -> Scope:
    """Return the scope for an event that `source` emits in a thread without context; the root where that is unclear.

    The event belongs to the outermost scope still open in the one session that has the source, as a method's parent is
    its flow. One that `opens` a scope of some kind belongs to no session whose run can't have started the thread: whoever
    shares an LLM or a flow may begin a call of his own, which would show its words there, and end with it (clause
    `scope.isolated`). Nor does a run of the very flow, crew or agent that the session runs: somebody else has begun it.
    """
    if not _by_source:
        return ROOT
    # Where a thread of ours does the work, the one that it comes from.
    thread, is_placed = origin.get(threading.current_thread()), without_sinks(current.get()) is not ROOT
    with _lock:
        _, bases = _by_source.get(id(source), (None, []))
        candidates = [
            base
            for base in bases
            if opens is None or not (is_placed or thread in _before[base] or _begins_anew(base, source, opens))
        ]
    if len(candidates) == 1:
        base = candidates[0]
        _place_in(base.sink)
        # Copied in one step: the run may be opening and closing scopes in its own thread.
        return next(iter(list(base.children)), base)
    _place_in(None)
    if candidates or thread is not threading.main_thread():
        sessions = f"{len(candidates)} open sessions" if candidates else "no open session"
        warnings.warn(
            f"an event of {type(source).__name__} came from thread {thread.name!r}, which has no "
            f"context, and {sessions} could be meant: no session gets it. Start such threads with "
            "contextvars.copy_context().run, or use asyncio.to_thread",
            UnattributedEventWarning,
            stacklevel=5,
        )
    return ROOT


def _place_in(timeline: Sink | None) -> None:
    """Let go of the event before, which another session or none has got (clause `order.previous-earlier`)."""
    last = _placed_in.get()
    if timeline is not (None if last is None else last()):
        previous_id.set(None)
        _placed_in.set(None if timeline is None else weakref.ref(timeline))


def _begins_anew(base: Scope, source: Any, kind: str) -> bool:
    """Whether what the session on `base` runs just now would begin once more, inside of itself."""
    return kind in _RUNS and any(scope.source is source and scope.kind == kind for scope in list(base.children))
