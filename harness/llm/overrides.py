"""Call-scoped overrides: streaming and stop words for one call, without touching the LLM that others share.

They hold for calls in the context that set them, and for what it starts (clauses `entry.flag-restored` and
`entry.llm-overrides`). Only an object that is no `BaseLLM`, and so knows no call scope, is set and restored, one call at
a time.
"""

from __future__ import annotations

import contextlib
import contextvars
import threading
from collections.abc import Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from harness.blocks import block
from harness.fork import freed_by_fork
from harness.llm.parameters.names import words

_Overrides = Mapping[int, Any]
_nothing: _Overrides = MappingProxyType({})
_stream: contextvars.ContextVar[_Overrides] = contextvars.ContextVar("harness_stream", default=_nothing)
_stop: contextvars.ContextVar[_Overrides] = contextvars.ContextVar("harness_stop", default=_nothing)
_foreign = freed_by_fork(threading.RLock())


def call_stream_override(llm: Any, stream: bool) -> contextlib.AbstractContextManager[None]:
    """Return a context in which calls of `llm` stream, or don't, whatever its own setting."""
    return _overridden(_stream, "stream", llm, stream)


def call_stop_override(llm: Any, stop: str | Sequence[str] | None) -> contextlib.AbstractContextManager[None]:
    """Return a context in which calls of `llm` stop at this word, or these; None leaves its own in force.

    Raises:
        UsageError: it is neither.
    """
    return _overridden(_stop, "stop", llm, None if stop is None else words("the stop of a call", stop))


def stream_override(llm: Any) -> bool | None:
    """Return what `call_stream_override` set for `llm` in this context."""
    return _stream.get().get(id(llm))


def stop_override(llm: Any) -> list[str] | None:
    """Return what `call_stop_override` set for `llm` in this context."""
    return _stop.get().get(id(llm))


@block
def _overridden(variable: contextvars.ContextVar[_Overrides], attribute: str, llm: Any, value: Any) -> Generator[None]:
    if not getattr(llm, "knows_call_scope", False):
        with _foreign:
            before = getattr(llm, attribute, None)
            setattr(llm, attribute, value)
            try:
                yield
            finally:
                setattr(llm, attribute, before)
        return
    # Not set back with a token: a session's body enters and leaves in one context, an async one may be closed in another.
    before_all = variable.get()
    variable.set(MappingProxyType({**before_all, id(llm): value}))
    try:
        yield
    finally:
        variable.set(before_all)
