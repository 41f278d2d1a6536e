"""The kinds of run that sessions are tried on, so that a runtime of calls alone and one of flows are put through the same."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from msgspec import Struct

from conformance.areas.channel.scenarios import MESSAGE
from conformance.areas.session.views import MORE_VIEWS, PROJECTIONS
from conformance.stage.programs import Ask, Block, CallProgram, Emit, FlowProgram, Method, Program, Reach, Script
from conformance.stage.reader import SessionKind, attempt
from conformance.stage.scenario import FLOW, FLOW_AND_LLM, LLM
from conformance.timeline.expected import Expected

_CALL: Final = CallProgram(Ask(Script(("Hel", "lo", Block("held"), " there", "."))))
#: How many frames of each program come for sure before it is held.
BEFORE_HOLD: Final = 2


class Setting(Struct, frozen=True):
    name: str
    program: Program
    needs: frozenset[str]
    #: Two channels that the run's frames are on.
    busy: tuple[str, str]


def _flow(*asks: Ask) -> FlowProgram:
    """Return a flow whose methods ask so; for runtimes that know of no model, none does."""
    opens = Method("opens", (Reach("began"), Emit("one"), MESSAGE, *asks, Emit("two")))
    return FlowProgram((opens, Method("waits", (Block("held"), Emit("three"), *asks), after=("opens",))))


SETTINGS: Final = (
    Setting("flow", _flow(Ask()), FLOW_AND_LLM, ("flow", "custom")),
    Setting("plain", _flow(), FLOW, ("flow", "custom")),
    Setting("call", _CALL, LLM, ("llm", "flow")),
)


def surface(kind: SessionKind, session: Any) -> Iterator[Expected]:
    """Look at what a session has of the views that it must have, and of those that it ought to have."""
    names = names_of(session)
    for clause, wanted in (("session.projections", PROJECTIONS), ("session.more-projections", (*MORE_VIEWS,))):
        missing = tuple(name for name in wanted if name not in names)
        yield Expected(clause, f"what the {kind} session lacks", (), missing)


def names_of(session: Any) -> frozenset[str]:
    """Return the public names that a session has; that reading one raises something else is another matter."""
    public = (name for name in dir(session) if not name.startswith("_"))
    return frozenset(
        name for name in public if not isinstance(attempt(partial(getattr, session, name)), AttributeError)
    )
