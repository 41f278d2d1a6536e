"""Payloads that are hard to carry: what is not JSON, what is deep, what refers to itself, what fails when looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import Any, Final


class _FailsToPrint:
    def __repr__(self) -> str:
        raise ValueError("no repr")


class FailsToPrintError(Exception):
    """An error that can't say what it is."""

    def __str__(self) -> str:
        raise ValueError("no text")

    __repr__ = __str__


def _nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = [value]
    return value


def _numbered(depth: int) -> Any:
    """Nested dicts, of keys that are text and of others: JSON needs more levels for each, and no more work."""
    value: Any = "bottom"
    for _ in range(depth):
        value = {"inside": value, 1: None}
    return value


class _NoOffset(tzinfo):
    """A zone that knows no offset, as a zone may: a time in it is naive."""

    def utcoffset(self, moment: datetime | None) -> None:
        return None

    dst = tzname = utcoffset


def _cycle() -> Any:
    inside: list[Any] = []
    inside.append({"again": inside})
    return inside


#: Name → what makes the value.
PAYLOADS: Final[Mapping[str, Callable[[], Any]]] = MappingProxyType(
    {
        "plain": lambda: {"text": "plain"},
        "text": lambda: "Grüße",
        "bytes": lambda: b"\x00\xff",
        "nan": lambda: [math.nan, math.inf, -math.inf],
        "deep-150": lambda: _nested(150),
        "tree": lambda: {"a": {"b": [{"c": {"d": {"e": ["leaf", 1, 2.5, True, None]}}}]}},
        "deep-400": lambda: _nested(400),
        "numbered-150": lambda: _numbered(150),
        "cycle": _cycle,
        "surrogate": lambda: {"lone \ud800": "\udfff"},
        "custom": lambda: {"object": object(), "set": {"four", "five", "six"}, 7: "seven"},
        "fails-to-print": _FailsToPrint,
        "naive-time": lambda: datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - naive on purpose
        "time-without-offset": lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=_NoOffset()),
        "times-inside": lambda: {"at": [datetime(2026, 1, 2, 3, 4, 5), {"local": PAYLOADS["local-time"]()}]},  # noqa: DTZ001
        "aware-time": lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        "local-time": lambda: datetime(2026, 1, 2, 5, 4, 5, tzinfo=timezone(timedelta(hours=2))),
    }
)

#: Those that are JSON, within the depth that the contract keeps: they come back as they were sent.
UNCHANGED: Final = frozenset({"plain", "text", "tree", "deep-150"})
#: Those that are one and the same time: a naive one is taken as UTC.
MOMENTS: Final = frozenset({"naive-time", "aware-time", "local-time", "time-without-offset", "times-inside"})


def payload_event(name: str, base: type[Any]) -> Any:
    """Return an event of the user's own, of a subclass of `base`, that carries the payload `name`, as `chunk` too."""
    fields = {"__annotations__": {"type": str, "payload": Any, "chunk": Any}, "__module__": __name__}
    payload = PAYLOADS[name]()
    return type("PayloadEvent", (base,), fields)(type="probe_payload", payload=payload, chunk=payload)
