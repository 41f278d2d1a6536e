"""What events are given by SDKs and by code that was written for others, and the plain values that they make of it."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, PlainSerializer

from harness.errors import error_text


class Lenient(BeforeValidator):
    """A validator that leaves a value of the field's own types as it is: such a value needs no validation."""


def text_of_error(error: Any) -> Any:
    """Return the text of an exception, and anything else as it is."""
    return error_text(error) if isinstance(error, BaseException) else error


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _text_or_none(value: Any) -> str | None:
    plain = _plain(value)
    return plain if isinstance(plain, str) else None


def _mapping(value: Any) -> Any:
    return value.model_dump() if isinstance(value, BaseModel) else value


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping | bytes) else value


#: What a failure was, as the exception itself where there is one; its text in JSON, and in frames.
Failure = Annotated[BaseException | str, PlainSerializer(text_of_error, when_used="json")]
#: What a failure was, as text. An exception that is given becomes its text.
FailureText = Annotated[str, Lenient(text_of_error)]
OptionalFailureText = Annotated[str | None, Lenient(text_of_error)]
#: Text where an SDK may give an enum, whose value it is, or something that is none, which is left out.
OptionalText = Annotated[str | None, Lenient(_text_or_none)]
#: Counts by name, which may be nested, or an SDK's model of them.
OptionalUsage = Annotated[dict[str, Any] | None, Lenient(_mapping)]
#: A list of texts, which may be given as one text or as any other sequence.
OptionalTexts = Annotated[list[str] | None, Lenient(_texts)]
#: An enum's member may be given in place of its value.
PLAIN: Final = Lenient(_plain)
