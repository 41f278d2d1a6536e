"""What the Gemini server answers, as plain data: prompts on one side, replies on the other.

The texts are short and our own. `SCENARIOS` is the script of a server that is given no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from tests.servers.wire_server import Ending


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
class Answer:
    """One model content: its parts in order (text is a string), and the way it travels."""

    parts: tuple[str | Thought | Call, ...]
    finish: str | None = "STOP"
    #: Tokens of the prompt that came from the cache.
    cached: int = 0
    #: The stream sends this many chunks and nothing after them.
    cut_after: int | None = None
    #: How the cut body ends.
    ending: Ending = Ending.WHOLE
    #: Sent as the chunk that follows a cut.
    failure: Failure | None = None
    #: Wait for `server.hold` after this many chunks.
    hold: int | None = None


@dataclass(frozen=True)
class Scenario:
    """A conversation that the server can hold, chosen by a prompt that the last user text contains."""

    prompt: str
    #: Reply n answers the request with n model contents after the prompt; the last one answers the rest.
    replies: tuple[Answer | Failure, ...]


HARBOUR_TEXT: Final = "The harbour is calm tonight, and every boat is home."
UNICODE_TEXT: Final = "Grüße aus Århus: 灯台 🗼 e\u0301té, und 👩‍🚀 winkt."
CROSSING: Final = Thought("A lighthouse stands still, so the ship must turn.")
CROSSING_TEXT: Final = "The ship turns, for the lighthouse can't."
REPORT_JSON: Final = '{"city":"Bergen","temperature_c":11,"summary":"Light rain, clearing by noon."}'
CHECKING: Final = "Let me look."
SIGNATURE: Final = "bGlnaHRob3VzZQ=="
BERGEN_CALL: Final = Call("get_weather", {"city": "Bergen"}, signature=SIGNATURE)
NARVIK_CALL: Final = Call("get_weather", {"city": "Narvik"})
NAMED_CALL: Final = Call("get_tide", id="fn-tide-1")
_OVERLOADED: Final = Failure(503, "UNAVAILABLE", "The model is overloaded.")

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "text": Scenario("How is the harbour tonight?", (Answer((HARBOUR_TEXT,)),)),
        "unicode": Scenario("Send greetings in several scripts.", (Answer((UNICODE_TEXT,)),)),
        "tool_call": Scenario(
            "What is the weather in Bergen?",
            (Answer((CHECKING, BERGEN_CALL)), Answer(("It is 11 degrees in Bergen.",))),
        ),
        "parallel_tool_calls": Scenario(
            "Compare the weather in Bergen and Narvik.",
            (Answer((BERGEN_CALL, NARVIK_CALL)), Answer(("Bergen has 11 degrees and Narvik 4.",))),
        ),
        "named_tool_call": Scenario("When is high tide?", (Answer((NAMED_CALL,)),)),
        "thinking": Scenario("Ship or lighthouse: who turns?", (Answer((CROSSING, CROSSING_TEXT)),)),
        "structured": Scenario("Report the weather in Bergen as JSON.", (Answer((REPORT_JSON,)),)),
        "cached": Scenario("Read the log book again.", (Answer((HARBOUR_TEXT,), cached=2048),)),
        "length": Scenario("Count the waves.", (Answer(("One wave, two",), finish="MAX_TOKENS"),)),
        "filtered": Scenario("Say what may not be said.", (Answer(("I",), finish="SAFETY"),)),
        "rate_limit": Scenario("Ask too often.", (Failure(429, "RESOURCE_EXHAUSTED", "Quota exceeded."),)),
        "overloaded": Scenario("Ask at the busiest hour.", (_OVERLOADED,)),
        "stream_error": Scenario("Break in the middle.", (Answer((HARBOUR_TEXT,), cut_after=3, failure=_OVERLOADED),)),
        "truncated": Scenario("Stop without an end marker.", (Answer((HARBOUR_TEXT,), cut_after=3),)),
        "truncated_eof": Scenario("Hang up in the middle.", (Answer((HARBOUR_TEXT,), cut_after=3, ending=Ending.EOF),)),
        "truncated_reset": Scenario(
            "Reset in the middle.", (Answer((HARBOUR_TEXT,), cut_after=3, ending=Ending.RESET),)
        ),
        "blocked_body": Scenario("Take your time.", (Answer((HARBOUR_TEXT,), hold=1),)),
    }
)
