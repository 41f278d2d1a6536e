"""The saboteur of the clause `namespace.order`."""

from __future__ import annotations

from typing import Any

from conformance.proof.drafts import DRAFT, draft_with
from conformance.proof.saboteur import Saboteur


def _inside_out(draft: Any) -> None:
    channel, *names = draft.namespace
    draft.namespace = (channel, *reversed(names))


SABOTEURS: tuple[Saboteur, ...] = (
    Saboteur("namespace-inside-out", ("namespace.order",), DRAFT, draft_with(_inside_out)),
)
