"""With-blocks written as generators that do the same whatever their body raises, which they don't touch.

`contextlib.contextmanager` has an exception pass through the generator, and then sets its traceback back. One that can't
be changed, such as a frozen dataclass, refuses that by another exception (clause `error.original`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ContextDecorator
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class WithBlock(ContextDecorator, AbstractContextManager[T, None], Generic[T]):
    """A with-block around the only `yield` of a generator; also a decorator, of a function whose calls are each in one."""

    def __init__(self, make: Callable[[], Generator[T]]) -> None:
        self._make = make

    def _recreate_cm(self) -> WithBlock[T]:
        return WithBlock(self._make)

    def __enter__(self) -> T:
        self._steps = self._make()
        return next(self._steps)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._steps.close()


def block(function: Callable[P, Generator[T]]) -> Callable[P, WithBlock[T]]:
    """Return a function that makes with-blocks: what the generator has in its `finally` is done at their end."""

    @functools.wraps(function)
    def made(*args: P.args, **kwargs: P.kwargs) -> WithBlock[T]:
        return WithBlock(lambda: function(*args, **kwargs))

    return made
