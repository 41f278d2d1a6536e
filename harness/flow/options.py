"""The options of a flow's constructor: which are known, of what kind, and which have no effect yet and are refused."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic.fields import FieldInfo

from harness.errors import UsageError

#: Options of the constructor that this runtime knows of and can't do yet.
UNSUPPORTED: Final[Mapping[str, str]] = MappingProxyType({"tracing": "tracing to a service"})

_FLAGS: Final = ("stream", "suppress_flow_events", "defer_trace_finalization")
_CHECKED: Final = (*_FLAGS, "persistence", "input_provider")
#: How alike an unknown keyword and an option are where one was meant to be the other.
_NEAR: Final = 0.7


def plain_options(cls: type) -> dict[str, Any]:
    """Return what a class, its bases and mixins say of the options that `check_options` looks at, as plain values.

    What a property gives is known of no class, and `Field(…)` has a check of its own.
    """
    values = {option: next(vars(base)[option] for base in cls.__mro__ if option in vars(base)) for option in _CHECKED}
    return {
        option: value
        for option, value in values.items()
        if not isinstance(value, FieldInfo) and (callable(value) or not hasattr(value, "__get__"))
    }


def check_options(owner: str, options: Mapping[str, Any]) -> None:
    """Refuse options that were given and are of another kind.

    Raises:
        UsageError: the message names the option, and what was expected.
    """
    for option in _FLAGS:
        if options.get(option) not in (None, True, False):
            raise UsageError(f"{option} of {owner}: expected true or false, not {options[option]!r}")
    if not isinstance(options.get("name"), str | None):
        raise UsageError(f"name of {owner}: expected text, not {options['name']!r}")
    check_persistence(f"persistence of {owner}", options.get("persistence"))
    asks = "an object with request_input(message, flow, metadata)"
    check_method(f"input_provider of {owner}", options.get("input_provider"), "request_input", asks)


def check_persistence(label: str, given: object) -> None:
    """Raise UsageError for what keeps no states, and for what would keep them in coroutines."""
    check_method(label, given, "save_state", "a FlowPersistence, such as SQLiteFlowPersistence('states.db')")
    for method in (
        "save_state",
        "load_state",
        "save_pending_feedback",
        "load_pending_feedback",
        "clear_pending_feedback",
    ):
        if inspect.iscoroutinefunction(getattr(given, method, None)):
            raise UsageError(
                f"{label}: {method} of {type(given).__name__} is a coroutine function, which nobody awaits: make it a plain "
                "one, which is called from a thread and may block"
            )


def check_method(label: str, given: object, method: str, expected: str) -> None:
    """Raise UsageError for an object that lacks a method, and for a class in its place; None is left to a default."""
    if given is not None and (isinstance(given, type) or not callable(getattr(given, method, None))):
        raise UsageError(f"{label}: expected {expected}, not {given!r}")


def refuse(flow: Any, extra: Mapping[str, Any], options: Iterable[str]) -> None:
    """Refuse those of `extra` that are nearly one of `options`, and what would have no effect, given or set in the class.

    Any other unknown keyword is ignored.

    Raises:
        UsageError: the message names the option, and the one that was meant.
    """
    owner = type(flow).__name__
    for option in extra:
        import difflib  # only for names that are unknown

        near = difflib.get_close_matches(option, options, n=1, cutoff=_NEAR)
        if option not in UNSUPPORTED and near:
            raise UsageError(f"{owner} has no option {option!r}; did you mean {near[0]!r}?")
    for option, what in UNSUPPORTED.items():
        value = extra.get(option, getattr(flow, option, None))
        # A method of the graph may have such a name.
        if value and not callable(value):
            raise UsageError(f"{owner} sets {option}, but flows do not support {what} yet")
