"""A recorded request as it is read: what our words can say is taken, and all else is carried as it is.

Published cassettes hold fields, blocks and tools of every age and host. A call is made again with all of them, whether or
not this project has a word for each. An ordinary conversation comes back as its caller would have written it; what a
recorded one has besides, such as results among text, is read into parts that say exactly what stood where.

A provider's `parse_system`, `parse_messages` and `parse_tools` return ours of what was recorded, which make exactly
that again, and raise one of UNREADABLE where none do.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from harness.errors import UsageError
from harness.llm.input.messages import Message
from harness.llm.input.reader import read_messages, read_tools
from harness.llm.parameters.kinds import is_read
from harness.llm.recorded import OMIT, RecordedCall
from harness.providers.shared.requests.turns import SYSTEM_ROLES
from harness.providers.shared.requests.wire_body import EXTRA_QUERY, same_names
from harness.providers.shared.shapes import OF_ANOTHER_SHAPE

#: What a parser raises for what it has no words for, or of what has not the shape that the API documents.
UNREADABLE: Final = (UsageError, *OF_ANOTHER_SHAPE)
#: The wire's names of who speaks, where they are ours in other words.
_ROLES: Final = {"model": "assistant", "assistant": "assistant"}

Parse = Callable[[Sequence[Any]], Iterable[dict[str, Any]]]
#: Words after which an answer stops.
STOPS: Final = str | list[str]


class RecordedRequest:
    """The fields of one recorded body. Those that nobody takes are for `additional_params`, which win over all else."""

    def __init__(
        self, recorded: Mapping[str, Any], kinds: Mapping[str, Any] | None = None, *, systems: bool = False
    ) -> None:
        """Begin with a body. Of `kinds`, `stream` and `tools`, what is of another type than it should be is carried.

        `systems` tells whether system messages stand in the conversation on this wire.
        """
        #: What has not been taken.
        self.rest = dict(recorded)
        known = {"stream": bool, "tools": list[dict[str, Any]], **(kinds or {})}
        self._odd = {name for name, value in recorded.items() if name in known and not _fits(value, known[name])}
        self._roles = {**_ROLES, **(same_names(*SYSTEM_ROLES) if systems else {})}

    def take(self, name: str) -> Any:
        """Take a field. None where it is missing, or is carried: what is empty says what no setting of ours would say."""
        if name in self._odd or self.rest.get(name) in (None, [], {}, ""):
            return None
        return self.rest.pop(name)

    def settings(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """Take the fields of our settings. A number that was sent as text is carried: as a setting it would be none."""
        fitting = {ours: wire for ours, wire in fields.items() if not is_read(ours, self.rest.get(wire))}
        return {ours: value for ours, wire in fitting.items() if (value := self.take(wire)) is not None}

    def model(self) -> str:
        """Take the name of the model; where there is none, what stands in its place is carried."""
        name = self.rest.setdefault("model", OMIT)
        return self.rest.pop("model") if isinstance(name, str) and name else "unnamed"

    def base_url(self, url: str, path: str) -> str:
        """Return where a call was made to that path; the query of its URL is carried."""
        base_url, _, query = url.partition("?")
        if query:
            self.carry_query(query)
        return base_url.removesuffix(path)

    def carry_query(self, query: str) -> None:
        """Carry the query of a URL: hosts want versions, keys and formats there that no setting stands for."""
        found = parse_qs(query, keep_blank_values=True)
        self.rest[EXTRA_QUERY] = {name: values[0] if len(values) == 1 else values for name, values in found.items()}

    def messages(self, field: str, parse: Parse) -> list[dict[str, Any]]:
        """Return our messages of a conversation; where we can't say it, what is `spoken`, and the field is carried."""
        wire = self.rest[field]
        with contextlib.suppress(*UNREADABLE):
            found = list(parse(wire))
            if found:
                del self.rest[field]
                return found
        return self.spoken(wire if isinstance(wire, list) else [wire], field)

    def system(self, field: str, parse: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the message that a system prompt is; where we can't say it, none, and the field is carried."""
        wire = self.take(field)
        if wire is None:
            return []
        try:
            return [parse(wire)]
        except UNREADABLE:
            self.rest[field] = wire
            return []

    def tools(self, parse: Parse) -> list[dict[str, Any]]:
        """Return our definitions of tools; where we can't say one, those that we can, and the field is carried."""
        wire = self.take("tools") or ()
        try:
            return list(parse(wire))
        except UNREADABLE:
            self.rest["tools"] = wire
            known: list[dict[str, Any]] = []
            for tool in wire:
                with contextlib.suppress(*UNREADABLE):
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

    def call(
        self, model: str, messages: list[Any], tools: list[Any], *, stream: bool | None = None, **settings: Any
    ) -> RecordedCall:
        """Return the call that makes this request again, with all that is left; `stream` where the URL tells of it."""
        streams = self.take("stream") if stream is None else stream
        return RecordedCall(model, messages, tools, streams, settings).with_rest(self.rest)


def json_object(body: bytes, needed: Iterable[str] = ()) -> dict[str, Any]:
    """Return a recorded body. Raises UsageError where it is no JSON object, or a field that is `needed` is missing."""
    if not body.strip():
        raise UsageError("the recorded request has no body")
    try:
        recorded = json.loads(body)
    except ValueError as error:
        raise UsageError(f"the recorded request body is not JSON: {error}") from error
    if not isinstance(recorded, dict):
        raise UsageError(f"the recorded request body is {type(recorded).__name__}, not an object")
    for name in needed:
        if name not in recorded:
            raise UsageError(f"the recorded request has no {name!r}")
    return recorded


def body_fields(body: bytes | None) -> Mapping[str, Any]:
    """Return the fields of a body; none where it is not known, or is no JSON object."""
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_tools(wire: Sequence[Any]) -> list[dict[str, Any]]:
    """Return definitions of functions that are on the wire as they are given to us. Raises ValueError where one is not."""
    tools = [tool.given() for tool in read_tools(wire)]
    check_same(tools, list(wire))
    return tools


def tool_call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    """Return a recorded tool call, whose arguments are an object there, as it is given to us."""
    function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
    return {"id": call_id, "type": "function", "function": function}


def text_or_parts(parts: Sequence[Mapping[str, Any]]) -> Any:
    """Return parts as a caller would give them: text alone as a string."""
    return parts[0]["text"] if len(parts) == 1 and parts[0].keys() == {"type", "text"} else parts


def picked(recorded: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """Return those of the fields that are there, under the names that are given for theirs."""
    return {ours: recorded[wire] for wire, ours in names.items() if wire in recorded}


def rebuilt(
    wire: Iterable[Any], readings: Sequence[Callable[[Any], list[dict[str, Any]]]], make: Callable[[list[Message]], Any]
) -> Iterator[dict[str, Any]]:
    """Yield our messages of recorded ones, of each by the first reading of which `make` makes it again.

    Results of tools that stand in two in a row are none of which it makes two again. Raises ValueError where no reading fits.
    """
    after_results = False
    for item in wire:
        for read in readings:
            with contextlib.suppress(ValueError):
                ours = checked(read(item), make, [item])
                are_results = ours[0]["role"] == "tool"
                if not (are_results and after_results):
                    break
        else:
            raise ValueError(f"{item!r:.200} can't be rebuilt")
        yield from ours
        after_results = are_results


def checked(ours: list[dict[str, Any]], make: Callable[[list[Message]], Any], recorded: Any) -> list[dict[str, Any]]:
    """Return our messages. Raises ValueError where what `make` makes of them is not what was recorded."""
    check_same(make(read_messages(ours)), recorded)
    return ours


def check_same(made: Any, recorded: Any) -> None:
    """Raise ValueError where what was made of something recorded is not that again."""
    if json.dumps(made, sort_keys=True) != json.dumps(recorded, sort_keys=True):
        raise ValueError(f"{recorded!r:.200} can't be rebuilt")


def _texts(content: Any) -> Iterable[str]:
    for part in content if isinstance(content, list) else [content]:
        text = part.get("text") if isinstance(part, Mapping) else part
        if isinstance(text, str):
            yield text


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
