"""The kinds of run that sessions are tried on, so that a runtime of calls alone and one of flows are put through the same."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from conformance.areas.channel.scenarios import MESSAGE
from conformance.stage.programs import Ask, Block, CallProgram, Emit, FlowProgram, Method, Program, Reach, Script

_CALL: Final = CallProgram(Ask(Script(("Hel", "lo", Block("held"), " there", "."))))
#: How many frames of each program come for sure before it is held.
BEFORE_HOLD: Final = 2


class Setting(Struct, frozen=True):
    name: str
    program: Program
    needs: str
    #: Two channels that the run's frames are on.
    busy: tuple[str, str]


def _flow(*asks: Ask) -> FlowProgram:
    """Return a flow whose methods ask so; for runtimes that know of no model, none does."""
    opens = Method("opens", (Reach("began"), Emit("one"), MESSAGE, *asks, Emit("two")))
    return FlowProgram((opens, Method("waits", (Block("held"), Emit("three"), *asks), after=("opens",))))


SETTINGS: Final = (
    Setting("flow", _flow(Ask()), "flow llm", ("flow", "custom")),
    Setting("plain", _flow(), "flow", ("flow", "custom")),
    Setting("call", _CALL, "llm", ("llm", "flow")),
)
