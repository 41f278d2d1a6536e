"""Structured answers of models that have no form for them: the model is made to call a tool, whose arguments are the answer.

Callers see no tool: what it is given comes as the text of the answer, piece by piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from harness.llm.base import BaseLLM
from harness.llm.input.messages import FunctionDefinition, ToolDefinition
from harness.llm.output.parts import Finish, Part, TextDelta, ToolCallDelta
from harness.llm.request import LLMRequest
from harness.providers.shared.answer import ProviderAnswer
from harness.validation import answer_schema

STRUCTURED: Final = "structured_output"
#: The version in the name of one of Anthropic's models: claude-3-5-sonnet-…, claude-sonnet-4-20250514, claude-opus-4-1.
_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?v?(\d{1,2})(?!\d)(?:[-.:](\d{1,2})(?!\d))?")
#: The first version with a form for structured answers
#: (https://platform.claude.com/docs/en/build-with-claude/structured-outputs, 2026-11).
_NATIVE_SINCE: Final = (4, 5)
#: The first that chooses by itself how much it thinks; those before it are given a budget, of which this is the least
#: (https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking, 2026-11).
_ADAPTIVE_SINCE: Final = (4, 6)
_LEAST_BUDGET: Final = 1024


def wants_model(request: LLMRequest) -> bool:
    """Whether the answer must validate as a model of the caller's; a format in a provider's own words is sent as it is."""
    return isinstance(request.response_format, type)


def _is_since(version: tuple[int, int], model: str) -> bool:
    """Whether one of Anthropic's models is of a version or a later one; one whose name tells none is the latest."""
    found = _VERSION.search(model)
    if found is None:
        return "claude-instant" not in model
    return (int(found[1]), int(found[2] or 0)) >= version


def fits_native_form(model: str, request: LLMRequest) -> bool:
    """Whether one of Anthropic's models has a form in which all can be said that a request wants.

    There, an object has the keys that its schema names, and no others: what a caller has as a dict would always be empty.
    A model that allows others beside its own has what it asks for.
    """
    wanted: Any = request.response_format
    return _is_since(_NATIVE_SINCE, model) and not _is_open(answer_schema(wanted))


def _is_open(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        has_any_keys = bool(schema.get("additionalProperties")) and not schema.get("properties")
        return has_any_keys or any(map(_is_open, schema.values()))
    return isinstance(schema, list) and any(map(_is_open, schema))


def thinking_of(llm: BaseLLM) -> Any:
    """Return how one of Anthropic's models is to think, which has words of its own for yes and no."""
    if not isinstance(llm.thinking, bool):
        return llm.thinking
    if not llm.thinking:
        return {"type": "disabled"}
    adapts = _is_since(_ADAPTIVE_SINCE, llm.model)
    return {"type": "adaptive"} if adapts else {"type": "enabled", "budget_tokens": _LEAST_BUDGET}


def thinks(llm: BaseLLM) -> bool:
    """Whether one of Anthropic's models is to think, which then can't be made to call a tool."""
    thinking = thinking_of(llm)
    return isinstance(thinking, Mapping) and thinking.get("type") != "disabled"


def with_structured_tool(request: LLMRequest) -> list[ToolDefinition]:
    """Return the functions of a request, and the tool that takes its answer."""
    model: Any = request.response_format
    function = FunctionDefinition(
        name=STRUCTURED,
        description="Gives the answer, as these arguments. Call it once, with all of it.",
        parameters=answer_schema(model),
    )
    return [*request.tools, ToolDefinition(function=function)]


class StructuredAnswer(ProviderAnswer):
    """An answer of which the arguments of that tool are the text. What the model says beside them is none of it."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer.provider)
        self._answer = answer
        self.ends_body = answer.ends_body
        self._index: int | None = None
        self._other_calls = False
        #: What was said so far, which is the answer only where the tool is never called.
        self._texts: list[Part] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)

    def head(self, headers: Mapping[str, str]) -> None:
        super().head(headers)
        self._answer.head(headers)
        self.request_id = self._answer.request_id

    @property
    def is_over(self) -> bool:
        return bool(self._answer.is_over)

    def piece(self, piece: Any) -> Iterable[Part]:
        self._answer.without_end_marker = self.without_end_marker
        return self._parts(self._answer.piece(piece))

    def end(self) -> Iterable[Part]:
        return self._parts(self._answer.end())

    def whole(self, sent: Any) -> Iterable[Part]:
        return self._parts(self._answer.whole(sent))

    def _parts(self, parts: Iterable[Part]) -> Iterator[Part]:
        for part in parts:
            match part:
                case TextDelta():
                    self._texts.append(part)
                case ToolCallDelta(index, _, name, arguments) if name == STRUCTURED or index == self._index:
                    self._index = index
                    if arguments:
                        yield TextDelta(arguments)
                case Finish(reason, raw):
                    if self._index is None:
                        yield from self._texts
                    called = reason == "tool_calls" and not self._other_calls
                    yield Finish("stop" if called else reason, raw)
                case _:
                    self._other_calls |= isinstance(part, ToolCallDelta)
                    yield part
