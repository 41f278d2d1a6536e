"""The options of a flow's constructor: which are known, and which have no effect yet and are refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from harness.errors import UsageError

#: Options of the constructor that this runtime knows of and can't do yet.
UNSUPPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tracing": "tracing to a service",
    }
)


#: How alike an unknown keyword and an option are where one was meant to be the other.
_NEAR: Final = 0.7


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
