"""One answer in the format of OpenAI's chat completions, from its JSON to parts.

Source: https://platform.openai.com/docs/api-reference/chat (2026-11).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from harness.llm.output.parts import FinishReason, Part, TextDelta, ThinkingDelta
from harness.llm.request import LLMRequest
from harness.providers.shared.answer import SSEAnswer
from harness.providers.shared.calls.tool_calls import ToolCallFragments
from harness.providers.shared.failure import failure_in
from harness.providers.shared.reasoning.fields import Reasoning
from harness.providers.shared.shapes import as_id, as_list, as_number, as_object, as_text
from harness.providers.shared.usage import usage

#: Types of parts of an answer that the model thought.
_THOUGHTS: Final = frozenset({"reasoning", "reasoning_text", "thinking"})


class ChatAnswer(SSEAnswer):
    content_fields = frozenset({"choices"})
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {
        # Beside the API's own the words of its hosts: Together's, TGI's, Mistral's, Zhipu's.
        **dict.fromkeys(("stop", "eos", "eos_token", "stop_sequence"), "stop"),
        **dict.fromkeys(("length", "model_length", "model_context_window_exceeded"), "length"),
        **dict.fromkeys(("tool_calls", "function_call"), "tool_calls"),
        **dict.fromkeys(("content_filter", "sensitive"), "content_filter"),
    }

    def __init__(self, provider: str, request: LLMRequest) -> None:
        super().__init__(provider)
        self._calls = ToolCallFragments([tool.function.name for tool in request.tools], self.malformed)
        #: Whether anything of the answer itself has come.
        self._begun = False
        self._finish: str | None = None
        self._expects_json = request.response_format is not None
        self.reasoning = Reasoning()
        #: What the host ties to calls, by their numbers.
        self._extras: dict[int, dict[str, Any]] = {}

    @property
    def call_ids(self) -> list[str]:
        return self._calls.ids

    @property
    def extras(self) -> dict[str, dict[str, Any]]:
        """What the host ties to tool calls, by their ids: it wants it back with them."""
        return {self.call_ids[number]: extra for number, extra in self._extras.items()}

    @property
    def has_ended(self) -> bool:
        return self.done or (self.without_end_marker and self._finish is not None)

    def event(self, event: Any) -> Iterator[Part]:
        event = as_object(event)
        if self.response_id is None:
            # Some hosts send a first event that tells of the prompt alone, under no id.
            yield from self.started(event.get("id"))
        choice = _first_choice(event)
        if choice is not None:
            delta, message = self._delta(choice), choice.get("message")
            if not delta and message is not None and not self._begun:
                # A host that can't stream sends its whole answer as one event.
                yield from self._message(as_object(message), whole=True)
            else:
                yield from self._message(as_object(delta))
            self._take_reason(choice)
        self._refuse_beside(event)
        if counted := _counted(event, choice or {}):
            yield from _usage(counted)

    def closing(self, last: bytes) -> Iterable[Part]:
        if self.done and not self._begun:
            raise self.empty("a stream of nothing but its end marker")
        return self.finished() if self.has_ended else ()

    def answer(self, answer: Any) -> Iterator[Part]:
        answer = as_object(answer)
        self._refuse_beside(answer)
        choice = _first_choice(answer)
        if choice is None:
            raise self.malformed(f"an answer without choices: {answer!r:.200}")
        yield from self.started(answer.get("id"))
        # What was filtered may have no message at all.
        message = as_object(choice.get("message") or self._delta(choice))
        if not message and choice.get("finish_reason") != "content_filter":
            raise self.malformed(f"a choice without a message: {choice!r:.200}")
        yield from self._message(message, whole=True)
        yield from _usage(_counted(answer, choice))
        self._take_reason(choice)
        yield from self.finished()

    def finished(self) -> Iterator[Part]:
        """Return the end of an answer that was whole."""
        yield from self._calls.end()
        yield self.finish(self._finish, self.call_ids)

    def _delta(self, choice: Mapping[str, Any]) -> Any:
        # The text of legacy completions stands in the choice; some hosts of the chat leave it there.
        is_there = "text" in choice and choice.get("delta") is None and choice.get("message") is None
        return {"content": choice["text"]} if is_there else choice.get("delta")

    def _refuse_beside(self, sent: Mapping[str, Any]) -> None:
        """Raise ProviderError for a failure that is told beside the choices: by Groq, and by MiniMax in its own envelope."""
        envelope = as_object(sent.get("base_resp"))
        failed = as_object(sent.get("x_groq")).get("error") or (envelope if envelope.get("status_code") else None)
        if failed:
            raise self.reported(failure_in(failed))

    def _take_reason(self, choice: Mapping[str, Any]) -> None:
        reason = as_text(choice.get("finish_reason"))
        self._begun = self._begun or bool(reason)
        if choice.get("error"):
            raise self.reported(failure_in(choice["error"]))
        self.refuse_reason(reason)
        self._finish = reason or self._finish

    def _message(self, message: Mapping[str, Any], *, whole: bool = False) -> Iterator[Part]:
        # Hosts that serve reasoning models add these fields to the API's own.
        thinking = self.reasoning.take(message)
        if thinking:
            self._begun = True
            yield ThinkingDelta(thinking)
        for field in ("content", "refusal"):
            if message.get(field) not in (None, "", []):
                self._begun = True
                yield from self._content(message[field])
        calls = [as_object(call) for call in as_list(message.get("tool_calls"))]
        if message.get("function_call") is not None:
            # The form before there were several.
            calls.append({"index": 0, "function": message["function_call"]})
        # What is said aloud is told in words, too.
        if spoken := as_text(as_object(message.get("audio")).get("transcript")):
            self._begun = True
            yield TextDelta(spoken)
        # Where an id is not each call's own, their places tell calls apart that come together.
        are_named = len({as_id(call.get("id")) for call in calls} - {None}) == len(calls)
        for number, call in enumerate(calls):
            self._begun = True
            place = number if len(calls) > 1 else None
            index = number if whole else as_number(call.get("index"))
            if index is None and not are_named:
                index = place
            # What a custom tool is given is any text.
            custom = as_object(call.get("custom"))
            function = custom or as_object(call.get("function"))
            name, given = as_text(function.get("name")), function.get("input" if custom else "arguments")
            call_id = as_id(call.get("id"))
            yield from self._calls.take(index, call_id, name, given, place=place, is_free=bool(custom))
            if extra := as_object(call.get("extra_content")):
                self._extras[self._calls.number] = dict(extra)

    def _content(self, content: Any) -> Iterator[Part]:
        """Return the parts of content: a text, or a list of parts of which some hosts think in some."""
        if isinstance(content, str):
            yield TextDelta(content)
            return
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, str):
                yield TextDelta(part)
            elif "thinking" in as_object(part) or part.get("type") in _THOUGHTS:
                thought = _first(*map(part.get, ("thinking", "text", "reasoning", "summary")))
                for piece in thought if isinstance(thought, list) else [{"text": thought}]:
                    yield ThinkingDelta(as_text(piece["text"]))
            elif "text" in part or "refusal" in part:
                yield TextDelta(as_text(part["text"] if "text" in part else part["refusal"]))
            elif self._expects_json and not isinstance(content, list):
                # Some hosts send what was asked for as a value, and not as its text.
                yield TextDelta(json.dumps(content, ensure_ascii=False, allow_nan=False))
            elif not isinstance(content, list):
                raise self.malformed(f"content that is no text: {content!r:.200}")


def _first(*counts: Any) -> Any:
    return next((count for count in counts if count is not None), None)


def _first_choice(sent: Mapping[str, Any]) -> Mapping[str, Any] | None:
    # With n > 1 the choices come side by side; the answer is the first. Some hosts leave its number out.
    choices = map(as_object, as_list(sent.get("choices")))
    return next((choice for choice in choices if not as_number(choice.get("index"))), None)


def _counted(sent: Mapping[str, Any], choice: Mapping[str, Any]) -> Any:
    """Return the usage, wherever it stands: Groq has a place of its own, Moonshot the choice."""
    places = (sent, as_object(sent.get("x_groq")), choice)
    return next((place["usage"] for place in places if place.get("usage")), None)


def _usage(sent: Any) -> Iterator[Part]:
    raw = as_object(sent)
    prompt, completion = as_object(raw.get("prompt_tokens_details")), as_object(raw.get("completion_tokens_details"))
    reasoning = as_number(completion.get("reasoning_tokens"))
    read, written = as_number(raw.get("prompt_tokens")), [as_number(raw.get("completion_tokens"))]
    if reasoning and as_number(raw.get("total_tokens")) == sum(filter(None, (read, *written, reasoning))):
        # Some hosts count the reasoning beside the rest of the answer.
        written.append(reasoning)
    # DeepSeek's and Moonshot's names stand beside the rest; what was written into the cache, only hosts tell.
    cached = _first(prompt.get("cached_tokens"), raw.get("prompt_cache_hit_tokens"), raw.get("cached_tokens"))
    created = _first(prompt.get("cache_write_tokens"), prompt.get("cache_creation_tokens"))
    yield from usage(raw, [read], written, cached=cached, reasoning=reasoning, created=created)
