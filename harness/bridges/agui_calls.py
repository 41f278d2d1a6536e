"""What models said in AG-UI events that others made, as calls: the protocol has messages, and not the calls they came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from harness.bridges.texts import name_in, text_of

Event = dict[str, Any]
#: Writes a frame of a type, with a payload, in a scope, and returns its id.
Write = Callable[[str, Event, str | None], str]


class ForeignCall:
    """A call as it can be told from messages: thoughts, then a text, then tool calls, each of which there may be none of."""

    def __init__(self, call_id: str, frame: str, around: str | None) -> None:
        self.call_id = call_id
        self.frame = frame
        self.around = around
        self.texts: list[str] = []
        self.has_text = False
        self.is_open = True
        #: By id.
        self.tools: dict[str, ForeignTool] = {}


class ForeignTool:
    """A tool call, and its arguments so far."""

    def __init__(self, call: ForeignCall, name: str) -> None:
        self.call = call
        self.name = name
        self.index = len(call.tools)
        self.arguments: list[str] = []


class ForeignCalls:
    """Takes the events of messages, and writes calls. A call lasts until something comes that a call can't hold."""

    def __init__(self, write: Write, place: Callable[[str | None], str | None]) -> None:
        """Write by `write`; `place` names the innermost scope that is open for a subagent, or for none."""
        self._write = write
        self._place = place
        self._open: dict[str | None, ForeignCall] = {}
        self._tools: dict[str, ForeignTool] = {}
        #: The message or tool call that an abbreviated event goes on with, by owner.
        self._current: dict[str | None, str] = {}
        self._count = 0

    def say(self, speech: str, kind: str, owner: str | None, event: Event) -> None:
        """Take the start, a piece or the end of a text, a thought or a tool call."""
        if speech == "tool":
            self._say_tool(kind, owner, event)
            return
        call = self._open.get(owner)
        begins = kind.endswith("_START")
        message = name_in(event.get("messageId"))
        if kind == "TEXT_MESSAGE_CHUNK" and message is not None and message != self._current.get(owner):
            begins = True
        if begins and call is not None and (call.tools or call.has_text):
            self.end(owner)
            call = None
        if message is not None:
            self._current[owner] = message
        if call is None and kind.endswith("_END"):
            return
        call = call or self._begin(owner)
        if speech == "text":
            call.has_text = True
        if "delta" not in event:
            return
        text = text_of(event["delta"])
        payload: Event = {"call_id": call.call_id, "chunk": text, "response_id": message}
        if speech == "thought":
            self._write("llm_thinking_chunk", payload, call.frame)
            return
        call.texts.append(text)
        self._write("llm_stream_chunk", payload | {"call_type": "llm_call"}, call.frame)

    def result(self, owner: str | None, event: Event) -> None:
        """Take what a tool returned."""
        tool = self._tools.get(text_of(event.get("toolCallId")))
        scope = self._place(owner)
        if tool is not None and tool.call.is_open:
            scope = tool.call.frame
        payload: Event = {"tool_name": tool.name if tool else "unknown", "tool_args": _arguments(tool)}
        started = self._write("tool_usage_started", payload, scope)
        self._write(
            "tool_usage_finished", payload | {"output": event.get("content"), "started_event_id": started}, scope
        )

    def end(self, owner: str | None, error: str | None = None) -> None:
        """End the call that is open, which failed if there is an error."""
        call = self._open.pop(owner, None)
        self._current.pop(owner, None)
        if call is None:
            return
        call.is_open = False
        ended: Event = {"call_id": call.call_id, "started_event_id": call.frame}
        if error is not None:
            self._write("llm_call_failed", ended | {"error": error}, call.around)
            return
        text = "".join(call.texts)
        if call.tools:
            calls = [
                {"id": name, "type": "function", "function": {"name": tool.name, "arguments": "".join(tool.arguments)}}
                for name, tool in call.tools.items()
            ]
            ended |= {"call_type": "tool_call", "response": calls, "text": text or None}
        else:
            ended |= {"call_type": "llm_call", "response": text}
        self._write("llm_call_completed", ended, call.around)

    def _say_tool(self, kind: str, owner: str | None, event: Event) -> None:
        call_id = name_in(event.get("toolCallId")) or self._current.get(owner, "")
        tool = self._tools.get(call_id)
        name = name_in(event.get("toolCallName"))
        if tool is None or (kind == "TOOL_CALL_START" and not tool.call.is_open):
            if kind == "TOOL_CALL_END":
                return
            call = self._open.get(owner) or self._begin(owner)
            tool = self._tools[call_id] = call.tools[call_id] = ForeignTool(call, name or "unknown")
        self._current[owner] = call_id
        if "delta" not in event:
            return
        delta = text_of(event["delta"])
        tool.arguments.append(delta)
        # Without the arguments so far, which whoever reads the chunks joins.
        called = {"id": call_id, "type": "function", "index": tool.index, "function": {"name": tool.name}}
        payload = {"call_id": tool.call.call_id, "chunk": delta, "call_type": "tool_call", "tool_call": called}
        self._write("llm_stream_chunk", payload, tool.call.frame)

    def _begin(self, owner: str | None) -> ForeignCall:
        self._count += 1
        call_id = f"call-{self._count}"
        around = self._place(owner)
        frame = self._write("llm_call_started", {"call_id": call_id, "model": None, "stream": True}, around)
        call = self._open[owner] = ForeignCall(call_id, frame, around)
        return call


def _arguments(tool: ForeignTool | None) -> Any:
    text = "".join(tool.arguments) if tool is not None else ""
    try:
        return orjson.loads(text or "{}")
    except ValueError:
        return text
