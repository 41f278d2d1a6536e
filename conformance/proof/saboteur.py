"""What a saboteur is: the sound runtime of this project with one thing in it overridden."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct, field

from conformance.subjects.harness import HarnessSubject

NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Saboteur(Struct, frozen=True):
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
    #: Globs, with spaces between them, for scenarios at each of which it must be caught.
    at: str = ""

    @property
    def address(self) -> str:
        """The name by which `load_subject` finds the broken runtime, in any process."""
        return f"conformance.proof:{self.name}"


def replacing(body: Callable[..., Any]) -> Callable[[Any], Any]:
    """Return what has `body` called in place of a function; it is given that function, and then what the call is given."""

    def breaks(sound: Any) -> Callable[..., Any]:
        def broken(*args: Any, **options: Any) -> Any:
            return body(sound, *args, **options)

        return broken

    return breaks


def reading(body: Callable[[Callable[[Any], Any], Any], Any]) -> Callable[[property], property]:
    """Return what has `body` called where a property is read: it is given what reads the sound one, and the owner."""
    return lambda sound: property(lambda owner: body(sound.__get__, owner))


def changing(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what has every value that a function returns go through `change`."""
    return replacing(lambda sound, *args, **options: change(sound(*args, **options)))


def constant(value: Any) -> Callable[[Any], Any]:
    """Return what has a function do nothing, and return `value`."""
    return replacing(lambda *args, **options: value)


def passing(**more: Any) -> Callable[[Any], Any]:
    """Return what has a function called with these options beside its own, or in place of them."""
    return replacing(lambda sound, *args, **options: sound(*args, **{**options, **more}))


def making(breaks: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function as it is, which makes the broken thing from the sound one by itself."""
    return breaks


class Saboteurs(list[Saboteur]):
    """The saboteurs of one area, in order."""

    def add(
        self,
        name: str,
        clauses: str,
        target: str,
        breaks: Callable[[Any], Any],
        also: Mapping[str, str] = NONE,
        **more: Any,
    ) -> None:
        """Add one; `clauses` are their ids, with spaces between them."""
        self.append(Saboteur(name, tuple(clauses.split()), target, breaks, also, **more))

    def row(
        self,
        clauses: str,
        target: str,
        also: Mapping[str, str] = NONE,
        *,
        by: Callable[[Any], Callable[[Any], Any]] = replacing,
        **more: Any,
    ) -> Callable[[Any], None]:
        """Return a decorator that adds one, whose target is broken `by` one of the ways here with a function of its name."""
        return lambda body: self.add(body.__name__.replace("_", "-"), clauses, target, by(body), also, **more)


def override(target: str, breaks: Callable[[Any], Any]) -> None:
    """Replace what `target` names with what `breaks` makes of it, in this process and for good."""
    module_name, _, path = target.partition(":")
    *outer, name = path.split(".")
    owner: Any = importlib.import_module(module_name)
    for part in outer:
        owner = getattr(owner, part)
    setattr(owner, name, breaks(inspect.getattr_static(owner, name)))


#: What a subject is asked for to perform a program, or a part of one.
_PERFORMING: Final = frozenset({"session", "asession", "flow", "conversation", "crew", "llm", "emit"})


class SabotagedSubject(HarnessSubject):
    """The runtime of this project, broken in the processes in which scenarios are performed.

    There it is broken when it is made; anywhere else when it is first called to perform something, since whoever runs the
    suite makes one too, to read its capabilities, and must stay sound.
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

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in _PERFORMING:
            return found

        def perform(*args: Any, **options: Any) -> Any:
            self._break()
            return found(*args, **options)

        return perform
