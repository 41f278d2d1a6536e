"""Events of an earlier run, published again so that a reader of this one sees the whole story."""

from __future__ import annotations

import contextvars
from collections.abc import Generator

from harness.blocks import block

_replaying: contextvars.ContextVar[bool] = contextvars.ContextVar("harness_replaying", default=False)


def is_replaying() -> bool:
    """Whether the event that is being handled happened in an earlier run, and is only shown again."""
    return _replaying.get()


@block
def replaying() -> Generator[None]:
    """Have what is published inside be known as shown again."""
    token = _replaying.set(True)
    try:
        yield
    finally:
        _replaying.reset(token)
