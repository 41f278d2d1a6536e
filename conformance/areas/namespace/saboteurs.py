"""The saboteur of the clause `namespace.order`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.proof.frames import NAMESPACE
from conformance.proof.saboteur import Saboteur


def _inside_out(namespace_of: Callable[..., tuple[str, ...]]) -> Callable[..., tuple[str, ...]]:
    def broken(*arguments: Any) -> tuple[str, ...]:
        channel, *names = namespace_of(*arguments)
        return channel, *reversed(names)

    return broken


SABOTEURS: tuple[Saboteur, ...] = (Saboteur("namespace-inside-out", ("namespace.order",), NAMESPACE, _inside_out),)
