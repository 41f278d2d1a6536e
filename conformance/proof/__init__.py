"""Saboteurs: runtimes broken on purpose, one override each, as the proof that every check can fail.

`harness conformance --runtime conformance.proof:NAME` runs the suite against one of them.
"""

from __future__ import annotations

from conformance.areas.catalogue import saboteurs
from conformance.proof.saboteur import SabotagedSubject, Saboteur

__all__ = ["SabotagedSubject", "Saboteur", "saboteurs"]


def __getattr__(name: str) -> SabotagedSubject:
    found = saboteurs().get(name)
    if found is None:
        raise AttributeError(f"there is no saboteur {name!r}; there are: {', '.join(saboteurs())}")
    subject = SabotagedSubject((found.target, found.breaks))
    subject.address = found.address
    return subject
