"""What a saboteur is: the sound runtime of this project with one thing in it overridden."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.stage.programs import ConversationProgram, CrewProgram, FlowProgram, Program
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.subject import Performance
from harness import LLM


@dataclass(frozen=True)
class Saboteur:
    """One override of the sound runtime, and the clauses by which it must be caught."""

    #: Unique; as in `numbers-from-zero`.
    name: str
    #: Every one of these must fail.
    clauses: tuple[str, ...]
    #: What is overridden, where it is looked up: `module:attribute` or `module:Class.attribute`.
    target: str
    #: Makes the broken thing from the sound one, as it stands in its owner (a property is given as a property).
    breaks: Callable[[Any], Any]
    #: Clauses that the same fault breaks beside them, each with the reason.
    also: Mapping[str, str] = field(default_factory=dict)
    #: Clauses that it breaks in some runs and not in others, each with the reason.
    perhaps: Mapping[str, str] = field(default_factory=dict)
    #: Scenarios that show it, of those that a sample of their area might leave out.
    shown_by: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The name by which `load_subject` finds the broken runtime, in any process."""
        return f"conformance.proof:{self.name}"


def override(target: str, breaks: Callable[[Any], Any]) -> None:
    """Replace what `target` names with what `breaks` makes of it, in this process and for good."""
    module_name, _, path = target.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module_name)
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, breaks(inspect.getattr_static(owner, name)))


class SabotagedSubject(HarnessSubject):
    """The runtime of this project, broken in the processes in which scenarios are performed.

    There it is broken when it is made; anywhere else when it is first asked for something, since whoever runs the suite
    makes one too, to read its capabilities, and must stay sound.
    """

    #: The name under which a process of its own finds the same broken runtime.
    address: str

    def __init__(self, *overrides: tuple[str, Callable[[Any], Any]]) -> None:
        self._overrides = overrides
        if multiprocessing.parent_process() is not None:
            self._break()

    def _break(self) -> None:
        overrides, self._overrides = self._overrides, ()
        for target, breaks in overrides:
            override(target, breaks)

    def session(self, program: Program, performance: Performance) -> Any:
        self._break()
        return super().session(program, performance)

    def asession(self, program: Program, performance: Performance) -> Any:
        self._break()
        return super().asession(program, performance)

    def flow(self, program: FlowProgram, performance: Performance, **options: Any) -> Any:
        self._break()
        return super().flow(program, performance, **options)

    def conversation(self, program: ConversationProgram, performance: Performance) -> Any:
        self._break()
        return super().conversation(program, performance)

    def crew(self, program: CrewProgram, performance: Performance, *, stream: bool) -> Any:
        self._break()
        return super().crew(program, performance, stream=stream)

    def llm(self, performance: Performance, **settings: Any) -> LLM:
        self._break()
        return super().llm(performance, **settings)

    def emit(self, source: Any, note: str) -> None:
        self._break()
        super().emit(source, note)
