"""What the Anthropic server answers, as plain data: prompts on one side, replies on the other.

The texts are short and our own. `SCENARIOS` is the script of a server that is given no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tests.servers.wire_server import Ending


@dataclass(frozen=True)
class Thinking:
    """Reasoning, in the open or readable by the provider alone."""

    text: str
    redacted: bool = False


@dataclass(frozen=True)
class Call:
    """One tool call that the model asks for; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True)
class Failure:
    """An error in Anthropic's envelope, answered as an HTTP status or sent inside a stream."""

    status: int
    type: str
    message: str


@dataclass(frozen=True)
class Answer:
    """One assistant message: its blocks in order (text is a string), and the way it travels."""

    blocks: tuple[str | Thinking | Call, ...]
    #: Tokens of the prompt that came from the cache, and that went into it.
    cache_read: int = 0
    cache_created: int = 0
    #: The stream sends this many events and nothing after them.
    cut_after: int | None = None
    #: How the cut body ends.
    ending: Ending = Ending.WHOLE
    #: Sent as the event that follows a cut.
    failure: Failure | None = None
    #: Wait for `server.hold` after this many events.
    hold: int | None = None


@dataclass(frozen=True)
class Scenario:
    """A conversation that the server can hold, chosen by a prompt that the last user text contains.

    A request without the keys of `needs` is a 400.
    """

    prompt: str
    #: Reply n answers the request with n assistant messages after the prompt; the last one answers the rest.
    replies: tuple[Answer | Failure, ...]
    needs: frozenset[str] = frozenset()


HARBOUR_TEXT: Final = "The harbour is calm tonight, and every boat is home."
UNICODE_TEXT: Final = "Grüße aus Århus: 灯台 🗼 e\u0301té, und 👩‍🚀 winkt."
CROSSING: Final = Thinking("A lighthouse stands still, so the ship must turn. I say so in one sentence.")
CROSSING_TEXT: Final = "The ship turns, for the lighthouse can't."
HIDDEN: Final = Thinking("What nobody else may read.", redacted=True)
REPORT_JSON: Final = '{"city":"Bergen","temperature_c":11,"summary":"Light rain, clearing by noon."}'
BERGEN_CALL: Final = Call("get_weather", '{"city": "Bergen"}')
NARVIK_CALL: Final = Call("get_weather", '{"city": "Narvik"}')
EMPTY_CALL: Final = Call("get_tide", "{}")
CHECKING: Final = "Let me look."

_OVERLOADED: Final = Failure(529, "overloaded_error", "Overloaded")
_TOOLS: Final = frozenset({"tools"})

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "text": Scenario("How is the harbour tonight?", (Answer((HARBOUR_TEXT,)),)),
        "unicode": Scenario("Send greetings in several scripts.", (Answer((UNICODE_TEXT,)),)),
        "tool_call": Scenario(
            "What is the weather in Bergen?",
            (Answer((CHECKING, BERGEN_CALL)), Answer(("It is 11 degrees in Bergen.",))),
            needs=_TOOLS,
        ),
        "parallel_tool_calls": Scenario(
            "Compare the weather in Bergen and Narvik.",
            (Answer((BERGEN_CALL, NARVIK_CALL)), Answer(("Bergen has 11 degrees and Narvik 4.",))),
            needs=_TOOLS,
        ),
        "empty_tool_call": Scenario("How high is the tide?", (Answer((EMPTY_CALL,)),), needs=_TOOLS),
        "thinking": Scenario(
            "Ship or lighthouse: who turns?", (Answer((CROSSING, CROSSING_TEXT)),), needs=frozenset({"thinking"})
        ),
        "redacted_thinking": Scenario(
            "Decide behind closed doors.",
            (Answer((HIDDEN, CROSSING, CROSSING_TEXT)),),
            needs=frozenset({"thinking"}),
        ),
        "thinking_with_tool": Scenario(
            "Think about the weather in Bergen.",
            (Answer((CROSSING, CHECKING, BERGEN_CALL)), Answer(("It is 11 degrees in Bergen.",))),
            needs=frozenset({"thinking", "tools"}),
        ),
        "structured": Scenario(
            "Report the weather in Bergen as JSON.", (Answer((REPORT_JSON,)),), needs=frozenset({"output_config"})
        ),
        "cached": Scenario("Read the log book again.", (Answer((HARBOUR_TEXT,), cache_read=2048, cache_created=128),)),
        # Cut by the request's max_tokens, one token being one delta.
        "length": Scenario("Count the waves.", (Answer(("One wave, two waves, three waves, and they go on.",)),)),
        "rate_limit": Scenario(
            "Ask far too often.",
            (Failure(429, "rate_limit_error", "This request would exceed your organization's rate limit."),),
        ),
        "overloaded": Scenario("Ask when everybody asks.", (_OVERLOADED,)),
        "stream_error": Scenario("Break in the middle.", (Answer((HARBOUR_TEXT,), cut_after=6, failure=_OVERLOADED),)),
        "truncated": Scenario("Stop without an end marker.", (Answer((HARBOUR_TEXT,), cut_after=6),)),
        "truncated_eof": Scenario("Hang up half-way.", (Answer((HARBOUR_TEXT,), cut_after=6, ending=Ending.EOF),)),
        "truncated_reset": Scenario("Reset half-way.", (Answer((HARBOUR_TEXT,), cut_after=6, ending=Ending.RESET),)),
        "blocked_body": Scenario("Pause after a few words.", (Answer((HARBOUR_TEXT,), hold=6),)),
    }
)
