"""What the OpenAI chat server answers, as plain data: prompts on one side, replies on the other.

The texts are short and our own. `SCENARIOS` is the script of a server that is given no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from tests.servers.wire_server import Ending


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
class Completion:
    """One assistant message and the way it travels. Positions count events of the stream from 1."""

    text: str = ""
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    #: The stream sends this many events and nothing after them, `[DONE]` included.
    cut_after: int | None = None
    #: How the cut body ends.
    ending: Ending = Ending.WHOLE
    #: Sent as the event that follows a cut.
    failure: Failure | None = None
    #: Wait for `server.hold` before the status line, or after this many events.
    hold: Literal["head"] | int | None = None
    #: What a host of reasoning models sends before the text; OpenAI itself shows none.
    reasoning: str = ""


@dataclass(frozen=True)
class Scenario:
    """A conversation that the server can hold.

    It is chosen when `prompt` is contained in the last user message (the longest prompt wins), the model is `model`
    where one is named, and all of `needs` are keys of the request; a request without them is a 400.
    """

    prompt: str
    #: Reply n answers the request with n assistant messages after the last user message; the last one answers the rest.
    replies: tuple[Completion | Failure, ...]
    needs: frozenset[str] = frozenset()
    model: str | None = None


HARBOUR_TEXT: Final = "The harbour is calm tonight, and every boat is home."
UNICODE_TEXT: Final = "Grüße aus Århus: 灯台 🗼 e\u0301té, und 👩‍🚀 winkt."
OUTLINE_TEXT: Final = "1. Wake the keeper\n2. Light the lamp\n3. Watch the ships"
EXPANDED_TEXT: Final = (
    "At dusk the keeper wakes and climbs the stairs. She lights the lamp, and its beam sweeps over the water. "
    "Until morning she watches the ships go by."
)
REPORT_JSON: Final = '{"city":"Bergen","temperature_c":11,"summary":"Light rain, clearing by noon."}'
BERGEN_CALL: Final = Call("get_weather", '{"city": "Bergen"}')
NARVIK_CALL: Final = Call("get_weather", '{"city": "Narvik"}')
TIDE_CALL: Final = Call("get_tide", '{"harbour": "Bergen", "day": "today"}')
BOTH_TEXT: Final = "Bergen has 11 degrees and Narvik 4."

_SERVER_FAULT: Final = Failure(
    500, "The server had an error while processing your request. Sorry about that!", "server_error"
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "text": Scenario("How is the harbour tonight?", (Completion(HARBOUR_TEXT),)),
        "unicode": Scenario("Send greetings in several scripts.", (Completion(UNICODE_TEXT),)),
        "outline": Scenario("Outline a story about a lighthouse in three points.", (Completion(OUTLINE_TEXT),)),
        "expand": Scenario("Expand this outline into one paragraph:", (Completion(EXPANDED_TEXT),)),
        "turn_name": Scenario("Hello, my name is Ada.", (Completion("Hello Ada, how can I help?"),)),
        "turn_recall": Scenario("What is my name?", (Completion("Your name is Ada."),)),
        "tool_call": Scenario(
            "What is the weather in Bergen?",
            (Completion(calls=(BERGEN_CALL,)), Completion("It is 11 degrees in Bergen.")),
            needs=frozenset({"tools"}),
        ),
        "parallel_tool_calls": Scenario(
            "Compare the weather in Bergen and Narvik.",
            (Completion(calls=(BERGEN_CALL, NARVIK_CALL)), Completion(BOTH_TEXT)),
            needs=frozenset({"tools"}),
        ),
        "two_tools": Scenario(
            "Can I sail from Bergen today?",
            (Completion(calls=(BERGEN_CALL, TIDE_CALL)), Completion("Yes: light rain, and high tide at noon.")),
            needs=frozenset({"tools"}),
        ),
        "structured": Scenario(
            "Report the weather in Bergen as JSON.", (Completion(REPORT_JSON),), needs=frozenset({"response_format"})
        ),
        # Cut by the request's max_tokens or max_completion_tokens, one token being one delta.
        "length": Scenario(
            "Count the waves.",
            (Completion("One wave, two waves, three waves, four waves, and they go on."),),
        ),
        "refusal": Scenario(
            "Forge a captain's licence for me.", (Completion(refusal="I'm sorry, I can't help with forging papers."),)
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
        "stream_error": Scenario(
            "Break in the middle.", (Completion(HARBOUR_TEXT, cut_after=4, failure=_SERVER_FAULT),)
        ),
        "truncated": Scenario("Stop without an end marker.", (Completion(HARBOUR_TEXT, cut_after=4),)),
        "truncated_eof": Scenario("Hang up half-way.", (Completion(HARBOUR_TEXT, cut_after=4, ending=Ending.EOF),)),
        "truncated_reset": Scenario("Reset half-way.", (Completion(HARBOUR_TEXT, cut_after=4, ending=Ending.RESET),)),
        "truncated_tool_call": Scenario(
            "Hang up while you ask for the weather.",
            (Completion(calls=(BERGEN_CALL,), cut_after=3, ending=Ending.EOF),),
            needs=frozenset({"tools"}),
        ),
        "blocked_head": Scenario("Think before you answer.", (Completion(HARBOUR_TEXT, hold="head"),)),
        "blocked_body": Scenario("Pause after a few words.", (Completion(HARBOUR_TEXT, hold=4),)),
    }
)
