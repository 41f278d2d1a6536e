"""What the Gemini server answers, as plain data: prompts on one side, replies on the other.

`SCENARIOS` is the script of a server that is given no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tests.servers import script
from tests.servers.script import CHECKING, CROSSING_TEXT, HARBOUR_TEXT, Travels, conversations, travels


@dataclass(frozen=True)
class Thought:
    """A summary of the model's reasoning."""

    text: str


@dataclass(frozen=True)
class Call:
    """One function call that the model asks for; `id` stands on the wire where there is one."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None
    signature: str | None = None


@dataclass(frozen=True)
class Failure:
    """An error in Google's envelope, answered as an HTTP status or sent inside a stream."""

    code: int
    status: str
    message: str


@dataclass(frozen=True)
class Answer(Travels[Failure]):
    """One model content: its parts in order, where text is a string."""

    parts: tuple[str | Thought | Call, ...]
    finish: str | None = "STOP"
    #: Tokens of the prompt that came from the cache.
    cached: int = 0


Scenario = script.Scenario[Answer | Failure]


def say(*parts: str | Thought | Call, **travels: Any) -> Answer:
    return Answer(parts, **travels)


CROSSING: Final = Thought("A lighthouse stands still, so the ship must turn.")
SIGNATURE: Final = "bGlnaHRob3VzZQ=="
BERGEN_CALL: Final = Call("get_weather", {"city": "Bergen"}, signature=SIGNATURE)
NARVIK_CALL: Final = Call("get_weather", {"city": "Narvik"})
NAMED_CALL: Final = Call("get_tide", id="fn-tide-1")
_OVERLOADED: Final = Failure(503, "UNAVAILABLE", "The model is overloaded.")

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        **conversations(say, BERGEN_CALL, NARVIK_CALL, checking=(CHECKING,)),
        "named_tool_call": Scenario("When is high tide?", (say(NAMED_CALL),)),
        "thinking": Scenario("Ship or lighthouse: who turns?", (say(CROSSING, CROSSING_TEXT),)),
        "cached": Scenario("Read the log book again.", (say(HARBOUR_TEXT, cached=2048),)),
        "length": Scenario("Count the waves.", (say("One wave, two", finish="MAX_TOKENS"),)),
        "filtered": Scenario("Say what may not be said.", (say("I", finish="SAFETY"),)),
        "rate_limit": Scenario("Ask too often.", (Failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded."),)),
        "overloaded": Scenario("Ask at the busiest hour.", (_OVERLOADED,)),
        **travels(say, 3, _OVERLOADED),
    }
)
