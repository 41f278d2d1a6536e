"""What to do about a recording that does not fit, in the words of the command that met it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_option: Final[ContextVar[str]] = ContextVar("harness_mode_option", default="--mode")


@contextmanager
def mode_option(name: str) -> Iterator[None]:
    """Have messages of this context call the option that chooses the mode by this name."""
    token = _option.set(name)
    try:
        yield
    finally:
        _option.reset(token)


def with_mode(mode: str) -> str:
    """Return the option that asks for `mode`, as in `--mode new`."""
    return f"{_option.get()} {mode}"
