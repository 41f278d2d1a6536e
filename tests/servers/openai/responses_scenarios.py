"""What the OpenAI Responses server answers, as plain data: prompts on one side, replies on the other.

The calls are those of the chat server's script.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from tests.servers import script
from tests.servers.openai.chat_scenarios import BERGEN_CALL, NARVIK_CALL, TIDE_CALL, Call, Completion, Failure
from tests.servers.script import HARBOUR_TEXT, conversations, travels


@dataclass(frozen=True)
class Answer(Completion):
    """One response."""

    #: The summaries of its reasoning, each a part of one reasoning item that comes first.
    summaries: tuple[str, ...] = ()
    #: What the provider searches the web for, before it says anything.
    search: str | None = None
    #: Whether the failure is that of the response, and not of the stream.
    fails: bool = False


Scenario = script.Scenario[Answer | Failure]


def say(*said: str | Call, **travels: Any) -> Answer:
    text = "".join(one for one in said if isinstance(one, str))
    return Answer(text, tuple(one for one in said if isinstance(one, Call)), **travels)


SUMMARY: Final = ("**Looking at the tide**\n\nThe tide table says noon.", "**Answering**\n\nShort is best.")
TIDE_TEXT: Final = "High water is at noon."
SEARCH_TEXT: Final = "Bergen has about 290,000 inhabitants."
SERVER_FAULT: Final = Failure(
    500, "The server had an error while processing your request.", "server_error", "server_error"
)

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        **conversations(say, BERGEN_CALL, NARVIK_CALL, tools="tools", structured="text"),
        "thinking": Scenario(
            "When is high water?", (say(TIDE_TEXT, summaries=SUMMARY),), needs=frozenset({"reasoning"})
        ),
        "text_and_tool": Scenario(
            "Say what you do, then look at the tide.",
            (say("I will look at the tide table.", TIDE_CALL, summaries=SUMMARY[:1]),),
            needs=frozenset({"tools"}),
        ),
        "web_search": Scenario(
            "How many people live in Bergen?",
            (say(SEARCH_TEXT, search="population of Bergen"),),
            needs=frozenset({"tools"}),
        ),
        "refusal": Scenario(
            "Forge a captain's licence for me.", (say(refusal="I'm sorry, I can't help with forging papers."),)
        ),
        "chain_name": Scenario("Hello, my name is Ada.", (say("Hello Ada, how can I help?"),)),
        "chain_recall": Scenario(
            "What is my name?", (say("Your name is Ada."),), needs=frozenset({"previous_response_id"})
        ),
        "bad_key": Scenario(
            "Open the locked archive.",
            (Failure(401, "Incorrect API key provided.", "invalid_request_error", code="invalid_api_key"),),
        ),
        "rate_limit": Scenario(
            "Ask far too often.",
            (Failure(429, "Rate limit reached for requests.", "requests", code="rate_limit_exceeded"),),
        ),
        **travels(say, 6, SERVER_FAULT),
        "response_failed": Scenario(
            "Fail in the middle.", (say(HARBOUR_TEXT, cut_after=6, failure=SERVER_FAULT, fails=True),)
        ),
    }
)
