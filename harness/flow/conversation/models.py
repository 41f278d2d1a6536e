"""Models that a conversation asks: found from how they are given, and asked to choose one of several labels."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from harness.annotations import signature_of
from harness.workers import settled

# `harness.llm` is imported late: most flows do not converse.


def streamed_answer(llm: Any, messages: list[dict[str, Any]]) -> Any:
    """Return what a model answers, its tokens streamed whatever its own setting (clause `turn.streams-answer`)."""
    from harness.llm import call_stream_override

    with call_stream_override(llm, True):
        return settled(llm.call(messages=messages))


def ask_for(llm: Any, messages: list[dict[str, Any]], answer: type[BaseModel] | None) -> Any:
    """Return what a model says that is to answer in a form, or, with None, as it likes.

    Its tokens are no part of the reply and do not stream.

    Objects with a `call` of their own get the form under the name that they know, `response_model` or `response_format`. One
    that takes any keyword, and does not know the latter, is asked again with the former.
    """
    from harness.llm import call_stream_override
    from harness.llm.input.words import whole_characters

    messages = whole_characters(messages)
    with call_stream_override(llm, False):
        if answer is None:
            return settled(llm.call(messages=messages))
        name = _name_for_form(llm)
        try:
            return settled(llm.call(messages=messages, **{name: answer}))
        except TypeError:
            if name == "response_model":
                raise
        return settled(llm.call(messages=messages, response_model=answer))


def _name_for_form(llm: Any) -> str:
    try:
        names = signature_of(llm.call).parameters
    except (TypeError, ValueError):
        return "response_format"
    return "response_model" if "response_model" in names else "response_format"


def field_in(answer: Any, field: str) -> str | None:
    """Return a field of an answer, as text: of a model, a dict or JSON; of other text all of it. None where it is not there."""
    if isinstance(answer, str):
        text = answer
        try:
            answer = json.loads(text)
        except ValueError:
            return text.strip()
    value = answer.get(field) if isinstance(answer, Mapping) else getattr(answer, field, None)
    if isinstance(value, enum.Enum):
        value = value.value
    return None if value is None else str(value).strip()


def label_in(text: str | None, labels: Sequence[str], *, in_part: bool = False) -> str | None:
    """Return the one of `labels` that `text` is, whatever its case, or `in_part` has in it; None where it is none."""
    wanted = (text or "").strip().casefold()
    same = [label for label in labels if label.casefold() == wanted]
    if same or not in_part:
        return text if text in same else next(iter(same), None)
    # The longest first: "not approved" has "approved" in it.
    return next((label for label in sorted(labels, key=len, reverse=True) if label.casefold() in wanted), None)
