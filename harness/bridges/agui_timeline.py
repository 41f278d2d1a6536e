"""AG-UI events as a timeline: the frames that they carry, or, where others made them, the frames that tell the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from harness.bridges.agui import CUSTOM_PREFIX
from harness.bridges.agui_calls import ForeignCalls
from harness.bridges.scopes import EPOCH
from harness.bridges.texts import name_in, text_of
from harness.frames.channels import CHANNEL_OF, NAMED, channel_of
from harness.frames.codec import encode
from harness.frames.frame import StreamFrame
from harness.frames.stored import ENVELOPE, StoredFrames

Event = dict[str, Any]

_FIELDS: Final = frozenset({*ENVELOPE, "data"})
#: The events that are pieces of what a model says.
_SPEECH: Final = {
    "TEXT_MESSAGE_START": "text",
    "TEXT_MESSAGE_CONTENT": "text",
    "TEXT_MESSAGE_END": "text",
    "TEXT_MESSAGE_CHUNK": "text",
    "REASONING_START": "thought",
    "REASONING_MESSAGE_START": "thought",
    "REASONING_MESSAGE_CONTENT": "thought",
    "REASONING_MESSAGE_CHUNK": "thought",
    "REASONING_MESSAGE_END": "thought",
    "REASONING_END": "thought",
    "TOOL_CALL_START": "tool",
    "TOOL_CALL_ARGS": "tool",
    "TOOL_CALL_END": "tool",
    "TOOL_CALL_CHUNK": "tool",
}


def agui_frames(events: Iterable[Event]) -> list[StreamFrame]:
    """Return the timeline that AG-UI events tell of.

    From the events that `agui_events` made of frames, these frames, equal and in order. From others' a timeline of the same
    runs, steps, texts, thoughts, tool calls and subagents: a run is a flow, a step is a method, what a model says is a call,
    and each event that has no such meaning is a frame of its own type on `custom`.

    Raises:
        ValueError: an event carries what looks like a frame and is none.
    """
    events = list(events)
    carried = [event["rawEvent"] for event in events if _is_frame(event.get("rawEvent"))]
    stored = StoredFrames()
    if carried:
        try:
            return [stored.frame(frame) for frame in carried]
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"a rawEvent looks like a frame and is none: {error}") from error
    reader = _Reader()
    for event in events:
        reader.take(event)
    return [stored.frame(frame) for frame in reader.frames]


def _is_frame(value: Any) -> bool:
    """Whether a `rawEvent` is a frame, and not another runtime's event."""
    return isinstance(value, dict) and value.keys() == _FIELDS


class _Reader:
    """Takes events one by one, and writes the frames that they become."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self._moment = EPOCH
        self._thread: str | None = None
        self._run: str | None = None
        #: Owner → the names of the open steps → the frames that began them.
        self._steps: defaultdict[str | None, dict[str, str]] = defaultdict(dict)
        self._subagents: dict[str, str] = {}
        self._calls = ForeignCalls(self._write, self._place)
        #: Messages of others than the assistant, by id: their roles, and their texts so far.
        self._messages: dict[str, tuple[str, list[str]]] = {}

    def take(self, event: Event) -> None:
        """Write what one event tells."""
        timestamp = event.get("timestamp")
        if isinstance(timestamp, int):
            with suppress(OverflowError):
                self._moment = EPOCH + timedelta(milliseconds=timestamp)
        kind = event["type"]
        owner = name_in(event.get("subagentRunId"))
        if kind in _SPEECH:
            self._speech(_SPEECH[kind], kind, owner, event)
        elif not self._lifecycle(kind, owner, event):
            self._custom(kind, owner, event)

    def _speech(self, speech: str, kind: str, owner: str | None, event: Event) -> None:
        message = name_in(event.get("messageId"))
        role = name_in(event.get("role"))
        if speech == "text" and role not in (None, "assistant") and message is not None:
            self._messages[message] = role, []
        if speech == "text" and message in self._messages:
            role, texts = self._messages[message]
            texts.append(text_of(event.get("delta")))
            if kind == "TEXT_MESSAGE_END":
                payload = {"role": role, "content": "".join(texts), "session_id": self._thread}
                self._write("conversation_message_added", payload, self._place(owner))
                del self._messages[message]
            return
        self._calls.say(speech, kind, owner, event)

    def _lifecycle(self, kind: str, owner: str | None, event: Event) -> bool:
        match kind:
            case "RUN_STARTED":
                self._thread = name_in(event.get("threadId"))
                payload = {"flow_name": name_in(event.get("runId")) or "run", "inputs": event.get("input")}
                self._run = self._write("flow_started", payload, None)
            case "RUN_FINISHED" | "RUN_ERROR":
                self._ended(kind, event)
            case "STEP_STARTED":
                name = text_of(event.get("stepName"))
                self._calls.end(owner)
                self._steps[owner][name] = self._write(
                    "method_execution_started", {"method_name": name}, self._around(owner)
                )
            case "STEP_FINISHED":
                name = text_of(event.get("stepName"))
                self._calls.end(owner)
                started = self._steps[owner].pop(name, None)
                self._close("method_execution_finished", {"method_name": name}, started)
            case "SUBAGENT_STARTED" if owner is not None:
                above = self._place(name_in(event.get("parentSubagentRunId")))
                payload = {
                    "agent_role": text_of(event.get("name")),
                    "agent_id": owner,
                    "task_prompt": event.get("description"),
                }
                self._subagents[owner] = self._write("agent_execution_started", payload, above)
            case "SUBAGENT_FINISHED" | "SUBAGENT_ERROR" if owner in self._subagents:
                self._subagent_ended(kind, owner, event)
            case "TOOL_CALL_RESULT":
                self._calls.result(owner, event)
            case _:
                return False
        return True

    def _subagent_ended(self, kind: str, owner: str, event: Event) -> None:
        error = text_of(event.get("message")) if kind == "SUBAGENT_ERROR" else None
        self._close_steps(owner, error)
        if error is None:
            payload = {"output": event.get("result"), "agent_id": owner}
            self._close("agent_execution_completed", payload, self._subagents.pop(owner))
        else:
            payload = {"error": error, "error_type": event.get("code"), "agent_id": owner}
            self._close("agent_execution_error", payload, self._subagents.pop(owner))

    def _ended(self, kind: str, event: Event) -> None:
        error = text_of(event.get("message")) if kind == "RUN_ERROR" else None
        for owner in [*self._subagents, None]:
            self._close_steps(owner, error)
        self._subagents.clear()
        outcome = event.get("outcome")
        ending = outcome.get("type") if isinstance(outcome, dict) else None
        run, self._run = self._run, None
        usage = {"usage": event["usage"]} if event.get("usage") else {}
        if error is not None:
            payload = {"error": error, "error_type": event.get("code"), **usage}
            self._close("flow_failed", payload, run)
        elif ending == "interrupt":
            self._paused(outcome, run, usage)
        elif ending == "cancelled":
            # A run that was left has no last frame; that it was is told all the same.
            self._write("RUN_FINISHED", {"outcome": outcome, **usage}, run)
        else:
            self._close("flow_finished", {"result": event.get("result"), **usage}, run)

    def _paused(self, outcome: Any, run: str | None, usage: Event) -> None:
        listed = outcome.get("interrupts")
        interrupts = (
            [interrupt for interrupt in listed if isinstance(interrupt, dict)] if isinstance(listed, list) else []
        )
        for interrupt in interrupts:
            payload = {
                "request_id": interrupt.get("id"),
                "message": interrupt.get("message"),
                "metadata": interrupt.get("metadata"),
            }
            self._write("human_feedback_requested", {**payload, "method_name": text_of(interrupt.get("reason"))}, run)
        message = interrupts[0].get("message") if interrupts else None
        self._close("flow_paused", {"message": message, **usage}, run)

    def _close_steps(self, owner: str | None, error: str | None) -> None:
        self._calls.end(owner, error)
        steps = self._steps.pop(owner, {})
        if error is not None:
            for name in reversed(steps):
                self._close("method_execution_failed", {"method_name": name, "error": error}, steps[name])

    def _custom(self, kind: str, owner: str | None, event: Event) -> None:
        payload = {name: value for name, value in event.items() if name not in ("type", "timestamp")}
        name = (name_in(event.get("name")) or "").removeprefix(CUSTOM_PREFIX)
        if kind == "CUSTOM" and name and name not in CHANNEL_OF:
            kind, payload = name, {"value": event.get("value")}
        self._write(kind if kind not in CHANNEL_OF else "CUSTOM", payload, self._place(owner))

    def _around(self, owner: str | None) -> str | None:
        """Return the scope of a subagent, or of the run."""
        return self._subagents.get(owner, self._run) if owner is not None else self._run

    def _place(self, owner: str | None) -> str | None:
        """Return the innermost scope that is open there."""
        steps = self._steps[owner]
        return steps[next(reversed(steps))] if steps else self._around(owner)

    def _close(self, kind: str, payload: Event, started: str | None) -> None:
        if started is None:
            self._write(kind, payload, None)
            return
        opened = self.frames[int(started.removeprefix("f")) - 1]
        self._write(kind, payload | {"started_event_id": started}, opened["parent_id"])

    def _write(self, kind: str, payload: Event, parent: str | None) -> str:
        seq = len(self.frames) + 1
        channel = channel_of(kind)
        names = [payload.get(name) for name in NAMED]
        self.frames.append(
            {
                "id": f"f{seq}",
                "seq": seq,
                "type": kind,
                "channel": channel,
                "namespace": [channel, *[name for name in names if isinstance(name, str) and name]],
                "timestamp": self._moment,
                "parent_id": parent,
                "previous_id": f"f{seq - 1}" if seq > 1 else None,
                "data": encode(payload),
            }
        )
        return f"f{seq}"
