"""What of messages and tools is not sent: notes of programs, and what a provider has no place for."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from harness.llm.input.blocks import CachePointPart, DocumentPart
from harness.llm.input.messages import ImagePart, Message, ToolDefinition
from harness.llm.input.value import Extended, Given

#: Notes for the programs around a call, which say nothing to a model.
_NOTES: Final = frozenset({"cache_breakpoint", "id", "metadata", "timestamp"})
#: What programs keep beside a message's content, and no provider takes there.
_FILES: Final = "files"
#: What says something to a model or a provider, and has no place everywhere. What providers have said themselves, such as
#: log probabilities or reasoning, is none of it: others have never taken it.
_OF_MESSAGES: Final = frozenset({"name", "refusal", "prefix", "cache_control"})
_OF_PARTS: Final = frozenset({"cache_control", "title", "context", "detail"})
_OF_TOOLS: Final = frozenset({"strict", "cache_control"})
#: As if nothing were said.
_SAYS_NOTHING: Final[tuple[Any, ...]] = (None, [], {}, "", False, "auto")


class UnsentFieldWarning(UserWarning):
    """A message, a part of one or a tool has a field that the provider has no place for, and is sent without it."""


class Carried(Struct, frozen=True):
    """What a provider has a place for, beside text, media, calls and results."""

    #: Of messages: `name`, `refusal`, `prefix`, `cache_control`.
    message: frozenset[str] = frozenset()
    #: Of parts: `cache_control`, `title`, `context`, `citations`, `detail`, and its own that this project has no word for.
    part: frozenset[str] = frozenset()
    #: Of tools: `strict`, `cache_control`.
    tool: frozenset[str] = frozenset()
    #: All fields that this project has no word for.
    added_to_messages: bool = False
    added_to_parts: bool = False
    added_to_tools: bool = False
    #: Settings of an LLM that it has nothing like.
    without: frozenset[str] = frozenset()


#: What hosts of a format to which everybody adds are given: all of it.
ALL: Final = Carried(
    _OF_MESSAGES, _OF_PARTS | {"citations"}, _OF_TOOLS, added_to_messages=True, added_to_parts=True, added_to_tools=True
)


def without_notes(messages: Any) -> Any:
    """Return messages without the notes that programs keep in them.

    Warns:
        UnsentFieldWarning: files were left out.
    """
    if isinstance(messages, str | bytes) or not isinstance(messages, Sequence):
        return messages
    return [_without_notes(message) if isinstance(message, Mapping) else message for message in messages]


def _without_notes(message: Mapping[Any, Any]) -> Mapping[Any, Any]:
    if message.get(_FILES):
        warning = "not sent of a message: files; no provider has a place for it. Make them parts of the content"
        warnings.warn(warning, UnsentFieldWarning, stacklevel=6)
    return {name: value for name, value in message.items() if name not in _NOTES and name != _FILES}


def tell_unsent(
    messages: Sequence[Message],
    tools: Sequence[ToolDefinition],
    settings: Iterable[str],
    carried: Carried,
    provider: str,
) -> None:
    """Say in one warning what of messages, tools and the settings given is not sent to a provider that carries this much.

    Warns:
        UnsentFieldWarning: each field is named once, with the first place where it is given.
    """
    first: dict[str, str] = {}
    for place, field in (*_of_messages(messages, carried), *_of_tools(tools, carried)):
        first.setdefault(field, place)
    unsent = [*sorted(carried.without.intersection(settings)), *(f"{place}.{field}" for field, place in first.items())]
    if unsent:
        named = ", ".join(unsent)
        warning = (
            f"{provider} has no place for {named}, and is asked without; leave it out, or ask a provider that takes it"
        )
        warnings.warn(warning, UnsentFieldWarning, stacklevel=4)


def _of_messages(messages: Sequence[Message], carried: Carried) -> Iterator[tuple[str, str]]:
    telling = _OF_MESSAGES - carried.message
    for index, message in enumerate(messages):
        content = message.content
        parts = content if type(content) is list else ()
        # Most messages say nothing of the kind.
        if not parts and not message.model_extra and telling.isdisjoint(message.model_fields_set):
            continue
        place = f"messages[{index}]"
        # The name of a function says again what its call says, and a refusal is the text where there is no other.
        known = ({"name"} if message.role in ("tool", "function") else set()) | (
            {"refusal"} if content is None else set()
        )
        yield from ((place, field) for field in _saying(message, telling - known))
        if not carried.added_to_messages:
            yield from ((place, field) for field in message.model_extra or ())
        for number, part in enumerate(parts):
            yield from _of_part(part, f"{place}.content[{number}]", carried)


def _of_part(part: Given, place: str, carried: Carried) -> Iterator[tuple[str, str]]:
    yield from ((place, field) for field in _saying(part, _OF_PARTS - carried.part))
    if isinstance(part, Extended) and not carried.added_to_parts:
        yield from ((place, field) for field in _saying(part, frozenset(part.model_extra or ()) - carried.part))
    if isinstance(part, CachePointPart) and "cache_control" not in carried.part:
        yield place, part.type
    if isinstance(part, DocumentPart) and part.citations is not None and "citations" not in carried.part:
        yield place, "citations"
    if isinstance(part, ImagePart):
        yield from ((f"{place}.image_url", field) for field in _saying(part.image_url, _OF_PARTS - carried.part))
    inner = getattr(part, "content", None)
    for number, block in enumerate(inner if isinstance(inner, list) else ()):
        if isinstance(block, Given):
            yield from _of_part(block, f"{place}.content[{number}]", carried)


def _of_tools(tools: Sequence[ToolDefinition], carried: Carried) -> Iterator[tuple[str, str]]:
    for index, tool in enumerate(tools):
        for place, definition in ((f"tools[{index}]", tool), (f"tools[{index}].function", tool.function)):
            yield from ((place, field) for field in _saying(definition, _OF_TOOLS - carried.tool))
            if not carried.added_to_tools:
                yield from ((place, field) for field in definition.model_extra or ())


def _saying(value: Given, fields: frozenset[str]) -> Iterator[str]:
    for field in sorted(value.model_fields_set & fields):
        if getattr(value, field) not in _SAYS_NOTHING:
            yield field
