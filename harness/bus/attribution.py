"""Which open session a source belongs to, for threads whose context tells nothing (clause `scope.worker-threads`)."""

from __future__ import annotations

import threading
import warnings
from typing import Any

from harness.bus.scope import ROOT, Scope

_lock = threading.RLock()
#: id of a source → the source, and the base scopes of the open sessions that have it. The source is held, so that its
#: id stays its own while a session is open; `forget` lets go of both.
_by_source: dict[int, tuple[Any, list[Scope]]] = {}


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


def forget(base: Scope) -> None:
    """Drop every source of the session that stands on `base`, which has ended, or whose run has been cancelled."""
    with _lock:
        for key, (_, bases) in list(_by_source.items()):
            if base in bases:
                bases.remove(base)
            if not bases:
                del _by_source[key]


def scope_of_thread(source: Any, *, opens: bool = False) -> Scope:
    """Return the scope for an event that `source` emits in a thread without context; the root where that is unclear.

    The event belongs to the outermost scope still open in the one session that has the source, as a method's parent is
    its flow. One that `opens` a scope is unclear: an LLM or a flow that several use may have been called by any of them,
    and a call that was another session's would show its words there, and end with it (clause `scope.isolated`).
    """
    if not _by_source:
        return ROOT
    with _lock:
        _, bases = _by_source.get(id(source), (None, []))
        candidates = list(bases)
    if len(candidates) == 1 and not opens:
        base = candidates[0]
        # Copied in one step: the run may be opening and closing scopes in its own thread.
        return next(iter(list(base.children)), base)
    if (candidates and not opens) or threading.current_thread() is not threading.main_thread():
        count = len(candidates)
        sessions = f"{count or 'no'} open session{'' if count < 2 else 's'}"
        warnings.warn(
            f"an event of {type(source).__name__} came from thread {threading.current_thread().name!r}, which has no "
            f"context, and {sessions} could be meant: no session gets it. Start such threads with "
            "contextvars.copy_context().run, or use asyncio.to_thread",
            UnattributedEventWarning,
            stacklevel=5,
        )
    return ROOT
