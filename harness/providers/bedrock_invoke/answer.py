"""Answers of InvokeModel: each model's own form, whole or in the chunks of an event stream.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any, ClassVar, Final

from msgspec.structs import replace

from harness.llm.output.parts import Finish, FinishReason, Part, TextDelta
from harness.llm.request import LLMRequest
from harness.providers.anthropic.answer import AnthropicAnswer
from harness.providers.bedrock.answer import BedrockAnswer
from harness.providers.bedrock_invoke.request import Family
from harness.providers.cohere.answer import CohereAnswer
from harness.providers.openai.chat_answer import ChatAnswer
from harness.providers.shared.answer import ProviderAnswer, SSEAnswer, read_json
from harness.providers.shared.reasoning.thoughts import Keep
from harness.providers.shared.shapes import as_number, as_object, as_text
from harness.providers.shared.usage import usage

#: Where answers in the form of a text are listed, what the text is called, and why it ended.
_LISTS: Final = ("results", "outputs", "generations", "completions", "choices")
_TEXTS: Final = ("outputText", "generation", "completion", "text")
_REASONS: Final = ("completionReason", "stop_reason", "finish_reason", "finishReason")
_PROMPT_COUNTS: Final = ("inputTextTokenCount", "prompt_token_count")
_COMPLETION_COUNTS: Final = ("totalOutputTextTokenCount", "tokenCount", "generation_token_count")
#: What the service itself counts, at the end of a stream.
_METRICS: Final = "amazon-bedrock-invocationMetrics"
#: What the service says of the guardrail that was asked for.
_GUARDRAIL: Final = "amazon-bedrock-guardrailAction"
_HEADER: Final = "x-amzn-bedrock-{}-token-count"


def answer_of(family: Family, provider: str, request: LLMRequest, keep: Keep) -> ProviderAnswer:
    match family:
        case "anthropic":
            return InvokedAnthropic(provider, keep)
        case "nova":
            return InvokedNova(provider, keep)
        case "cohere":
            return InvokedCohere(provider)
        case "chat":
            return InvokedChat(provider, request)
        case "prompt":
            return InvokedText(provider)


class _Invoked(ProviderAnswer):
    """An answer to which the service adds words of its own."""

    #: Whether a guardrail has answered in the model's place, or stopped it.
    _is_guarded = False

    def refuse_failure(self, sent: Any, *, named: bool = False) -> None:
        # Whatever has come is looked at here first.
        super().refuse_failure(sent, named=named)
        if isinstance(sent, Mapping):
            self._take_note(sent)

    def _take_note(self, sent: Mapping[str, Any]) -> None:
        self._is_guarded = self._is_guarded or sent.get(_GUARDRAIL) == "INTERVENED"

    def finish(self, raw: str | None, calls: Sized) -> Finish:
        finish = super().finish(raw, calls)
        return replace(finish, reason="content_filter") if self._is_guarded else finish


class _ByChunks(_Invoked, SSEAnswer):
    """An answer whose pieces are whole events, without the lines that they have elsewhere."""

    request_id_headers = ("RequestId",)
    #: What is counted of the prompt, as `input`, and of the `output`: by the service in its head and at a stream's end.
    _counts: dict[str, int]

    def head(self, headers: Mapping[str, Any]) -> None:
        super().head(headers)
        fields = headers.get("HTTPHeaders", {})
        self._counts = {
            side: int(fields[_HEADER.format(side)]) for side in ("input", "output") if _HEADER.format(side) in fields
        }

    def _take_note(self, sent: Mapping[str, Any]) -> None:
        super()._take_note(sent)
        metrics = as_object(sent.get(_METRICS))
        self._count("input", metrics.get("inputTokenCount"))
        self._count("output", metrics.get("outputTokenCount"))

    def _count(self, side: str, sent: Any) -> None:
        if (count := as_number(sent)) is not None:
            self._counts[side] = count

    def _counted(self) -> Iterator[Part]:
        if self._counts.keys() == {"input", "output"}:
            yield from usage(self._counts, [self._counts["input"]], [self._counts["output"]])

    def piece(self, piece: bytes) -> Iterator[Part]:
        yield from () if self.is_over else self._event("", piece)

    def end(self) -> Iterator[Part]:
        yield from self.closing(b"")


class InvokedAnthropic(_ByChunks, AnthropicAnswer):
    """One answer of Anthropic's models."""


class InvokedCohere(_ByChunks, CohereAnswer):
    """One answer of Cohere's Command R models, which is that of Cohere's own chat, but for the counts."""

    def _ended(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        yield from self._counted()
        yield from super()._ended(answer)


class InvokedChat(_ByChunks, ChatAnswer):
    """One answer in the form of chat completions. The event stream has an end of its own, and no other mark.

    Mistral's pieces are messages, and its reason for the end has a name of its own.
    """

    #: Whether the model has told what was used; else the service does.
    _has_usage = False

    def event(self, event: Any) -> Iterator[Part]:
        self._take_usage(as_object(event))
        yield from super().event(event)

    def answer(self, answer: Any) -> Iterator[Part]:
        self._take_usage(as_object(answer))
        yield from super().answer(answer)

    def closing(self, last: bytes) -> Iterable[Part]:
        return self.finished() if self._finish is not None else ()

    def finished(self) -> Iterator[Part]:
        yield from () if self._has_usage else self._counted()
        yield from super().finished()

    def _take_usage(self, sent: Mapping[str, Any]) -> None:
        self._has_usage = self._has_usage or bool(sent.get("usage"))

    def _delta(self, choice: Mapping[str, Any]) -> Any:
        return super()._delta(choice) or choice.get("message")

    def _take_reason(self, choice: Mapping[str, Any]) -> None:
        super()._take_reason({"finish_reason": choice.get("stop_reason"), **choice})


class InvokedNova(_Invoked, BedrockAnswer):
    """One answer of Amazon's Nova models, which is Converse's in JSON."""

    def piece(self, piece: bytes) -> Iterable[Part]:  # type: ignore[override]
        return () if self.is_over else super().piece(self._read(piece))

    def whole(self, sent: bytes) -> Iterator[Part]:  # type: ignore[override]
        return super().whole(self._read(sent))

    def _read(self, sent: bytes) -> Any:
        try:
            answer = read_json(sent)
        except ValueError:
            self.refuse_body(sent, "no JSON")
        self.refuse_failure(answer)
        return answer


class InvokedText(_ByChunks):
    """One answer of a model that goes on from a prompt."""

    content_fields = frozenset({*_LISTS, *_TEXTS, *_REASONS, "event_type", "is_finished"})
    finish_reasons: ClassVar[Mapping[str, FinishReason]] = {
        **dict.fromkeys(("finish", "finished", "stop", "end_turn", "complete", "endoftext", "stop_sequence"), "stop"),
        **dict.fromkeys(("length", "max_tokens"), "length"),
        **dict.fromkeys(("content_filtered", "content_filter", "error_toxic"), "content_filter"),
    }

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._has_text = False
        self._finish: str | None = None

    def event(self, event: Mapping[str, Any]) -> Iterator[Part]:
        listed = next((event[name] for name in _LISTS if isinstance(event.get(name), list) and event[name]), None)
        item: Mapping[str, Any] = event if listed is None else listed[0]
        # AI21's first models keep it one level deeper.
        text = _first(item.get("data") or item, _TEXTS)
        self._has_text = self._has_text or text is not None
        if text:
            yield TextDelta(as_text(text))
        reason = _first(item, _REASONS) or _first(event, _REASONS)
        if isinstance(reason, Mapping):
            reason = reason.get("reason")
        self.refuse_reason(reason)
        self._finish = reason or self._finish
        self._count("input", _first(event, _PROMPT_COUNTS))
        self._count("output", _first(item, _COMPLETION_COUNTS) or _first(event, _COMPLETION_COUNTS))

    def answer(self, answer: Mapping[str, Any]) -> Iterator[Part]:
        yield from self.event(answer)
        yield from self._ended()

    def closing(self, last: bytes) -> Iterable[Part]:
        return self._ended() if self._finish is not None else ()

    def _ended(self) -> Iterator[Part]:
        finish = self.finish(self._finish, ())
        if not self._has_text and finish.reason != "content_filter":
            raise self.malformed("an answer without text")
        yield from self._counted()
        yield finish


def _first(sent: Mapping[str, Any], names: Iterable[str]) -> Any:
    return next((sent[name] for name in names if sent.get(name) is not None), None)
