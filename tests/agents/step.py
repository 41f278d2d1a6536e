"""What a request says in a loop: all but its prompts, whichever way its provider has of putting it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from harness.llm.recorded import RecordedCall
from harness.providers.registry import recognized
from harness.recording.wire import WireRequest

#: The tool by which an answer in a form is asked for.
FORM_TOOL: Final = "structured_output"


def call_of(request: WireRequest) -> RecordedCall:
    """Return a request to a model in our own terms."""
    api = recognized(request.method, request.url)
    assert api is not None, f"{request.url} is no call to a model"
    return api.parse(request.url, request.body)


@dataclass(frozen=True)
class LoopStep:
    """What a request says, but for its prompts."""

    model: str
    #: The tools that are offered: names, and names of their parameters.
    tools: tuple[tuple[str, tuple[str, ...]], ...]
    #: How a form of the answer is asked for, where one is.
    form: Literal["by a field", "by a tool"] | None
    #: Roles of prompts; calls with their arguments; results, each with the place of the call that it answers.
    turns: tuple[Any, ...]
    has_system: bool
    #: Whether it has what the provider signed of the model's thoughts.
    is_signed: bool

    @classmethod
    def of(cls, call: RecordedCall) -> LoopStep:
        offered = [tool["function"] for tool in call.tools if tool.get("type") == "function"]
        reader = _Turns()
        reader.read(call.messages)
        return cls(
            call.model,
            tuple(
                (tool["name"], tuple(sorted((tool.get("parameters") or {}).get("properties", {}))))
                for tool in offered
                if tool["name"] != FORM_TOOL
            ),
            _form(call),
            tuple(reader.turns),
            reader.has_system,
            reader.is_signed,
        )


def _form(call: RecordedCall) -> Literal["by a field", "by a tool"] | None:
    if any(tool.get("function", {}).get("name") == FORM_TOOL for tool in call.tools):
        return "by a tool"
    own = json.dumps(call.settings.get("additional_params", {}), default=str)
    return "by a field" if "response_format" in call.settings or "json_schema" in own else None


class _Turns:
    """Reads messages, whichever way their provider has of putting calls and results."""

    def __init__(self) -> None:
        self.turns: list[Any] = []
        self.has_system = self.is_signed = False
        self._places: dict[str, int] = {}

    def read(self, messages: Sequence[Mapping[str, Any]]) -> None:
        for message in messages:
            role, content = str(message["role"]), message.get("content")
            blocks = content if isinstance(content, list) else [{"type": "text", "text": content}] if content else []
            if role == "tool":
                self._result(message["tool_call_id"], content)
                continue
            for block in blocks:
                self._block(role, block)
            for call in message.get("tool_calls") or ():
                self._call(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))

    def _block(self, role: str, block: Mapping[str, Any]) -> None:
        kind = block.get("type", "text")
        if "signature" in block or kind in ("reasoning", "thinking"):
            self.is_signed = True
        if role == "system":
            self.has_system = True
            return
        match kind:
            case "tool_use":
                self._call(block["id"], block["name"], block["input"])
            case "tool_result":
                self._result(block["tool_use_id"], block["content"])
            # What a model says beside its calls, and a user after the results, changes no step.
            case "text" if role != "assistant" and not self._places and self.turns[-1:] != [role]:
                self.turns.append(role)

    def _call(self, call_id: str, name: str, arguments: Any) -> None:
        self._places[call_id] = len(self._places)
        self.turns.append((name, written(arguments)))

    def _result(self, call_id: str, content: Any) -> None:
        self.turns.append((self._places[call_id], str(_plain(content))))


def written(arguments: Mapping[str, Any]) -> str:
    """Return arguments as text, the same for 1 and 1.0."""
    plain = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in arguments.items()
    }
    return json.dumps(plain, sort_keys=True)


def _plain(content: Any) -> Any:
    """Return a result without the wrapping that its provider wants."""
    if isinstance(content, list) and len(content) == 1:
        block = content[0]
        return _plain(block["value"] if block["type"] == "json" else block["text"])
    if isinstance(content, dict) and len(content) == 1:
        return next(iter(content.values()))
    return content
