"""A chat as users of the reference write it, with its imports changed, and a provider on loopback."""

from __future__ import annotations

import pytest

from harness import Flow
from harness.conversation import ConversationConfig, ConversationState
from tests.servers.openai.chat import OpenAIChatServer
from tests.servers.script import HARBOUR_TEXT


@ConversationConfig(llm="gpt-4o-mini", defer_trace_finalization=True)
class PortedChat(Flow[ConversationState]):
    """Names its model as OpenAI does, without a provider."""

    conversational = True


def test_a_turn_is_read_token_by_token_and_its_reply_is_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.origin}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "nobody")
        flow = PortedChat()
        tokens: list[str] = []
        with flow.stream_turn("How is the harbour tonight?", session_id="quay-1") as stream:
            for frame in stream.events:
                if frame.channel == "llm" and frame.type == "llm_stream_chunk":
                    tokens.append(frame.data.get("chunk", ""))
            reply = stream.result

    assert len(tokens) > 1
    assert "".join(tokens) == reply == HARBOUR_TEXT
    assert flow.state.id == "quay-1"
    assert [(message.role, message.content) for message in flow.state.messages] == [
        ("user", "How is the harbour tonight?"),
        ("assistant", HARBOUR_TEXT),
    ]
