"""Saboteurs of the clauses `order.*`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.saboteurs.saboteur import Saboteur


def _from_zero(frame: Callable[..., Any]) -> Callable[..., Any]:
    return lambda draft, seq, parent_id: frame(draft, seq - 1, parent_id)


_FRAME = "harness.frames:Draft.frame"

SABOTEURS: tuple[Saboteur, ...] = (Saboteur("numbers-from-zero", ("order.seq-gapless",), _FRAME, _from_zero),)
