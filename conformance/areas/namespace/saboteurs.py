"""The saboteur of the clause `namespace.order`."""

from __future__ import annotations

from conformance.proof.frames import NAMESPACE
from conformance.proof.saboteur import Saboteur, changed


def _inside_out(namespace: tuple[str, ...]) -> tuple[str, ...]:
    channel, *names = namespace
    return channel, *reversed(names)


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("namespace-inside-out", ("namespace.order",), NAMESPACE, changed(_inside_out)),
)
