"""Reasoning in the fields that hosts of OpenAI's format have for it, which goes back with the tool calls that it led to.

Sources:
https://api-docs.deepseek.com/guides/thinking_mode#tool-calls,
https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks (2026-11).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from harness.llm.input.messages import AnyToolCall, Message
from harness.llm.request import LLMRequest
from harness.providers.shared.reasoning.by_call import GivenBack, KeptByCall, Outline, outlines
from harness.providers.shared.shapes import as_list, as_object, as_words

#: The fields that hold it as a text; `reasoning_details` holds it as a list.
TEXTS: Final = ("reasoning_content", "reasoning", "reasoning_text")
DETAILS: Final = "reasoning_details"
#: What of a detail comes in pieces.
_PIECES: Final = ("text", "summary", "data")


class Reasoning:
    """The reasoning of one answer as it comes, by the field that holds it."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._details: list[dict[str, Any]] = []

    def take(self, message: Mapping[str, Any]) -> str:
        """Take what a message, or a piece of it, says; return its text, which hosts may say under both names, or in details."""
        texts = {name: text for name in TEXTS if (text := as_words(message.get(name)))}
        for name, text in texts.items():
            self._texts.setdefault(name, []).append(text)
        details = as_list(message.get(DETAILS))
        for detail in details:
            self._take_detail(as_object(detail))
        if texts or not details:
            return next(iter(texts.values()), "")
        # Details say again what has a field of its own.
        return "" if self._texts else "".join(_detailed(as_object(detail)) for detail in details)

    def _take_detail(self, detail: Mapping[str, Any]) -> None:
        last = self._details[-1] if self._details else {}
        if not last or any(last.get(name) != detail.get(name) for name in ("type", "index")):
            self._details.append(dict(detail))
            return
        for name, value in detail.items():
            if name in _PIECES and isinstance(value, str):
                last[name] = (last.get(name) or "") + value
            elif value is not None:
                last[name] = value

    def fields(self) -> dict[str, Any]:
        """Return the fields of the message that it is to go back in."""
        details = {DETAILS: self._details} if self._details else {}
        return {**{name: "".join(pieces) for name, pieces in self._texts.items()}, **details}


def _detailed(detail: Mapping[str, Any]) -> str:
    return next((text for name in ("text", "summary") if isinstance(text := detail.get(name), str)), "")


class KeptReasoning(GivenBack[dict[str, Any]]):
    """Reasoning that goes back in fields of the message with the calls that it led to."""

    def __init__(self) -> None:
        super().__init__()
        #: What the host ties to a call itself, such as a signature of Gemini's.
        self._extras = KeptByCall[dict[str, Any]]()

    def keep(
        self, request: LLMRequest, call_ids: Iterable[str], reasoning: Reasoning, extras: Mapping[str, dict[str, Any]]
    ) -> None:
        """Keep what led from a request to these calls, and what is tied to some of them; nothing where there is none."""
        fields = reasoning.fields()
        if fields or extras:
            before = outlines(request.messages)[-1]
            self._kept.keep(before, dict.fromkeys(call_ids, fields) if fields else {})
            self._extras.keep(before, extras)

    def _keeps_any(self) -> bool:
        return bool(self._kept or self._extras)

    def _with_kept(self, message: Message, before: Outline) -> Message:
        fields = dict(self._kept.behind(message, before) or {})
        if {*TEXTS, DETAILS} & message.model_fields_set:
            fields = {}
        if tied := [self._with_extra(call, before) for call in message.tool_calls or ()]:
            fields["tool_calls"] = tied
        return message.model_copy(update=fields) if fields else message

    def _with_extra(self, call: AnyToolCall, before: Outline) -> AnyToolCall:
        extra = self._extras.of(call.id, before) if call.extra_content is None else None
        return call if extra is None else call.model_copy(update={"extra_content": extra})
