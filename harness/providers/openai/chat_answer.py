"""One answer in the format of OpenAI's chat completions, from its JSON to parts.

Source: https://platform.openai.com/docs/api-reference/chat (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from harness.llm.parts import Finish, FinishReason, Part, ResponseStarted, TextDelta, ThinkingDelta, Usage
from harness.llm.request import LLMRequest
from harness.providers.shared.answer import SSEAnswer
from harness.providers.shared.failure import failure_in
from harness.providers.shared.tool_calls import ToolCallFragments

#: The API's reasons why an answer ended.
FINISH: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}


class ChatAnswer(SSEAnswer):
    """One answer as it grows, streamed or whole. Fields that this code does not know say nothing to it."""

    content_fields = frozenset({"choices"})

    def __init__(self, provider: str, request: LLMRequest) -> None:
        super().__init__(provider)
        self._calls = ToolCallFragments([tool.function.name for tool in request.tools], self.malformed)
        self._named = False
        #: Whether anything of the answer itself has come.
        self._begun = False
        self._finish: str | None = None

    def event(self, event: Mapping[str, Any]) -> Iterator[Part]:
        yield from self._started(event)
        choice = _first_choice(event)
        if choice is not None:
            yield from self._message(choice.get("delta") or {})
            self._take_reason(choice)
        if event.get("usage"):
            yield _usage(event["usage"])

    def closing(self, last: bytes) -> Iterable[Part]:
        if self.done and not self._begun:
            raise self.malformed("a stream of nothing but its end marker")
        return self.finished() if self.done else ()

    def answer(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        choice = _first_choice(answer)
        if choice is None:
            raise self.malformed(f"an answer without choices: {answer!r:.200}")
        yield from self._started(answer)
        # What was filtered may have no message at all.
        filtered = choice.get("finish_reason") == "content_filter"
        yield from self._message((choice.get("message") or {}) if filtered else choice["message"], whole=True)
        if answer.get("usage"):
            yield _usage(answer["usage"])
        self._take_reason(choice)
        yield from self.finished()

    def finished(self) -> Iterator[Part]:
        """Return the end of an answer that was whole."""
        yield from self._calls.end()
        yield Finish(None if self._finish is None else FINISH.get(self._finish, "other"), self._finish)

    def _started(self, sent: Mapping[str, Any]) -> Iterator[Part]:
        # Some hosts send a first event that tells of the prompt alone, under no id.
        if not self._named and sent.get("id"):
            self._named = True
            yield ResponseStarted(sent["id"])

    def _take_reason(self, choice: Mapping[str, Any]) -> None:
        self._begun = True
        reason = choice.get("finish_reason")
        if choice.get("error"):
            raise self.reported(failure_in(choice["error"]))
        self.refuse_reason(reason)
        self._finish = reason or self._finish

    def _message(self, message: Mapping[str, Any], *, whole: bool = False) -> Iterator[Part]:
        # Hosts that serve reasoning models add these fields to the API's own.
        thinking = message.get("reasoning_content") or message.get("reasoning")
        if thinking:
            yield ThinkingDelta(self._text(thinking))
        for said in ("content", "refusal"):
            if message.get(said):
                yield from self._said(message[said])
        calls = message.get("tool_calls") or ()
        for place, call in enumerate(calls):
            index = place if whole else call.get("index", place if len(calls) > 1 else None)
            function = call.get("function") or {}
            yield from self._calls.take(index, call.get("id"), function.get("name"), function.get("arguments"))

    def _said(self, content: Any) -> Iterator[Part]:
        """Return the parts of content: a text, or a list of parts of which some hosts think in some."""
        if isinstance(content, str):
            yield TextDelta(content)
            return
        for part in content if isinstance(content, list) else [content]:
            if "thinking" in part:
                for thought in part["thinking"] if isinstance(part["thinking"], list) else [{"text": part["thinking"]}]:
                    yield ThinkingDelta(self._text(thought["text"]))
            elif "text" in part or "refusal" in part:
                yield TextDelta(self._text(part["text"] if "text" in part else part["refusal"]))
            elif not isinstance(content, list):
                raise self.malformed(f"content that is no text: {content!r:.200}")

    def _text(self, value: Any) -> str:
        if not isinstance(value, str):
            raise self.malformed(f"a text that is {value!r:.200}")
        return value


def _first_choice(sent: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # With n > 1 the choices come side by side; the answer is the first. Some hosts leave its number out.
    return next((choice for choice in sent.get("choices") or () if not choice.get("index")), None)


def _usage(usage: Mapping[str, Any]) -> Usage:
    prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return Usage(
        prompt_tokens=usage["prompt_tokens"],
        completion_tokens=usage["completion_tokens"],
        total_tokens=usage["total_tokens"],
        cached_prompt_tokens=prompt.get("cached_tokens"),
        reasoning_tokens=completion.get("reasoning_tokens"),
        raw=dict(usage),
    )
