"""What models say, in pieces that most protocols have in common: texts, thoughts and tool calls, each with its start and end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import orjson

from harness.bridges.scopes import FrameStep, PlacedFrame, PlacedScope
from harness.bridges.texts import json_text, name_in, text_of

#: How many calls of one tool are kept in mind that nobody has run.
_MOST_WAITING: Final = 1_000
#: How a tool is called whose name never came.
_NAMELESS: Final = "unknown"


class Piece(NamedTuple):
    """A start, a delta or an end. Ids are unique in all that one `Speech` gives; each delta stands between its two, and adds."""

    kind: Literal["text", "thought", "tool"]
    part: Literal["start", "delta", "end"]
    id: str
    #: Of a delta: what it adds; of the end of a tool call: all of its arguments.
    text: str = ""
    #: Of a tool call.
    name: str = ""
    #: The call to the model, as a scope, where that is known.
    scope: PlacedScope | None = None


class CalledTool:
    """A tool call of a model, and what has been said of it."""

    def __init__(self, id: str, scope: PlacedScope | None) -> None:  # noqa: A002  (what it is)
        self.id = id
        self.scope = scope
        self.name = ""
        self.arguments: list[str] = []
        self.started = False
        self.ended = False

    def add(self, name: str | None, delta: str) -> Iterator[Piece]:
        """Take one fragment. Nothing is said of a call before its name has come."""
        self.name = self.name or name or ""
        if delta:
            self.arguments.append(delta)
        if not self.name:
            return
        if not self.started:
            yield from self._start()
        elif delta:
            yield Piece("tool", "delta", self.id, delta, self.name, self.scope)

    def end(self) -> Iterator[Piece]:
        """Say that all of its arguments are there."""
        if self.ended:
            return
        if not self.started:
            self.name = self.name or _NAMELESS
            yield from self._start()
        self.ended = True
        yield Piece("tool", "end", self.id, "".join(self.arguments), self.name, self.scope)

    def _start(self) -> Iterator[Piece]:
        self.started = True
        yield Piece("tool", "start", self.id, "", self.name, self.scope)
        so_far = "".join(self.arguments)
        if so_far:
            yield Piece("tool", "delta", self.id, so_far, self.name, self.scope)


class _SpokenCall:
    """One call to a model: the text or thought that is open, and its tool calls."""

    def __init__(self, key: str, scope: PlacedScope | None, own: Callable[[str], str]) -> None:
        self.key = key
        self.scope = scope
        self.tools: dict[tuple[str | None, str], CalledTool] = {}
        self.has_spoken = False
        self._own = own
        self._open: tuple[Literal["text", "thought"], str] | None = None

    def say(self, kind: Literal["text", "thought"], text: str) -> Iterator[Piece]:
        if not text:
            # Protocols, or their older clients, refuse a delta that adds nothing.
            return
        if self._open is None or self._open[0] != kind:
            yield from self.pause()
            self._open = kind, self._own(self.key)
            yield Piece(kind, "start", self._open[1], scope=self.scope)
        self.has_spoken = True
        yield Piece(kind, "delta", self._open[1], text, scope=self.scope)

    def call(self, tool: CalledTool, fragment: Mapping[str, Any], delta: str) -> Iterator[Piece]:
        yield from self.pause()
        self.has_spoken = True
        function = fragment.get("function")
        name = name_in(function.get("name")) if isinstance(function, dict) else None
        yield from tool.add(name, delta)

    def tool(self, fragment: Mapping[str, Any]) -> CalledTool:
        """Return the tool call that a fragment belongs to."""
        call_id, index = name_in(fragment.get("id")), json_text(fragment.get("index"))
        if call_id is None:
            # Some runtimes name a call in its first fragment alone.
            call_id = next((call_id for call_id, place in reversed(self.tools) if place == index), None)
        if (call_id, index) not in self.tools:
            self.tools[call_id, index] = CalledTool(self._own(call_id or f"{self.key}-tool"), self.scope)
        return self.tools[call_id, index]

    def pause(self) -> Iterator[Piece]:
        """End the text or thought that is open."""
        if self._open is not None:
            (kind, name), self._open = self._open, None
            yield Piece(kind, "end", name, scope=self.scope)

    def end(self) -> Iterator[Piece]:
        yield from self.pause()
        for tool in self.tools.values():
            yield from tool.end()


class Speech:
    """Takes the steps of a timeline, and gives the pieces that models said."""

    def __init__(self) -> None:
        self._calls: dict[str, _SpokenCall] = {}
        self._ids: set[str] = set()
        #: The last number that an id was given.
        self._numbers: dict[str, int] = {}
        #: Tool calls that nobody has been seen to run, in order, by their names.
        self._waiting: dict[str, list[CalledTool]] = {}
        #: Tools that ran before a model was seen to call them.
        self._early: list[CalledTool] = []
        self._running: dict[PlacedScope, CalledTool] = {}
        #: What each call of a session has said, in pieces.
        self._texts: dict[str, list[str]] = {}

    def take(self, step: FrameStep) -> list[Piece]:
        """Return what a frame adds."""
        frame = step.frame
        if frame.begins:
            self._texts.clear()
        if frame.is_chunk:
            return list(self._chunk(frame))
        if is_reply(frame):
            return list(self._reply(frame))
        pieces: list[Piece] = []
        for scope in step.left:
            pieces += self.end(scope)
        if step.closed is not None and step.closed.kind == "call":
            call = self._calls.get(step.closed.id)
            # Inside a flow, a call that was told not to stream is none of the page's: such choose routes, for one.
            silent = call is None or not call.has_spoken
            if silent and frame.type == "llm_call_completed" and step.closed.parent is None:
                pieces += self._whole_answer(frame, step.closed)
            pieces += self.end(step.closed)
        elif step.opened is not None and step.opened.kind == "tool":
            pieces += self._use(step.opened)
        return pieces

    def used(self, step: FrameStep) -> CalledTool | None:
        """Return the tool call whose run a frame begins or ends."""
        if step.opened is not None:
            return self._running.get(step.opened)
        return None if step.closed is None else self._running.pop(step.closed, None)

    def end(self, scope: PlacedScope) -> list[Piece]:
        """End what is open in a call."""
        call = self._calls.pop(scope.id, None)
        return [] if call is None else list(call.end())

    def rest(self) -> list[Piece]:
        """End all that is open."""
        calls, self._calls = self._calls, {}
        return [piece for call in reversed(calls.values()) for piece in call.end()]

    def _chunk(self, frame: PlacedFrame) -> Iterator[Piece]:
        scope = frame.scope if frame.scope is not None and frame.scope.kind == "call" else None
        call = self._call(scope, frame)
        payload = frame.payload
        fragment = payload.get("tool_call")
        text = text_of(payload.get("chunk"))
        if frame.type == "llm_thinking_chunk":
            yield from call.say("thought", text)
        elif payload.get("call_type") == "tool_call":
            yield from self._call_tool(call, fragment if isinstance(fragment, dict) else {}, text)
        else:
            self._texts.setdefault(call.key, []).append(text)
            yield from call.say("text", text)

    def _reply(self, frame: PlacedFrame) -> Iterator[Piece]:
        """Say what the assistant answers where no call has: a handler answers by itself, or with a call that did not stream."""
        text = text_of(frame.payload.get("content"))
        if not text.strip() or any(_ends_with("".join(pieces), text) for pieces in self._texts.values()):
            return
        name = self._own(frame.unique_id)
        yield Piece("text", "start", name)
        yield Piece("text", "delta", name, text)
        yield Piece("text", "end", name)

    def _call_tool(self, call: _SpokenCall, fragment: Mapping[str, Any], text: str) -> Iterator[Piece]:
        tool = call.tool(fragment)
        was_named = bool(tool.name)
        yield from call.call(tool, fragment, text)
        if tool.name and not was_named:
            waiting = self._waiting.setdefault(_spelled(tool.name), [])
            waiting.append(tool)
            # Who never runs them leaves them here.
            del waiting[:-_MOST_WAITING]

    def _call(self, scope: PlacedScope | None, frame: PlacedFrame) -> _SpokenCall:
        # A part of a timeline has chunks whose call did not begin in it.
        key = scope.id if scope is not None else f"call-{name_in(frame.payload.get('call_id')) or frame.unique_id}"
        if key not in self._calls:
            self._calls[key] = _SpokenCall(key, scope, self._own)
        return self._calls[key]

    def _own(self, key: str) -> str:
        name = key
        while name in self._ids:
            number = self._numbers[key] = self._numbers.get(key, 1) + 1
            name = f"{key}+{number}"
        self._ids.add(name)
        return name

    def _whole_answer(self, frame: PlacedFrame, scope: PlacedScope) -> Iterator[Piece]:
        """Say what came at once."""
        call = self._call(scope, frame)
        response = frame.payload.get("response")
        called = _called(response) if frame.payload.get("call_type") == "tool_call" else []
        if called:
            if name_in(frame.payload.get("text")):
                yield from call.say("text", text_of(frame.payload["text"]))
            for index, tool_call in enumerate(called):
                early = next(
                    (
                        tool
                        for tool in self._early
                        if tool.scope is scope and tool.name == tool_call["function"].get("name")
                    ),
                    None,
                )
                if early is not None:
                    self._early.remove(early)
                else:
                    yield from self._call_tool(
                        call, {**tool_call, "index": index}, text_of(tool_call["function"].get("arguments"))
                    )
        elif response is not None and response != "":
            yield from call.say("text", text_of(response))

    def _use(self, scope: PlacedScope) -> Iterator[Piece]:
        """Find the call of a tool that is being run; where no model was seen to make one, make it."""
        name, payload = scope.name, scope.frame.payload
        around = scope.parent
        # The arguments of all calls have come when the first of them is run.
        if around is not None and around.id in self._calls:
            yield from self._calls[around.id].end()
        arguments = payload.get("tool_args")
        waiting = self._waiting.get(_spelled(name), [])
        tool = _fitting(waiting, around, arguments)
        if tool is not None:
            waiting.remove(tool)
            yield from tool.end()
        else:
            tool = CalledTool(self._own(scope.id), None if around is None or around.kind != "call" else around)
            self._early.append(tool)
            yield from tool.add(name, _as_json(arguments))
            yield from tool.end()
        self._running[scope] = tool


def is_reply(frame: PlacedFrame) -> bool:
    """Whether a frame has what an assistant answers in a conversation."""
    return frame.type == "conversation_message_added" and frame.payload.get("role") == "assistant"


def _ends_with(whole: str, text: str) -> bool:
    """Whether a text is the whole of another, or its end from a word on."""
    whole, text = whole.rstrip(), text.strip()
    return whole.endswith(text) and (len(whole) == len(text) or whole[-len(text) - 1].isspace())


def _called(response: Any) -> list[dict[str, Any]]:
    """Return a response that is a list of tool calls, and nothing for every other."""
    calls = response if isinstance(response, list) else []
    fit = all(isinstance(call, dict) and isinstance(call.get("function"), dict) for call in calls)
    return list(calls) if fit else []


def _spelled(name: str) -> str:
    """Return a tool's name as it is compared: a model is given it in the few characters that all providers take."""
    return re.sub(r"\W", "_", name, flags=re.ASCII).lower()


def _fitting(waiting: list[CalledTool], around: PlacedScope | None, arguments: Any) -> CalledTool | None:
    """Return the call of a tool that runs: near and with these arguments, else near, else with these arguments, else any."""
    best: tuple[tuple[bool, bool], CalledTool] | None = None
    for tool in waiting:
        fits = _is_near(tool, around), _same("".join(tool.arguments), arguments)
        if best is None or fits > best[0]:
            best = fits, tool
        if all(fits):
            break
    return None if best is None else best[1]


def _is_near(tool: CalledTool, around: PlacedScope | None) -> bool:
    """Whether a tool that runs in `around` may well be this call's: inside of the call itself, or beside it, as an agent's."""
    return tool.scope is not None and around in (tool.scope, tool.scope.parent)


def _as_json(arguments: Any) -> str:
    """Return the arguments with which a tool runs as a model would have written them."""
    if isinstance(arguments, str):
        try:
            orjson.loads(arguments)
        except ValueError:
            return json_text(arguments)
        return arguments
    return "{}" if arguments is None else json_text(arguments)


def _same(text: str, arguments: Any) -> bool:
    try:
        parsed = orjson.loads(text or "{}")
    except ValueError:
        parsed = text
    return bool(parsed == arguments)
