"""Saboteurs: runtimes broken on purpose, one override each, as the proof that every check can fail.

`harness conformance --runtime conformance.proof:NAME` runs the suite against one of them.
"""

from __future__ import annotations

from functools import cache

from conformance.areas.channel import saboteurs as channel
from conformance.areas.cleanup import saboteurs as cleanup
from conformance.areas.entry import saboteurs as entry
from conformance.areas.envelope import saboteurs as envelope
from conformance.areas.error import saboteurs as error
from conformance.areas.llm import saboteurs as llm
from conformance.areas.namespace import saboteurs as namespace
from conformance.areas.order import saboteurs as order
from conformance.areas.replay import saboteurs as replay
from conformance.areas.result import saboteurs as result
from conformance.areas.scope import saboteurs as scope
from conformance.areas.session import saboteurs as session
from conformance.proof.saboteur import SabotagedSubject, Saboteur

__all__ = ["SabotagedSubject", "Saboteur", "saboteurs"]


@cache
def saboteurs() -> dict[str, Saboteur]:
    """Return every saboteur by its name, area by area."""
    areas = (envelope, channel, namespace, order, session, result, error, cleanup, scope, entry, llm, replay)
    every = [one for area in areas for one in area.SABOTEURS]
    by_name = {one.name: one for one in every}
    if len(by_name) != len(every):
        names = [one.name for one in every]
        raise ValueError(f"two saboteurs have one name: {sorted({name for name in names if names.count(name) > 1})}")
    return by_name


def __getattr__(name: str) -> SabotagedSubject:
    found = saboteurs().get(name)
    if found is None:
        raise AttributeError(f"there is no saboteur {name!r}; there are: {', '.join(saboteurs())}")
    subject = SabotagedSubject((found.target, found.breaks))
    subject.address = found.address
    return subject
