"""Chat models on Azure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.providers.integrations.integration import KEY, SDK, Stream
from tests.providers.integrations.openai_chat import DONE, OPENAI_CHAT, event
from tests.servers.azure.server import AzureServer
from tests.servers.openai.compatible import SCENARIOS

#: Streams that Azure may send.
STREAMS = (
    Stream("text", event({"content": "é"}, "stop") + DONE, ["text 'é'", "completed 'é' stop"]),
    Stream("reasoning", event({"reasoning_content": "hm"}) + event({"content": "42"}, "stop") + DONE,
     ["thinking 'hm'", "text '42'", "completed '42' stop"]),
    Stream("filtered", event({"content": "a"}, "content_filter") + DONE, ["text 'a'", "completed 'a' content_filter"]),
    Stream("several choices", event({"content": "a"}) + event({"content": "b"}, index=1) + event({}, "stop") + DONE,
     ["text 'a'", "completed 'a' stop"]),
    Stream("an end at once", DONE, ["failed MalformedResponseError"]),
    Stream("nothing", b"", ["failed StreamTruncatedError"]),
    Stream("an end that lacks its line", event({"content": "a"}, "stop") + b"data: [DO", ["text 'a'", "failed StreamTruncatedError"]),
    Stream("an error event", event({"content": "a"}) + b'data: {"error": {"code": "x", "message": "no"}}\n\n' + DONE,
     ["text 'a'", "failed ProviderError"]),
    Stream("an event that is no JSON", event({"content": "a"}) + b"data: {oops\n\n" + DONE,
     ["text 'a'", "failed MalformedResponseError"]),
    Stream("lines end in CRLF", (event({"content": "a"}, "stop") + DONE).replace(b"\n", b"\r\n"),
     ["text 'a'", "completed 'a' stop"]),
    Stream("no space after data:", event({"content": "a"}, "stop") + b"data:[DONE]\n\n", ["text 'a'", "completed 'a' stop"]),
    Stream("comments and names", b": waiting\n\nevent: x\n" + event({"content": "a"}, "stop") + DONE,
     ["text 'a'", "completed 'a' stop"]),
    Stream("bytes that are no UTF-8", b"data: \xff\n\n" + DONE, ["failed MalformedResponseError"]),
)  # fmt: skip

#: What is not said here is as OpenAI has it.
AZURE: Final = replace(
    OPENAI_CHAT,
    name="azure",
    provider="azure",
    model="azure/gpt-4o-mini",
    server=AzureServer,
    scenarios=SCENARIOS,
    sdk=SDK("azure.ai.inference", ("azure.model",), "azure"),
    key_told="AZURE_API_KEY",
    keyless=("azure/d", "azure-responses/d"),
    variables=("AZURE_API_KEY", "AZURE_OPENAI_API_KEY"),
    credential=("api-key", KEY),
    asked=lambda prompt: {"messages": [{"role": "user", "content": prompt}]},
    streams=STREAMS,
    split=Stream(
        "text",
        event({"content": "é 🗼"}) + b": waiting\r\n\r\n" + event({}, "stop") + DONE,
        ["text 'é 🗼'", "completed 'é 🗼' stop"],
    ),
    split_step=3,
    no_answers=(
        *(b"{}", b'{"choices": []}', b'{"choices": [{}]}', b"<html>", b""),
        b'{"choices": [{"message": {"content": "caf\xe9"}, "finish_reason": "stop"}]}',
    ),
    corpus="azure",
    settings={"api_key": KEY, "api_version": "2024-12-01-preview"},
)
