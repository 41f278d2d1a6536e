"""Where an event belongs: the run that may be cancelled, the scope that is open, the sinks that listen.

One context variable holds the innermost `Scope`. Tasks and copied contexts inherit it; a plain thread does not, and is
found by its event's source instead (clause `scope.worker-threads`).
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from harness.blocks import block
from harness.bus.running_loop import is_loop_running, running_loop
from harness.fork import after_fork, freed_by_fork

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from concurrent.futures import Future

    from harness.bus.unseen import Unseen
    from harness.events import BaseEvent

_NO_GATE: Final = nullcontext()


def _new_gate() -> Any:
    return freed_by_fork(threading.RLock())


def _leave_runs() -> None:
    """Take a forked process out of the runs around, whose readers and loops are its parent's alone."""
    outside = current.get()
    while outside.run is not ROOT.run:
        outside = outside.parent or ROOT
    enter(outside)


after_fork(_leave_runs)


class Sink(Protocol):
    """What takes part in every emit of a context: a session's timeline, or a function that a user added."""

    #: Whether there must be every event; else those of steps need not be made for it, see `harness.bus.unseen`.
    sees_all: bool
    #: Whether scopes open and close in it in one step with the tree of scopes. It is told while the tree is locked, and
    #: must neither wait nor call anybody who does.
    keeps_order: bool

    def accept(self, source: Any, event: BaseEvent, scope: Scope) -> None:
        """Take one event. `scope` is the open one around it, or, no longer open, the one that the event closes."""


class OrderedSink(Sink, Protocol):
    """A sink that keeps order."""

    def prepare(self, event: BaseEvent) -> None:
        """Make of an event that is about to be published, with the tree unlocked, what may run code of the user's."""


class LookAhead(Protocol):
    """What makes emitters wait while a reader is behind (clause `session.backpressure`)."""

    @property
    def loop(self) -> AbstractEventLoop | None:
        """The loop in which its reader works; None where that is a thread."""

    def take(self) -> None:
        """Reserve room for one event; blocks the calling thread until there is some, unless a loop runs in it."""

    def settle(self) -> None:
        """Give the reservation back: the event is in the timeline, or will not come."""

    async def room(self) -> None:
        """Wait until there is room for one event."""


class Limits(tuple[LookAhead, ...]):
    """The look-ahead limits of all sessions around; a with-block keeps room for one event in each of them.

    So that an event may be emitted with a lock held that others wait for. In a loop nothing waits; see `harness.bus.bus.room`.
    """

    __slots__ = ()

    def take(self) -> None:
        """Reserve room for one event in all: of the innermost first, which ends with those around where one of them is closed."""
        for limit in self:
            limit.take()

    def settle(self, *_: object) -> None:
        """Give the reservations back."""
        for limit in self:
            limit.settle()

    __enter__ = take
    __exit__ = settle


NO_LIMITS: Final = Limits()


class Run:
    """A piece of work that can be cancelled, and what is to be done when it is."""

    __slots__ = ("_callbacks", "_detach", "_lock", "cancelled")

    def __init__(self, parent: Run | None = None) -> None:
        #: True from the moment of cancelling on; every emit of a cancelled run raises `RunCancelled`.
        self.cancelled = False
        # Reentrant, as all locks that a closing session takes: a collected session closes itself wherever the garbage
        # collector happens to run, which may be inside one of these locks.
        self._callbacks: dict[int, Callable[[], None]] = {}
        self._lock = threading.RLock()
        self._detach = parent.on_cancel(self.cancel) if parent is not None else _nothing

    def on_cancel(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called when the run is cancelled, at once if it is; return what takes that back.

        Callbacks run in the thread that cancels, must not block, and may come while their owner is still at work.
        """
        with self._lock:
            if not self.cancelled:
                self._callbacks[id(callback)] = callback
                return lambda: self._forget(callback)
        callback()
        return _nothing

    def _forget(self, callback: Callable[[], None]) -> None:
        with self._lock:
            self._callbacks.pop(id(callback), None)

    def cancel(self) -> None:
        """Cancel this run and all below it. Returns at once; may be called from any thread, any number of times."""
        with self._lock:
            self.cancelled = True
            callbacks, self._callbacks = self._callbacks, {}
        for callback in callbacks.values():
            callback()

    def end(self) -> None:
        """Let go of the parent and of all callbacks: the work is over."""
        self._detach()
        # It refers to this run.
        self._detach = _nothing
        with self._lock:
            self._callbacks.clear()


def _nothing() -> None:
    return None


class Scope:
    """An open scope: what a started event opened, or the base on which a session or an added sink stands.

    `event_id` is the id that events emitted here carry as their parent.
    """

    __slots__ = (
        "abandon",
        "children",
        "event_id",
        "gate",
        "handled",
        "holder",
        "is_open",
        "kind",
        "label",
        "lookahead",
        "outside",
        "owned",
        "parent",
        "run",
        "sink",
        "sinks",
        "source",
    )

    def __init__(
        self,
        kind: str,
        event_id: str | None,
        parent: Scope | None,
        run: Run,
        sinks: tuple[Sink, ...],
        lookahead: Limits = NO_LIMITS,
    ) -> None:
        self.kind = kind
        self.event_id = event_id
        self.parent = parent
        self.run = run
        self.sinks = sinks
        self.lookahead = lookahead
        #: Held while a scope of this tree opens or closes, so that none does in one that is closing. The root, which
        #: ends never, has none.
        self.gate: Any = _NO_GATE if parent is None else parent.gate if parent.parent is not None else _new_gate()
        self.is_open = True
        #: Opened by the runtime itself, which will close it whatever happens.
        self.owned = False
        #: The sink whose base this is, for the base scope of a session.
        self.sink: Sink | None = None
        #: The open scopes that end with this one at the latest, in the order of their opening; see `hold`.
        self.children: dict[Scope, None] = {}
        #: The scope that has this one among its children.
        self.holder: Scope | None = None
        #: What its context stood in before it was opened: of a thread that is known by its source, not what is around it.
        self.outside: Scope | None = None
        #: Who opened it, and the event that closes it when the one around it closes first, from an explanation.
        self.source: Any = None
        self.abandon: Callable[[str], BaseEvent | Unseen | None] | None = None
        #: What this scope is called in a path, as in a flow's or a method's name.
        self.label = ""
        #: What is done once all handlers of the event that opened it are, or, later, of the one that closed it.
        self.handled: Future[None] | None = None

    def hold(self) -> None:
        """Have this scope end with the nearest one around that ends what is left in it: the runtime's, or a session's.

        Scopes that users opened, and those of sinks, end nothing. Called with the gate held.
        """
        holder = self.parent
        while holder is not None and not (holder.is_open and (holder.owned or holder.sink is not None)):
            holder = holder.parent
        if holder is not None:
            self.holder = holder
            holder.children[self] = None

    def let_go(self) -> None:
        """Take back what `hold` did."""
        if self.holder is not None:
            self.holder.children.pop(self, None)


ROOT = Scope("", None, None, Run(), ())
freed_by_fork(ROOT.run._lock)
current: contextvars.ContextVar[Scope] = contextvars.ContextVar("harness_scope", default=ROOT)
#: The id of the event emitted last in this line of execution.
previous_id: contextvars.ContextVar[int | str | None] = contextvars.ContextVar("harness_previous", default=None)
#: The thread that the work of this context comes from, where another one does it.
origin: contextvars.ContextVar[threading.Thread] = contextvars.ContextVar("harness_origin")


def current_scope() -> Scope:
    """Return the innermost open scope of this context; the root where there is none.

    A closed scope whose work has been cancelled is not passed over: what still runs in it is to stop, not to go on in
    the scope around.
    """
    return open_from(current.get())


def open_from(scope: Scope) -> Scope:
    """Return `scope` where it is open, or the nearest one around it that is; see `current_scope`."""
    while not scope.is_open and scope.parent is not None and not scope.run.cancelled:
        scope = scope.parent
    return scope


def enter(scope: Scope) -> contextvars.Token[Scope]:
    """Make `scope` the current one of this context."""
    return current.set(scope)


def placed_context() -> contextvars.Context:
    """Return a copy of this context that says, in whatever thread, which one its work comes from."""
    context = contextvars.copy_context()
    if origin not in context:
        context.run(origin.set, threading.current_thread())
    return context


def pass_readers_here() -> None:
    """Have what follows in this context wait for no reader in the loop that runs here: that is going to wait for it, blocked."""
    if not is_loop_running():
        return
    around, loop = current_scope(), running_loop()
    lookahead = Limits(limit for limit in around.lookahead if limit.loop is not loop)
    if lookahead != around.lookahead:
        enter(Scope("blocking", around.event_id, around, around.run, around.sinks, lookahead))


def reset(token: contextvars.Token[Scope]) -> None:
    """Take back what `enter` did."""
    current.reset(token)


def begin(scope: Scope) -> None:
    """Make a new scope the current one of the context that opens it."""
    outside = current.get()
    while not outside.is_open and outside.outside is not None:
        # Another context has closed it, and would be kept by all that begin after it.
        outside = outside.outside
    scope.outside = outside
    current.set(scope)


def leave(scope: Scope) -> None:
    """Have the context that opened a scope stand where it did before, unless it stands in another one by now."""
    if current.get() is scope and scope.outside is not None:
        current.set(scope.outside)


def leave_source() -> None:
    """Have a thread that stands in a session by its source alone stand outside of it again, as a pool's does for other work."""
    scope: Scope | None = current.get()
    while scope is not None and scope.parent is not None:
        outside = scope.outside
        if outside is not None and without_sinks(outside) is ROOT and without_sinks(scope.parent) is not ROOT:
            current.set(outside)
        scope = scope.parent


def current_run() -> Run | None:
    """Return the run that this context works for, or None outside of any."""
    run = current_scope().run
    return None if run is ROOT.run else run


@block
def on_cancel(callback: Callable[[], None]) -> Generator[None]:
    """Have `callback` called where the current run is cancelled while the block lasts, or has been; see `Run.on_cancel`."""
    run = current_run()
    detach = _nothing if run is None else run.on_cancel(callback)
    try:
        yield
    finally:
        detach()


def current_path() -> tuple[str, ...]:
    """Return the names of the open scopes around this context, outermost first, as in `("PlanFlow", "outline")`."""
    scope: Scope | None = current_scope()
    names: list[str] = []
    while scope is not None:
        if scope.label:
            names.append(scope.label)
        scope = scope.parent
    return tuple(reversed(names))


def numbered(label: str, number: int) -> str:
    """Return what to call a scope, which is told apart from those of that name before it: they may be open together."""
    return label if number == 1 else f"{label} {number}"


def session_scope(sink: Sink, run: Run, lookahead: Iterable[LookAhead]) -> Scope:
    """Return a base scope for a session that starts in this context.

    Its events reach the sinks around it too: an outer session sees what an inner one does (clause `scope.nested`).
    """
    around = current_scope()
    # Who waits for room in an inner session, which may be left half-read, must not hold room in those around meanwhile.
    base = Scope(
        "session", around.event_id, around, run, (*around.sinks, sink), Limits((*lookahead, *around.lookahead))
    )
    base.sink = sink
    with base.gate:
        base.hold()
    return base


def sink_scope(*sinks: Sink, around: Scope | None = None) -> Scope:
    """Return a scope like the current one, or the one `around`, with more sinks."""
    around = around or current_scope()
    return Scope("sink", around.event_id, around, around.run, (*around.sinks, *sinks), around.lookahead)


def without_sinks(scope: Scope) -> Scope:
    """Return the scope to which `sink_scope` has added, which knows whether this context is placed anywhere."""
    while scope.kind == "sink" and scope.parent is not None:
        scope = scope.parent
    return scope
