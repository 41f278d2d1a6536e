"""Messages and tools as the public calls take them, read into their typed form (`harness.llm.input.messages`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from harness.errors import UsageError
from harness.llm.input.hosted import HostedTool, is_hosted
from harness.llm.input.messages import OF_ANY_TYPE, Message, ToolDefinition
from harness.llm.input.value import Extended, Given
from harness.validation import first_fault

if TYPE_CHECKING:
    from harness.tools import BaseTool

_WHEN_USED: Final = ConfigDict(defer_build=True)
_messages = TypeAdapter(list[Message], config=_WHEN_USED)
_tools = TypeAdapter(list[ToolDefinition], config=_WHEN_USED)


def read_messages(messages: str | Sequence[dict[str, Any] | Message | BaseModel]) -> list[Message]:
    """Return messages in their typed form; a string is one user message, and an SDK's object what it says.

    Raises:
        UsageError: with the place and what was expected there.
    """
    if isinstance(messages, str):
        return [Message(role="user", content=messages)]
    return _read(_messages, [_plain(message) for message in listed_messages(messages)], "messages")


def listed_messages(messages: Any) -> list[Any]:
    """Return messages that are given as a list. Raises UsageError for what is none, or holds what is no message."""
    expected = "text, or a list of messages such as {'role': 'user', 'content': '…'}"
    listed = [*_listed(messages, "messages", expected)]
    for place, message in enumerate(listed):
        if not isinstance(message, Mapping | BaseModel):
            raise UsageError(f"messages[{place}]: expected an object, not {message!r:.60}")
        if isinstance(message, BaseModel) and not hasattr(message, "content"):
            # Such as Gemini's: what such an object says stands where it would be left out.
            raise UsageError(f"messages[{place}]: {type(message).__name__} has no content; expected {expected}")
    return listed


def _listed(value: Any, name: str, expected: str) -> Iterable[Any]:
    if isinstance(value, str | bytes | Mapping | BaseModel) or not isinstance(value, Iterable):
        raise UsageError(f"{name}: expected {expected}, not {value if value is None else type(value).__name__}")
    return value


def _plain(message: Any) -> Any:
    if isinstance(message, Message):
        return message
    if isinstance(message, Mapping):
        fields = dict(message)
        for name in ("content", "tool_calls"):
            if isinstance(fields.get(name), list):
                fields[name] = [_dumped(part) for part in fields[name]]
        return fields
    # A message's own fields have our names in Python, whatever they are called on a wire that is not a provider's.
    fields = {**_dumped(message, by_alias=False), **_dumped(message)}
    # What the object says beside the message, such as its usage, and what an SDK has parsed of it, is no part of it.
    return {name: value for name, value in fields.items() if name in Message.model_fields and name != "parsed"}


def _dumped(value: Any, *, by_alias: bool = True) -> Any:
    """Return what an SDK's object says on the wire, but for what that has parsed of it; any other value as it is."""
    if isinstance(value, Given) or not isinstance(value, BaseModel):
        return value
    dumped = value.model_dump(mode="json", by_alias=by_alias, exclude_none=True, warnings=False)
    for call in (dumped, *(dumped.get("tool_calls") or ())):
        call.get("function", {}).pop("parsed_arguments", None)
    return dumped


def _nested(tool: Any) -> Any:
    """Return a tool, or a function that is written flat, `{name, description, parameters | input_schema}`, in OpenAI's form."""
    definition = getattr(tool, "definition", None)
    if callable(definition):
        return definition()
    if not isinstance(tool, Mapping) or "function" in tool or not isinstance(tool.get("name"), str):
        return tool
    function = {name: value for name, value in tool.items() if name not in ("type", "input_schema", "cache_control")}
    if "input_schema" in tool:
        function.setdefault("parameters", tool["input_schema"])
    mark = {"cache_control": tool["cache_control"]} if "cache_control" in tool else {}
    return {"type": "function", "function": function, **mark}


def read_tools(tools: Sequence[dict[str, Any] | ToolDefinition | HostedTool | BaseTool] | None) -> list[ToolDefinition]:
    """Return the functions among tools in their typed form.

    Raises:
        UsageError: with the place and what was expected there.
    """
    listed = _listed(tools or (), "tools", "a list of tools")
    functions = [_nested(tool) for tool in listed if not is_hosted(tool)]
    return _read(_tools, functions, "tools") if functions else []


def _read(adapter: TypeAdapter[list[Any]], value: Any, name: str) -> list[Any]:
    try:
        found = adapter.validate_python(list(value))
    except ValidationError as error:
        raise UsageError(first_fault(error, name, _shown)) from error
    for place, item in enumerate(found):
        _refuse_typos(item, f"{name}[{place}]")
    return found


def _refuse_typos(value: Any, place: str) -> None:
    if value.model_extra and (typo := value.typo()):
        raise UsageError(f"{place}: {typo}")
    if type(value) is ToolDefinition:
        _refuse_typos(value.function, f"{place}.function")
    elif type(value) is Message and type(value.content) is list:
        for number, part in enumerate(value.content):
            if isinstance(part, Extended):
                _refuse_typos(part, f"{place}.content[{number}]")


def _shown(steps: Sequence[str | int]) -> list[str | int]:
    """Return the steps of a place without the kind of a call or of a part, which are no parts of it."""
    known = [step for at, step in enumerate(steps) if steps[max(at - 2, 0) : at][:1] != ("tool_calls",) or at < 2]
    return [step for step in known if step not in OF_ANY_TYPE]
