"""The options of a flow's constructor: which are known, and which have no effect yet and are refused."""

from __future__ import annotations

import difflib
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


def refuse(flow: Any, others: Mapping[str, Any], options: Iterable[str]) -> None:
    """Refuse `others` that are unknown, and what would have no effect, given there or as an attribute of the class.

    Raises:
        UsageError: the message names the option, and the nearest of `options` where it is unknown.
    """
    owner = type(flow).__name__
    for option in others:
        if option not in UNSUPPORTED:
            near = difflib.get_close_matches(option, options, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the options are {', '.join(options)}"
            raise UsageError(f"{owner} has no option {option!r}; {hint}")
    for option, what in UNSUPPORTED.items():
        value = others.get(option, getattr(flow, option, None))
        # A method of the graph may have such a name.
        if value and not callable(value):
            raise UsageError(f"{owner} sets {option}, but flows do not support {what} yet")
