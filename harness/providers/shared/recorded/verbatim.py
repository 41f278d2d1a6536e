"""What a recorded body says that our words can't: the field is carried as it is, and wins over what we would send.

Published cassettes hold fields, blocks and tools of every age and host. A call is made again with all of them, whether or
not this project has a word for each.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from harness.errors import UsageError
from harness.llm.input.messages import read_tools

#: What a parser raises that trusts what it reads to have the shape that the API documents.
OF_ANOTHER_SHAPE: Final = (AttributeError, LookupError, TypeError, ValueError)
_UNREADABLE: Final = (UsageError, *OF_ANOTHER_SHAPE)
#: The wire's names of who speaks, where they are ours in other words.
_ROLES: Final = {"model": "assistant", "assistant": "assistant"}
_SYSTEMS: Final = {"system": "system", "developer": "developer"}

Parse = Callable[[Sequence[Any]], Iterable[dict[str, Any]]]


class Verbatim:
    """The fields of one recorded body that are carried as they are, for `additional_params`."""

    def __init__(self, *, systems: bool = False) -> None:
        """Begin with none; `systems` tells whether system messages stand in the conversation on this wire."""
        self.fields: dict[str, Any] = {}
        self._roles = {**_ROLES, **(_SYSTEMS if systems else {})}

    def messages(self, field: str, wire: Any, parse: Parse) -> list[dict[str, Any]]:
        """Return our messages of a conversation; where we can't say it, what is spoken in it, and the field is carried.

        Raises:
            UsageError: it is none; the place is named.
        """
        try:
            found = list(parse(wire))
            if found:
                return found
        except _UNREADABLE:
            pass
        self.fields[field] = wire
        return self.spoken(wire if isinstance(wire, list) else [wire], field)

    def tools(self, field: str, wire: Sequence[Any], parse: Parse) -> list[dict[str, Any]]:
        """Return our definitions of tools; where we can't say one, those that we can, and the field is carried."""
        try:
            return list(parse(wire))
        except _UNREADABLE:
            self.fields[field] = wire
            known: list[dict[str, Any]] = []
            for tool in wire:
                with contextlib.suppress(*_UNREADABLE):
                    known += parse([tool])
            return known

    def spoken(self, wire: Sequence[Any], field: str) -> list[dict[str, Any]]:
        """Return the text of each message, by who speaks. Raises UsageError for what is none; its place is named."""
        return list(self._spoken(wire, field)) or [{"role": "user", "content": ""}]

    def _spoken(self, wire: Sequence[Any], field: str) -> Iterable[dict[str, Any]]:
        for place, item in enumerate(wire):
            message = {"content": item} if isinstance(item, str) else item
            if not isinstance(message, Mapping):
                raise UsageError(f"{field}[{place}] of the recorded request is {type(message).__name__}, not an object")
            role = message.get("role", "user")
            if not isinstance(role, str):
                raise UsageError(f"{field}[{place}].role of the recorded request is not text")
            content = message.get("content", message.get("parts"))
            yield {"role": self._roles.get(role, "user"), "content": "".join(_texts(content))}


def parse_tools(wire: Sequence[Any]) -> list[dict[str, Any]]:
    """Return definitions of functions that are on the wire as they are given to us. Raises UsageError where one is not."""
    given = [tool.given() for tool in read_tools(wire)]
    check_same(given, list(wire), "tools")
    return given


def check_same(made: Any, recorded: Any, field: str) -> None:
    """Raise UsageError where what was made of a recorded field is not that field again."""
    if json.dumps(made, sort_keys=True) != json.dumps(recorded, sort_keys=True):
        raise UsageError(f"{field} of the recorded request can't be rebuilt")


def _texts(content: Any) -> Iterable[str]:
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            yield text
