"""A loop as it was recorded: its requests, and tools that give what these say that tools gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, PrivateAttr, create_model

from harness import BaseTool
from harness.llm.recorded import RecordedCall
from harness.providers.registry import recognized
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.wire import Interaction
from tests.agents.step import FORM_TOOL, LoopStep, call_of, written

_TYPES: Final[Mapping[str, Any]] = {"integer": int, "number": float, "array": list[str]}


@dataclass(frozen=True)
class RecordedLoop:
    """The calls to models in a cassette, as a loop."""

    path: Path
    #: The places of the calls in the cassette, from 1.
    numbers: tuple[int, ...]
    interactions: tuple[Interaction, ...]
    calls: tuple[RecordedCall, ...]
    steps: tuple[LoopStep, ...]

    @classmethod
    def of(cls, path: Path) -> RecordedLoop:
        found = {
            number: one
            for number, one in enumerate(read_cassette(path), start=1)
            if recognized(one.request.method, one.request.url) is not None
        }
        calls = tuple(call_of(one.request) for one in found.values())
        return cls(path, (*found,), (*found.values(),), calls, tuple(map(LoopStep.of, calls)))

    @property
    def is_loop(self) -> bool:
        """Whether a request says more than prompts: calls, and what they gave."""
        return any(not isinstance(turn, str) for step in self.steps for turn in step.turns)

    def tools(self) -> list[BaseTool]:
        """Return the tools that its requests offer; each gives what the requests say that it gave."""
        offered = {function["name"]: function for function in self._functions() if function["name"] != FORM_TOOL}
        return [_Told.of(function, self.results()) for function in offered.values()]

    def results(self) -> dict[tuple[str, str], str]:
        """Return what each call of a tool gave, by its name and arguments."""
        given: dict[tuple[str, str], str] = {}
        for step in self.steps:
            called = [turn for turn in step.turns if isinstance(turn, tuple) and isinstance(turn[0], str)]
            given |= {called[turn[0]]: turn[1] for turn in step.turns if isinstance(turn[0], int)}
        return given

    def form(self) -> type[BaseModel] | None:
        """Return the model of the last answer, where one is asked for."""
        asked = [call.settings["response_format"] for call in self.calls if "response_format" in call.settings]
        schemas = [one["json_schema"]["schema"] for one in asked]
        schemas += [tool["parameters"] for tool in self._functions() if tool["name"] == FORM_TOOL]
        return _model(schemas[-1]) if schemas else None

    def _functions(self) -> list[dict[str, Any]]:
        return [tool["function"] for call in self.calls for tool in call.tools]


class _Told(BaseTool):
    """A tool that gives what was recorded."""

    _given: Mapping[tuple[str, str], str] = PrivateAttr()

    @classmethod
    def of(cls, function: Mapping[str, Any], given: Mapping[tuple[str, str], str]) -> _Told:
        schema = _model({"title": "Arguments", **(function.get("parameters") or {})})
        made = cls(name=function["name"], description=function.get("description") or "A tool.", args_schema=schema)
        made._given = given
        return made

    def _run(self, **arguments: Any) -> str:
        given = {name: value for name, value in arguments.items() if value is not None}
        return self._given[self.name, written(given)]


def _model(schema: Mapping[str, Any]) -> type[BaseModel]:
    required = schema.get("required", ())
    fields: dict[str, Any] = {
        name: (_TYPES.get(str(one.get("type")).lower(), str), ... if name in required else None)
        for name, one in schema.get("properties", {}).items()
    }
    return create_model(str(schema.get("title", "Form")), **fields)


def loops(folder: Path) -> Iterator[RecordedLoop]:
    """Yield the cassettes below a folder that have several calls to models."""
    for path in sorted(folder.rglob("*.yaml")):
        loop = RecordedLoop.of(path)
        if len(loop.calls) > 1:
            yield loop
