"""`@tool`: a tool made from a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, overload

from pydantic import BaseModel

from harness.annotations import signature_of
from harness.errors import UsageError
from harness.tools.base_tool import BaseTool


class FunctionTool(BaseTool):
    """A tool that calls a function, sync or async: what `@tool` makes."""

    func: Callable[..., Any]

    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        return self.func(*args, **kwargs)

    async def _arun(self, /, *args: Any, **kwargs: Any) -> Any:
        if inspect.iscoroutinefunction(self.func):
            return await self.func(*args, **kwargs)
        return await super()._arun(*args, **kwargs)

    def _tool_work(self) -> Callable[..., Any]:
        return self.func


@overload
def tool(name: Callable[..., Any], /) -> FunctionTool: ...


@overload
def tool(
    name: str | None = None,
    /,
    *,
    result_schema: type[BaseModel] | None = None,
    result_as_answer: bool = False,
    max_usage_count: int | None = None,
) -> Callable[[Callable[..., Any]], FunctionTool]: ...


def tool(
    name: str | Callable[..., Any] | None = None,
    /,
    *,
    result_schema: type[BaseModel] | None = None,
    result_as_answer: bool = False,
    max_usage_count: int | None = None,
) -> FunctionTool | Callable[[Callable[..., Any]], FunctionTool]:
    """Make a tool of a function, as `@tool`, `@tool("name")` or with options; its docstring is the description.

    Raises:
        UsageError: the function has no docstring, or is a method without its object, or an annotation of it can't be
            resolved.
    """
    if callable(name):
        return _made(name, None)
    options: dict[str, Any] = {
        "result_schema": result_schema,
        "result_as_answer": result_as_answer,
        "max_usage_count": max_usage_count,
    }
    return functools.partial(_made, name=name, **options)


def _made(function: Callable[..., Any], name: str | None, **options: Any) -> FunctionTool:
    original: Any = function
    while isinstance(original, functools.partial):
        original = original.func
    name = name or str(getattr(original, "__name__", type(original).__name__))
    description = inspect.getdoc(original)
    if not description:
        raise UsageError(
            f"the function of the tool {name!r} has no docstring, and that is what the model is told of it: write one"
        )
    made = FunctionTool(name=name, description=description, func=function, **options)
    if next(iter(_own_parameters(function)), None) == "self":
        raise UsageError(
            f"the function of the tool {name!r} is a method without its object: make the tool of the object's, as "
            "tool(kit.search)"
        )
    return made


def _own_parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return what a function takes itself: a decorator may give the one inside its object."""
    try:
        return signature_of(function, follow_wrapped=False).parameters
    except ValueError:  # a decorator that is written in C, such as functools.cache, gives on what it is given
        return signature_of(function).parameters
