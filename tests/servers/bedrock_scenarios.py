"""What the Bedrock server answers, as plain data; the pieces that answers are made of are those of Anthropic's script."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.servers.anthropic_scenarios import (
    BERGEN_CALL,
    CHECKING,
    CROSSING,
    CROSSING_TEXT,
    EMPTY_CALL,
    HARBOUR_TEXT,
    HIDDEN,
    NARVIK_CALL,
    REPORT_JSON,
    UNICODE_TEXT,
    Answer,
    Failure,
    Scenario,
)
from tests.servers.wire_server import Ending

_TOOLS: Final = frozenset({"toolConfig"})
_THINKS: Final = frozenset({"additionalModelRequestFields"})
_THROTTLED: Final = Failure(429, "ThrottlingException", "Too many requests, please wait before trying again.")

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
        "thinking": Scenario("Ship or lighthouse: who turns?", (Answer((CROSSING, CROSSING_TEXT)),), needs=_THINKS),
        "redacted_thinking": Scenario(
            "Decide behind closed doors.", (Answer((HIDDEN, CROSSING, CROSSING_TEXT)),), needs=_THINKS
        ),
        "structured": Scenario(
            "Report the weather in Bergen as JSON.", (Answer((REPORT_JSON,)),), needs=frozenset({"outputConfig"})
        ),
        "cached": Scenario("Read the log book again.", (Answer((HARBOUR_TEXT,), cache_read=2048, cache_created=128),)),
        # Cut by the request's maxTokens, one token being one delta.
        "length": Scenario("Count the waves.", (Answer(("One wave, two waves, three waves, and they go on.",)),)),
        "throttled": Scenario("Ask far too often.", (_THROTTLED,)),
        "refused": Scenario(
            "Ask for what is not allowed.", (Failure(403, "AccessDeniedException", "You don't have access."),)
        ),
        "stream_error": Scenario("Break in the middle.", (Answer((HARBOUR_TEXT,), cut_after=4, failure=_THROTTLED),)),
        "truncated": Scenario("Stop without an end marker.", (Answer((HARBOUR_TEXT,), cut_after=4),)),
        "truncated_eof": Scenario("Hang up half-way.", (Answer((HARBOUR_TEXT,), cut_after=4, ending=Ending.EOF),)),
        "truncated_reset": Scenario("Reset half-way.", (Answer((HARBOUR_TEXT,), cut_after=4, ending=Ending.RESET),)),
        "blocked_body": Scenario("Pause after a few words.", (Answer((HARBOUR_TEXT,), hold=4),)),
    }
)
