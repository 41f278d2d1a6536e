"""What a message says, what of it in words, and the words for what is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: What an object without a text of its own is in a line, and what follows it; and where it lies, which other texts may say, too.
_OBJECTS: Final = re.compile(r"<.*")
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]{1,16}\b")


def words_in(content: Any) -> str:
    """Return the text of a content: of parts, that of those which are text."""
    if not isinstance(content, list):
        return "" if content is None else str(content)
    texts = [part.get("text") for part in content if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def says_something(content: Any) -> bool:
    """Whether there is anything to answer in a content: a part, or text that is not blank."""
    return bool(content.strip()) if isinstance(content, str) else bool(content)


def has_content(message: Mapping[str, Any]) -> bool:
    """Whether a message says something, has files, or is one that others stand by: a call to a tool, or its output."""
    has_more = message.get("tool_calls") or message.get("files") or message.get("role") == "tool"
    return bool(has_more) or says_something(message.get("content"))


def value_text(value: Any) -> str:
    """Return what a model is told of a value: `str` of it, but the same in each process, so that a recorded request is made again.

    A set has its items in another order there, and an object without a text of its own another address.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, set | frozenset) and value:
        items = ", ".join(sorted(without_addresses(repr(item)) for item in value))
        return f"{{{items}}}"
    return without_addresses(str(value))


def without_addresses(text: str) -> str:
    """Return a text without where objects in it lie in memory, as in `<Tide object at 0x7f2b4c1d2e50>`: elsewhere each time."""
    return _OBJECTS.sub(lambda found: _ADDRESS.sub("", found[0]), text)


def whole_characters(value: Any) -> Any:
    """Return messages, or what they are made of, with the halves of a character together, and one for each that is alone.

    Half of a character, as of text that was cut by UTF-16, can be written on no wire.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return value
    if isinstance(value, Mapping):
        return {name: whole_characters(part) for name, part in value.items()}
    return [whole_characters(part) for part in value] if isinstance(value, list) else value
