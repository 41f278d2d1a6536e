"""What the Bedrock server answers, as plain data; the pieces that answers are made of are those of Anthropic's script."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.servers.anthropic.scenarios import BERGEN_CALL, NARVIK_CALL, Failure, Scenario, say, thinking
from tests.servers.script import CHECKING, conversations, travels

_THROTTLED: Final = Failure(429, "ThrottlingException", "Too many requests, please wait before trying again.")

SCENARIOS: Final[Mapping[str, Scenario]] = MappingProxyType(
    {
        **conversations(
            say, BERGEN_CALL, NARVIK_CALL, checking=(CHECKING,), tools="toolConfig", structured="outputConfig"
        ),
        **thinking("additionalModelRequestFields", "toolConfig"),
        "throttled": Scenario("Ask far too often.", (_THROTTLED,)),
        "refused": Scenario(
            "Ask for what is not allowed.", (Failure(403, "AccessDeniedException", "You don't have access."),)
        ),
        **travels(say, 4, _THROTTLED),
    }
)
