"""OpenAI's chat completions: a flow, a turn or a call as the stream that clients of that API read.

It has words for text, thoughts (`reasoning_content`, which several hosts send), tool calls that the client is to run, usage, and
failure. All else that happens in a run is not told: tools that the run itself uses, methods, routes.
Source: https://platform.openai.com/docs/api-reference/chat-streaming (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from harness.bridges.outcome import RunOutcome
from harness.bridges.scopes import OpenScopes, PlacedScope
from harness.bridges.speech import Piece, Speech, is_reply
from harness.bridges.texts import name_in, text_of
from harness.frames.stored import FrameLike

#: What ends the stream, after the last event.
OPENAI_DONE: Final = "[DONE]"
_REASONS: Final = frozenset({"stop", "length", "content_filter"})
_BETWEEN: Final = "\n\n"

Event = dict[str, Any]


class OpenAIChatTranslator:
    """Takes the frames of a timeline one by one, and gives chunks of one chat completion; `end` gives what is left to say.

    The text is what the calls of the run streamed, one call after the other, a blank line between them: one that speaks while
    another does waits for its turn. An assistant's message that none has said stands among them. Where there is no text, it is
    the run's result. Total.
    """

    def __init__(
        self, *, model: str | None = None, text: Literal["calls", "result"] = "calls", usage: bool = True
    ) -> None:
        """Answer as `model`; without one, it is that of the first call. With `text="result"` the text is the result alone.

        `usage` is told in a chunk of its own, the last.
        """
        self._model = model
        self._only_result = text == "result"
        self._tells_usage = usage
        self._scopes = OpenScopes()
        self._speech = Speech()
        self._outcome = RunOutcome()
        self._lines = _Lines()
        self._tools: dict[str, int] = {}
        self._reply: str | None = None
        self._returned: list[str] = []
        self._base: Event | None = None

    def feed(self, frame: FrameLike) -> list[Event]:
        """Return the chunks of the next frame; many frames have none."""
        step = self._scopes.take(frame)
        placed = step.frame
        payload = placed.payload
        events: list[Event] = []
        if self._base is None:
            model = self._model or name_in(payload.get("model")) or name_in(payload.get("flow_name")) or "unknown"
            self._base = {
                "id": f"chatcmpl-{placed.unique_id}",
                "object": "chat.completion.chunk",
                "created": placed.microseconds // 1_000_000,
                "model": model,
            }
            events.append(self._chunk({"role": "assistant", "content": ""}))
        self._outcome.take(step)
        if is_reply(placed):
            self._reply = text_of(payload.get("content"))
        elif placed.type == "tool_usage_finished" and step.closed is not None and _is_call(step.closed.parent):
            self._returned.append(text_of(payload.get("output")))
        for piece in self._speech.take(step):
            events += self._piece(piece)
        return events

    def end(self, error: str | None = None, error_type: str | None = None) -> list[Event]:
        """Return the chunks that end the completion. `error` is for what ended the run and was told by no frame."""
        if error is not None:
            self._outcome.fail(error, error_type)
        events = [event for piece in self._speech.rest() for event in self._piece(piece)]
        outcome = self._outcome
        verdict = outcome.verdict()
        if verdict == "failed":
            failure = {"message": outcome.error or "the run failed", "type": outcome.error_type or "error"}
            return [*events, {"error": {**failure, "param": None, "code": None}}]
        if verdict == "cancelled" or self._base is None:
            return events
        if verdict == "paused":
            # A chat has no other place for it.
            for question in outcome.questions():
                events += self._texts(self._lines.line(question.message))
        elif not self._lines.has_spoken and not self._tools:
            events += self._texts(self._lines.line(self._answer()))
        reason = outcome.finish_reason if outcome.finish_reason in _REASONS else "stop"
        events.append(self._chunk({}, "tool_calls" if self._tools else reason))
        totals = outcome.totals()
        if totals and self._tells_usage:
            events.append({**self._base, "choices": [], "usage": _usage(totals)})
        return events

    def _answer(self) -> str:
        """Return what the run came to: of a call that ran tools, what they returned."""
        if self._returned:
            return _BETWEEN.join(self._returned)
        result = self._outcome.result
        if isinstance(result, dict) and isinstance(result.get("raw"), str):
            # What a crew gives: its text, and what else there is to know of it.
            return text_of(result["raw"])
        return text_of(result) if result is not None else self._reply or ""

    def _piece(self, piece: Piece) -> Iterator[Event]:
        if piece.kind == "text" and not self._only_result:
            yield from self._texts(self._lines.take(piece))
        elif piece.kind == "thought" and piece.part == "delta":
            yield self._chunk({"reasoning_content": piece.text})
        elif piece.kind == "tool" and piece.part != "end" and _is_clients(piece.scope):
            if piece.part == "start":
                index = self._tools[piece.id] = len(self._tools)
                named = {"name": piece.name, "arguments": ""}
                yield self._chunk(
                    {"tool_calls": [{"index": index, "id": piece.id, "type": "function", "function": named}]}
                )
            else:
                index = self._tools[piece.id]
                yield self._chunk({"tool_calls": [{"index": index, "function": {"arguments": piece.text}}]})

    def _texts(self, texts: Iterable[str]) -> list[Event]:
        return [self._chunk({"content": text}) for text in texts if text]

    def _chunk(self, delta: Event, finish_reason: str | None = None) -> Event:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**(self._base or {}), "choices": [choice]}


class _Lines:
    """Texts that come at the same time, one after the other."""

    def __init__(self) -> None:
        self.has_spoken = False
        self._last: object = None
        #: Texts that have begun and not been told to their end, the one that is being told first.
        self._open: dict[str, tuple[object, list[str]]] = {}
        self._ended: set[str] = set()

    def take(self, piece: Piece) -> Iterator[str]:
        """Yield what can be told now."""
        if piece.part == "start":
            self._open[piece.id] = piece.scope or piece.id, []
            return
        if piece.part == "end":
            self._ended.add(piece.id)
        else:
            self._open[piece.id][1].append(piece.text)
        while self._open:
            first = next(iter(self._open))
            call, texts = self._open[first]
            for text in texts:
                yield from self._tell(call, text)
            texts.clear()
            if first not in self._ended:
                return
            self._ended.discard(first)
            del self._open[first]

    def line(self, text: str) -> Iterator[str]:
        """Yield a text that belongs to no call."""
        return self._tell(object(), text)

    def _tell(self, call: object, text: str) -> Iterator[str]:
        if not text:
            return
        if self.has_spoken and call is not self._last:
            yield _BETWEEN
        self.has_spoken, self._last = True, call
        yield text


def openai_chat_events(frames: Iterable[FrameLike], **options: Any) -> Iterator[Event]:
    """Yield the chunks of a whole timeline; `options` are those of `OpenAIChatTranslator`."""
    translator = OpenAIChatTranslator(**options)
    for frame in frames:
        yield from translator.feed(frame)
    yield from translator.end()


def _is_call(scope: PlacedScope | None) -> bool:
    return scope is not None and scope.kind == "call" and scope.parent is None


def _is_clients(call: PlacedScope | None) -> bool:
    """Whether the tools of a call are left to whoever asked: there is no run around it that uses them itself."""
    return call is not None and _is_call(call) and not call.frame.payload.get("available_functions")


def _usage(totals: dict[str, int]) -> Event:
    counts = [totals.get(name, 0) for name in ("prompt_tokens", "completion_tokens", "total_tokens")]
    return {
        **dict(zip(("prompt_tokens", "completion_tokens", "total_tokens"), counts, strict=True)),
        "prompt_tokens_details": {"cached_tokens": totals.get("cached_prompt_tokens", 0)},
        "completion_tokens_details": {"reasoning_tokens": totals.get("reasoning_tokens", 0)},
    }
