"""Models that a conversation asks: for its answers, and for what is to be in a form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from harness.annotations import signature_of
from harness.llm import call_stream_override
from harness.llm.input.words import whole_characters
from harness.workers import settled


def streamed_answer(llm: Any, messages: list[dict[str, Any]]) -> Any:
    """Return what a model answers, its tokens streamed whatever its own setting (clause `turn.streams-answer`)."""
    with call_stream_override(llm, True):
        return settled(llm.call(messages=messages))


def ask_for(llm: Any, messages: list[dict[str, Any]], answer: type[BaseModel] | None) -> Any:
    """Return what a model says that is to answer in a form, or, with None, as it likes.

    Its tokens are no part of the reply and do not stream.

    Objects with a `call` of their own get the form under the name that they know, `response_model` or `response_format`. One
    that takes any keyword, and does not know the latter, is asked again with the former.
    """
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
