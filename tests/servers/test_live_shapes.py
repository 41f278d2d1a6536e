"""What the servers send has the shapes of live traffic, or of the provider's documents."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.providers.recorded.reading import live_exchanges
from tests.servers.plain_client import ASKING, Asking
from tests.servers.shapes import KeySet, key_sets
from tests.servers.wire_server import Ending

_OPENAI: Final = "platform.openai.com/docs/api-reference, as openai-python 3.52.0 states it: "
_AWS: Final = "docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_"
_GEMINI: Final = "ai.google.dev/api/generate-content"
_FILTER: Final = "learn.microsoft.com/azure/ai-services/openai/reference: "
_USAGE: Final = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
#: What no recording of the corpus has, by a kind of events or by the keys of an object; the source that says so (2026-11).
DOCUMENTED_UNSEEN: Final[dict[str, dict[str | tuple[str, ...], str]]] = {
    "openai": {("refusal",): f"{_OPENAI}chat-streaming, delta.refusal"},
    "openai-responses": {
        **{
            kind: f"{_OPENAI}responses-streaming/{kind}"
            for kind in (
                "error",
                "response.failed",
                *(
                    f"response.reasoning_summary_{part}"
                    for part in ("part.added", "part.done", "text.delta", "text.done")
                ),
                *(f"response.refusal.{part}" for part in ("delta", "done")),
                *(f"response.web_search_call.{state}" for state in ("in_progress", "searching", "completed")),
            )
        },
        ("id", "type", "summary"): "an item of reasoning without encrypted content, as whole responses have it",
        ("type", "text"): f"{_OPENAI}responses/object, a summary",
        ("type", "refusal"): f"{_OPENAI}responses/object, a refusal",
        ("id", "type", "status"): f"{_OPENAI}responses/object, a web search that has begun",
        ("id", "type", "status", "action"): "a web search, as whole responses have it",
        ("type", "queries", "query"): "the action of a web search, as whole responses have it",
        ("code", "message"): f"{_OPENAI}responses/object, error",
    },
    "azure": {
        "error": "errors of OpenAI, and of Azure's gateway",
        ("content", "role"): "parallel calls, as OpenAI streams them",
        ("refusal",): f"{_OPENAI}chat-streaming, delta.refusal",
        ("reasoning_content",): "what hosts of reasoning models send",
        ("annotations", "content", "reasoning_content", "refusal", "role"): "the same, whole",
        ("hate", "self_harm", "sexual", "violence"): f"{_FILTER}content_filter_results",
    },
    "anthropic": {
        ("type", "data"): "platform.claude.com/docs/en/build-with-claude/extended-thinking, redacted_thinking",
        ("type", "error", "request_id"): "platform.claude.com/docs/en/api/errors",
        ("type", "message"): "platform.claude.com/docs/en/api/errors",
    },
    "bedrock": {
        ("message",): f"{_AWS}Converse.html, Errors, and {_AWS}ConverseStreamOutput.html",
        **dict.fromkeys(
            (("reasoningContent",), ("reasoningText",), ("redactedContent",), ("signature", "text")),
            f"{_AWS}ReasoningContentBlock.html and {_AWS}ReasoningContentBlockDelta.html",
        ),
        (
            *(f"cache{way}InputToken{unit}" for way in ("Read", "Write") for unit in ("Count", "s")),
            *("inputTokens", "outputTokens", "serverToolUsage", "totalTokens"),
        ): f"{_AWS}TokenUsage.html",
    },
    "gemini": {
        ("text", "thought"): _GEMINI,
        ("name", "args", "id"): _GEMINI,
        (*_USAGE, "cachedContentTokenCount", "promptTokensDetails"): _GEMINI,
        ("code", "message", "status"): _GEMINI,
    },
}


def authored(asking: Asking) -> set[KeySet]:
    """The key sets of every scenario that HTTP can finish, streamed and whole."""
    found: set[KeySet] = set()
    with asking.server() as server:
        server.hold.set()
        for name, scenario in server.scenarios.items():
            if getattr(scenario.replies[0], "ending", Ending.WHOLE) is Ending.WHOLE:
                for streams in (True, False):
                    status, body = asking.fetch(server, name, streams=streams)
                    assert status != 400, f"{name} needs what is not asked: {body!r}"
                    found |= key_sets(body)
    return found


@pytest.mark.parametrize("asking", ASKING, ids=lambda asking: asking.name)
def test_what_a_server_sends_has_live_shapes(asking: Asking, corpus: Path) -> None:
    live = set[KeySet]()
    for one in live_exchanges(corpus, "openai-chat" if asking.name == "openai" else asking.name):
        live |= key_sets(one.body)
    documented = DOCUMENTED_UNSEEN[asking.name]
    unseen = authored(asking) - live
    assert {shape for shape in unseen if not {shape.kind, shape.keys} & documented.keys()} == set()
    assert documented.keys() <= {key for shape in unseen for key in (shape.kind, shape.keys)}
