"""What the OpenAI Responses server answers, as plain data: prompts on one side, replies on the other.

The texts are short and our own, and shared with the chat server where the scenarios are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from tests.servers import openai_chat_scenarios as chat
from tests.servers.openai_chat_scenarios import Completion, Failure, Scenario
from tests.servers.wire_server import Ending


@dataclass(frozen=True)
class Answer(Completion):
    """One response and the way it travels; `failure` is what the stream reports after a cut."""

    #: The summaries of its reasoning, each a part of one reasoning item that comes first.
    summaries: tuple[str, ...] = ()
    #: What the provider searches the web for, before it says anything.
    search: str | None = None
    #: Whether the failure is that of the response, and not of the stream.
    fails: bool = False


SUMMARY: Final = ("**Looking at the tide**\n\nThe tide table says noon.", "**Answering**\n\nShort is best.")
TIDE_TEXT: Final = "High water is at noon."
SEARCH_TEXT: Final = "Bergen has about 290,000 inhabitants."
SERVER_FAULT: Final = Failure(
    500, "The server had an error while processing your request.", "server_error", "server_error"
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        "text": Scenario("How is the harbour tonight?", (Answer(chat.HARBOUR_TEXT),)),
        "unicode": Scenario("Send greetings in several scripts.", (Answer(chat.UNICODE_TEXT),)),
        "thinking": Scenario(
            "When is high water?", (Answer(TIDE_TEXT, summaries=SUMMARY),), needs=frozenset({"reasoning"})
        ),
        "tool_call": Scenario(
            "What is the weather in Bergen?",
            (Answer(calls=(chat.BERGEN_CALL,)), Answer("It is 11 degrees in Bergen.")),
            needs=frozenset({"tools"}),
        ),
        "parallel_tool_calls": Scenario(
            "Compare the weather in Bergen and Narvik.",
            (Answer(calls=(chat.BERGEN_CALL, chat.NARVIK_CALL)), Answer(chat.BOTH_TEXT)),
            needs=frozenset({"tools"}),
        ),
        "text_and_tool": Scenario(
            "Say what you do, then look at the tide.",
            (Answer("I will look at the tide table.", calls=(chat.TIDE_CALL,), summaries=SUMMARY[:1]),),
            needs=frozenset({"tools"}),
        ),
        "web_search": Scenario(
            "How many people live in Bergen?",
            (Answer(SEARCH_TEXT, search="population of Bergen"),),
            needs=frozenset({"tools"}),
        ),
        "structured": Scenario(
            "Report the weather in Bergen as JSON.", (Answer(chat.REPORT_JSON),), needs=frozenset({"text"})
        ),
        # Cut by the request's max_output_tokens, one token being one delta.
        "length": Scenario(
            "Count the waves.", (Answer("One wave, two waves, three waves, four waves, and they go on."),)
        ),
        "refusal": Scenario(
            "Forge a captain's licence for me.", (Answer(refusal="I'm sorry, I can't help with forging papers."),)
        ),
        "chain_name": Scenario("Hello, my name is Ada.", (Answer("Hello Ada, how can I help?"),)),
        "chain_recall": Scenario(
            "What is my name?", (Answer("Your name is Ada."),), needs=frozenset({"previous_response_id"})
        ),
        "bad_key": Scenario(
            "Open the locked archive.",
            (Failure(401, "Incorrect API key provided.", "invalid_request_error", code="invalid_api_key"),),
        ),
        "rate_limit": Scenario(
            "Ask far too often.",
            (Failure(429, "Rate limit reached for requests.", "requests", code="rate_limit_exceeded"),),
        ),
        "stream_error": Scenario(
            "Break in the middle.", (Answer(chat.HARBOUR_TEXT, cut_after=6, failure=SERVER_FAULT),)
        ),
        "response_failed": Scenario(
            "Fail in the middle.", (Answer(chat.HARBOUR_TEXT, cut_after=6, failure=SERVER_FAULT, fails=True),)
        ),
        "truncated": Scenario("Stop without an end marker.", (Answer(chat.HARBOUR_TEXT, cut_after=6),)),
        "truncated_eof": Scenario(
            "Hang up in the middle.", (Answer(chat.HARBOUR_TEXT, cut_after=6, ending=Ending.EOF),)
        ),
        "truncated_reset": Scenario(
            "Reset in the middle.", (Answer(chat.HARBOUR_TEXT, cut_after=6, ending=Ending.RESET),)
        ),
        "blocked_body": Scenario("Stall in the middle.", (Answer(chat.HARBOUR_TEXT, hold=6),)),
    }
)
