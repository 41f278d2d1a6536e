"""Whether a callable gives a session, or what starts one, told without calling it: by what it says it returns, else by what
it does.
"""

from __future__ import annotations

import functools
import inspect
import re
from types import CodeType, FunctionType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from harness.annotations import annotations_of

#: The methods of flows, LLMs and crews that start a session.
ENTRIES: Final = frozenset(
    {
        "stream_events",
        "stream_frames",
        "astream",
        "stream_turn",
        "astream_turn",
        "kickoff",
        "kickoff_async",
        "akickoff",
    }
)
#: The methods by which a run is started where nothing is said of how.
NATURAL_ENTRIES: Final = ("stream_events", "kickoff", "stream_turn")
_SURFACE: Final = ("frames", "result", "close")
#: How session classes, and those of what starts them, are called, where an annotation can't be evaluated: its module may
#: have been imported for types only.
_SESSION_NAME: Final = re.compile(r"(?:Session|StreamingOutput|Flow|Crew|LLM)\b")


def gives_session(factory: Any) -> bool:
    """Whether calling `factory` is known to give a session, or a flow, an LLM or a crew, which start one.

    It is where its return annotation names one. Without an annotation that says anything, it is where its code uses a
    method that starts a session, or calls a function that gives one; that it knows of a flow is not enough.
    """
    return _gives(factory, set())


def starts_runs(found: Any) -> bool:
    """Whether `found` is a flow, an LLM or a crew, or a class of them."""
    # Of its class: an object that makes up whatever attribute it is asked for is no flow.
    kind = found if isinstance(found, type) else type(found)
    return any(callable(getattr(kind, entry, None)) for entry in NATURAL_ENTRIES)


def makes_subject(factory: Any) -> bool:
    """Whether `factory` says that it returns a flow, an LLM or a crew, which takes inputs of its own."""
    function = None if isinstance(factory, type) else _function_of(factory)
    return function is not None and any(
        isinstance(kind, type) and starts_runs(kind)
        for kind in (get_origin(returned) or returned for returned in _returned(function))
    )


def _gives(factory: Any, seen: set[CodeType]) -> bool:
    if isinstance(factory, type):
        return _is_session(factory)
    function = _function_of(factory)
    if function is None:
        return False
    annotated = _annotated(function)
    return _starts_session(function, seen) if annotated is None else annotated


def _function_of(factory: Any) -> FunctionType | None:
    """Return the function whose code runs when `factory` is called; None for what is written in C."""
    while isinstance(factory, functools.partial):
        factory = factory.func
    called = factory if inspect.isroutine(factory) else vars(type(factory)).get("__call__")
    if called is None:
        return None
    function = inspect.unwrap(getattr(called, "__func__", called))
    return function if isinstance(function, FunctionType) else None


def _annotated(function: FunctionType) -> bool | None:
    """What the return annotation says; None where it says nothing, as `Any` does."""
    written = annotations_of(function).get("return", inspect.Parameter.empty)
    if written in (inspect.Parameter.empty, Any, object, "Any", "object"):
        return None
    kinds = [get_origin(kind) or kind for kind in _returned(function)]
    if not kinds:
        return bool(_SESSION_NAME.search(str(written)))
    return all(_is_session(kind) or (isinstance(kind, type) and starts_runs(kind)) for kind in kinds)


def _returned(function: FunctionType) -> tuple[Any, ...]:
    """What the return annotation names; nothing where it can't be evaluated."""
    try:
        returned = get_type_hints(function).get("return")
    except Exception:
        return ()
    return get_args(returned) if isinstance(returned, UnionType) or get_origin(returned) is Union else (returned,)


def _is_session(kind: Any) -> bool:
    names = set(dir(kind)) | set(annotations_of(kind) if isinstance(kind, type) else ())
    return names.issuperset(_SURFACE) and not names.isdisjoint(("__iter__", "__aiter__"))


def _starts_session(function: FunctionType, seen: set[CodeType]) -> bool:
    for code in _codes(function.__code__):
        if code in seen:
            continue
        seen.add(code)
        if not ENTRIES.isdisjoint(code.co_names):
            return True
        called = (function.__globals__.get(name) for name in code.co_names)
        if any(_gives(factory, seen) for factory in called if isinstance(factory, FunctionType | type)):
            return True
    return False


def _codes(code: CodeType) -> list[CodeType]:
    """Return a function's code and that of what is defined in it."""
    return [
        code,
        *(inner for constant in code.co_consts if isinstance(constant, CodeType) for inner in _codes(constant)),
    ]
