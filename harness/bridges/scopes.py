"""Where each frame of a timeline stands: which scopes are open, which one it opens or closes, and what that leaves open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

from harness.bridges.texts import name_in
from harness.frames.stored import FrameLike, in_utc, payload_and_envelope

Ending = Literal["finished", "failed", "paused"]

#: A kind of scope: the type that opens it, then those that close it.
_KINDS: Final = """
flow               flow_started               flow_finished flow_failed flow_paused
method             method_execution_started   method_execution_finished method_execution_failed method_execution_paused
turn               conversation_turn_started  conversation_turn_completed conversation_turn_failed
call               llm_call_started           llm_call_completed llm_call_failed
tool               tool_usage_started         tool_usage_finished tool_usage_error
crew               crew_kickoff_started       crew_kickoff_completed crew_kickoff_failed
task               task_started               task_completed task_failed
agent              agent_execution_started    agent_execution_completed agent_execution_error
checkpoint         checkpoint_started         checkpoint_completed checkpoint_failed
checkpoint_restore checkpoint_restore_started checkpoint_restore_completed checkpoint_restore_failed
checkpoint_fork    checkpoint_fork_started    checkpoint_fork_completed
guardrail          llm_guardrail_started      llm_guardrail_completed
"""
_ROWS: Final = [row.split() for row in _KINDS.strip().splitlines()]
_ENDINGS: Final[dict[str, Ending]] = {
    "finished": "finished",
    "completed": "finished",
    "failed": "failed",
    "error": "failed",
    "paused": "paused",
}
#: The kind of scope that a type opens.
OPENS: Mapping[str, str] = MappingProxyType({opener: kind for kind, opener, *_ in _ROWS})
#: How the scope ends that a type closes.
CLOSES: Mapping[str, Ending] = MappingProxyType(
    {closer: _ENDINGS[closer.rpartition("_")[2]] for _, _, *closers in _ROWS for closer in closers}
)
#: What may be a run of its own, at the top of a timeline.
RUN_KINDS: Final = frozenset({"flow", "turn", "call", "tool", "crew", "task", "agent"})
#: Kind of scope → the payload field that names it. What belongs to an agent or a task names these, too.
_NAMES: Final = {
    "flow": "flow_name",
    "turn": "flow_name",
    "method": "method_name",
    "call": "model",
    "tool": "tool_name",
    "crew": "crew_name",
    "task": "task_name",
    "agent": "agent_role",
}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: How many frames of users' own events are kept in mind.
_MOST_POSSIBLE: Final = 1_000
#: Links between frames, which tell a reader of another protocol nothing, and what a model was given, which is none of a page's
#: business, and most of a call's size.
_LEFT_OUT: Final = frozenset(
    [
        "started_event_id",
        "triggered_by_event_id",
        "source_fingerprint",
        "source_type",
        "messages",
        "tools",
        "callbacks",
        "available_functions",
        "from_task",
        "from_agent",
    ]
)


class PlacedScope:
    """A scope that is open, or was: the frame that opened it, and the scope around that."""

    __slots__ = ("frame", "given_name", "id", "inner", "kind", "name", "number", "parent")

    def __init__(self, frame: PlacedFrame, kind: str, parent: PlacedScope | None, number: int = 0) -> None:
        self.frame = frame
        #: What is open directly inside of it.
        self.inner: set[PlacedScope] = set()
        #: Counts scopes in the order in which they open.
        self.number = number
        #: Unique in all sessions of a timeline.
        self.id = frame.unique_id
        self.kind = kind
        self.parent = parent
        self.given_name = name_in(frame.payload.get(_NAMES.get(kind, "")))
        #: The kind, where it has none.
        self.name = self.given_name or kind

    @property
    def is_run(self) -> bool:
        """Whether it is a run of its own: of a kind that may be one, at the top of the timeline."""
        return self.parent is None and self.kind in RUN_KINDS

    def outward(self) -> Iterator[PlacedScope]:
        """Yield this scope and those around it, from the inside."""
        scope: PlacedScope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent


class PlacedFrame(NamedTuple):
    """A frame's fields that translators read, and its place."""

    frame: FrameLike
    id: str
    #: The id, or, from the second session of a timeline on, where ids may come again, one that is made of it.
    unique_id: str
    type: str
    #: In UTC; sessions of one timeline follow each other.
    moment: datetime
    #: As files hold it: without a tool-call chunk's cumulative arguments.
    payload: Mapping[str, Any]
    #: The open scope around it; for a frame that closes one, the one around that.
    scope: PlacedScope | None
    #: Whether another session's frames begin here, as in the recording of a conversation.
    begins: bool

    @property
    def is_chunk(self) -> bool:
        """Whether it is a piece of what a model says or thinks."""
        return self.type in ("llm_stream_chunk", "llm_thinking_chunk")

    @property
    def microseconds(self) -> int:
        """The time in microseconds since 1970."""
        return (self.moment - EPOCH) // _MICROSECOND

    def details(self) -> dict[str, Any]:
        """Return what the payload tells: the values that are there, but for links and what a model was given."""
        return {name: value for name, value in self.payload.items() if value is not None and name not in _LEFT_OUT}


class FrameStep(NamedTuple):
    """What one frame does to the scopes that are open."""

    frame: PlacedFrame
    opened: PlacedScope | None = None
    closed: PlacedScope | None = None
    ending: Ending | None = None
    #: What was open in the scope that it closes, innermost first: it is closed with it.
    left: tuple[PlacedScope, ...] = ()


class OpenScopes:
    """Takes the frames of a timeline in order, and tells the place of each.

    Total: a scope that is opened twice, closed and never opened, or lies in one that is not there, has a place, too.
    """

    def __init__(self) -> None:
        self._open: dict[str, PlacedScope] = {}
        #: Frames of users' own events: which of them open scopes shows when something comes in one.
        self._possible: dict[str, PlacedScope] = {}
        self._sessions = 0
        self._opened = 0
        self._latest = EPOCH
        self._shift = timedelta()

    def take(self, frame: FrameLike) -> FrameStep:
        """Return what the next frame does."""
        payload, fields = payload_and_envelope(frame)
        begins = fields["seq"] == 1 and self._sessions > 0
        if begins:
            self._open.clear()
            self._possible.clear()
        if begins or not self._sessions:
            self._sessions += 1
        moment = in_utc(fields["timestamp"])
        if begins and moment < self._latest:
            # A recording counts the time of each session anew.
            self._shift = self._latest - moment
        moment = self._latest = _later(moment, self._shift)
        frame_id, kind = fields["id"], fields["type"]
        closed = self._closed(payload, kind)
        placed = PlacedFrame(
            frame,
            frame_id,
            frame_id if self._sessions == 1 else f"{frame_id}~{self._sessions}",
            kind,
            moment,
            payload,
            self._around(fields["parent_id"]) if closed is None else closed.parent,
            begins,
        )
        if closed is not None:
            left = self._inside(closed)
            for scope in (*left, closed):
                self._open.pop(scope.frame.id, None)
            if closed.parent is not None:
                closed.parent.inner.discard(closed)
            return FrameStep(placed, closed=closed, ending=CLOSES.get(kind, "finished"), left=left)
        opens = OPENS.get(kind)
        if opens is not None and frame_id not in self._open:
            self._opened += 1
            opened = self._open[frame_id] = PlacedScope(placed, opens, placed.scope, self._opened)
            if opened.parent is not None:
                opened.parent.inner.add(opened)
            return FrameStep(placed, opened=opened)
        if opens is None and fields["channel"] == "custom":
            self._possible[frame_id] = PlacedScope(placed, "custom", placed.scope)
            if len(self._possible) > _MOST_POSSIBLE:
                del self._possible[next(iter(self._possible))]
        return FrameStep(placed)

    def still_open(self) -> list[PlacedScope]:
        """Return the open scopes, innermost first."""
        return list(reversed(self._open.values()))

    def _around(self, parent: str | None) -> PlacedScope | None:
        if parent is None:
            return None
        scope = self._open.get(parent) or self._possible.get(parent)
        # A user's scope is seen through: protocols have no word for it, and what is around it holds inside, too.
        return scope.parent if scope is not None and scope.kind == "custom" else scope

    def _closed(self, payload: Mapping[str, Any], kind: str) -> PlacedScope | None:
        started = payload.get("started_event_id")
        return self._open.get(started) if kind in CLOSES and isinstance(started, str) else None

    def _inside(self, closed: PlacedScope) -> tuple[PlacedScope, ...]:
        if not closed.inner:
            return ()
        found: list[PlacedScope] = []
        waiting = [closed]
        while waiting:
            inner = waiting.pop().inner
            found += inner
            waiting += inner
        return tuple(sorted(found, key=lambda scope: -scope.number))


def _later(moment: datetime, shift: timedelta) -> datetime:
    try:
        return moment + shift
    except OverflowError:
        return moment
