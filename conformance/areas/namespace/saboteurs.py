"""The saboteur of the clause `namespace.order`."""

from __future__ import annotations

from typing import Final

from conformance.proof.frames import NAMESPACE
from conformance.proof.saboteur import Saboteurs, changing

SABOTEURS: Final = Saboteurs()


@SABOTEURS.row("namespace.order", NAMESPACE, by=changing)
def namespace_inside_out(namespace: tuple[str, ...]) -> tuple[str, ...]:
    channel, *names = namespace
    return channel, *reversed(names)
