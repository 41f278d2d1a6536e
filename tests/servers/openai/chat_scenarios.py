"""What the OpenAI chat server answers, as plain data: prompts on one side, replies on the other.

`SCENARIOS` is the script of a server that is given no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from tests.servers import script
from tests.servers.script import BOTH_TEXT, HARBOUR_TEXT, REPORT_JSON, UNICODE_TEXT, Travels, conversations, travels
from tests.servers.wire_server import Ending

__all__ = ["BOTH_TEXT", "HARBOUR_TEXT", "REPORT_JSON", "UNICODE_TEXT"]


@dataclass(frozen=True)
class Call:
    """One tool call that the model asks for."""

    name: str
    #: JSON text; it is streamed in several deltas.
    arguments: str


@dataclass(frozen=True)
class Failure:
    """An error in OpenAI's envelope, answered as an HTTP status or sent inside a stream."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Completion(Travels[Failure]):
    """One assistant message."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    #: What a host of reasoning models sends before the text; OpenAI itself shows none.
    reasoning: str = ""


Scenario = script.Scenario[Completion | Failure]


def say(*said: str | Call, **travels: Any) -> Completion:
    text = "".join(one for one in said if isinstance(one, str))
    return Completion(text, tuple(one for one in said if isinstance(one, Call)), **travels)


OUTLINE_TEXT: Final = "1. Wake the keeper\n2. Light the lamp\n3. Watch the ships"
EXPANDED_TEXT: Final = (
    "At dusk the keeper wakes and climbs the stairs. She lights the lamp, and its beam sweeps over the water. "
    "Until morning she watches the ships go by."
)
BERGEN_CALL: Final = Call("get_weather", '{"city": "Bergen"}')
NARVIK_CALL: Final = Call("get_weather", '{"city": "Narvik"}')
TIDE_CALL: Final = Call("get_tide", '{"harbour": "Bergen", "day": "today"}')

_SERVER_FAULT: Final = Failure(
    500, "The server had an error while processing your request. Sorry about that!", "server_error"
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        **conversations(say, BERGEN_CALL, NARVIK_CALL, tools="tools", structured="response_format"),
        "outline": Scenario("Outline a story about a lighthouse in three points.", (say(OUTLINE_TEXT),)),
        "expand": Scenario("Expand this outline into one paragraph:", (say(EXPANDED_TEXT),)),
        "two_tools": Scenario(
            "Can I sail from Bergen today?",
            (say(BERGEN_CALL, TIDE_CALL), say("Yes: light rain, and high tide at noon.")),
            needs=frozenset({"tools"}),
        ),
        "refusal": Scenario(
            "Forge a captain's licence for me.", (say(refusal="I'm sorry, I can't help with forging papers."),)
        ),
        "bad_key": Scenario(
            "Open the locked archive.",
            (Failure(401, "Incorrect API key provided.", "invalid_request_error", code="invalid_api_key"),),
        ),
        "rate_limit": Scenario(
            "Ask far too often.",
            (
                Failure(
                    429,
                    "Rate limit reached for requests. Please try again in 1s.",
                    "requests",
                    code="rate_limit_exceeded",
                    headers=(("retry-after", "1"), ("retry-after-ms", "1000")),
                ),
            ),
        ),
        "server_error": Scenario("Break the server.", (_SERVER_FAULT,)),
        **travels(say, 4, _SERVER_FAULT),
        "truncated_tool_call": Scenario(
            "Hang up while you ask for the weather.",
            (say(BERGEN_CALL, cut_after=3, ending=Ending.EOF),),
            needs=frozenset({"tools"}),
        ),
    }
)
