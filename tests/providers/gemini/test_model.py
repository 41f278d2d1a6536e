"""What only Gemini has: signed calls, the parts of its messages, and the paths of its hosts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.llm.scripted import WAYS, Way, called
from tests.providers.integrations import GEMINI, each_way_to_answer
from tests.providers.integrations.integration import TOOLS, ask
from tests.servers.gemini.scenarios import SIGNATURE
from tests.servers.gemini.server import GeminiServer


@pytest.fixture
def server() -> Iterator[GeminiServer]:
    with GeminiServer() as running:
        yield running


@pytest.mark.parametrize("way", WAYS)
def test_calls_go_back_with_their_signatures_and_results_side_by_side(way: Way, server: GeminiServer) -> None:
    llm, prompt = GEMINI.llm(server), GEMINI.prompts["parallel_tool_calls"]
    calls = called(llm, way, prompt, tools=TOOLS)
    said = called(
        llm,
        way,
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": prompt},
            {"role": "assistant", "content": None, "tool_calls": calls},
            *({"role": "tool", "tool_call_id": call["id"], "content": "11"} for call in calls),
        ],
        tools=TOOLS,
    )
    assert said == "Bergen has 11 degrees and Narvik 4."
    weather = {"functionResponse": {"name": "get_weather", "response": {"result": "11"}}}
    assert server.bodies[-1] == {
        "contents": [
            {"parts": [{"text": prompt}], "role": "user"},
            {
                "parts": [
                    {
                        "functionCall": {"name": "get_weather", "args": {"city": "Bergen"}},
                        "thoughtSignature": SIGNATURE,
                    },
                    {"functionCall": {"name": "get_weather", "args": {"city": "Narvik"}}},
                ],
                "role": "model",
            },
            {"parts": [weather, weather], "role": "user"},
        ],
        "systemInstruction": {"parts": [{"text": "Be brief."}], "role": "user"},
        "tools": [
            {
                "functionDeclarations": [
                    {"name": name, "parametersJsonSchema": {"type": "object", "properties": {}}}
                    for name in ("get_weather", "get_tide")
                ]
            }
        ],
    }


def test_the_calls_of_two_answers_have_ids_of_their_own(server: GeminiServer) -> None:
    llm, prompt = GEMINI.llm(server), GEMINI.prompts["parallel_tool_calls"]
    ids = [call["id"] for _ in range(2) for call in llm.call(prompt, tools=TOOLS)]
    assert len(set(ids)) == 4


PARTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "text", "text": "a"}, {"text": "a"}),
    (
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
    ),
    (
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA"}},
        {"inlineData": {"mimeType": "image/jpeg", "data": "AAAA"}},
    ),
    (
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"fileData": {"fileUri": "https://example.com/a.png", "mimeType": "image/png"}},
    ),
    (
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAAA"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
    ),
    ({"type": "file", "file": {"file_id": "gs://bucket/a"}}, {"fileData": {"fileUri": "gs://bucket/a"}}),
    (
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
    ),
    (
        {"type": "document", "source": {"type": "url", "url": "gs://b/c", "media_type": "text/csv"}},
        {"fileData": {"fileUri": "gs://b/c", "mimeType": "text/csv"}},
    ),
]


@pytest.mark.parametrize(("part", "wire"), PARTS, ids=[next(iter(row[1])) + str(n) for n, row in enumerate(PARTS)])
def test_parts_of_a_message_are_sent_in_geminis_form(
    part: Mapping[str, Any], wire: Mapping[str, Any], server: GeminiServer
) -> None:
    prompt = {"type": "text", "text": GEMINI.prompts["text"]}
    GEMINI.llm(server).call([{"role": "user", "content": [part, prompt]}])
    assert server.bodies[0]["contents"][0]["parts"] == [wire, {"text": prompt["text"]}]


PLACES: list[tuple[str, dict[str, Any], str]] = [
    ("gemini", {}, "/v1/models/gemini-2.5-flash:"),
    ("google", {"api_version": "v1beta"}, "/v1beta/models/gemini-2.5-flash:"),
    ("vertex_ai", {"api_version": "v1"}, "/v1/publishers/google/models/gemini-2.5-flash:"),
]


@pytest.mark.parametrize("way", WAYS)
@each_way_to_answer
@pytest.mark.parametrize(("provider", "settings", "path"), PLACES, ids=[row[0] for row in PLACES])
def test_each_provider_has_its_path(
    provider: str, settings: dict[str, Any], path: str, streams: bool, way: Way, server: GeminiServer
) -> None:
    llm = replace(GEMINI, model=f"{provider}/gemini-2.5-flash").llm(server, **settings)
    assert ask(llm, way, streams, GEMINI.prompts["text"]).error is None
    assert [asked.path for asked in server.requests] == [
        f"{path}streamGenerateContent?alt=sse" if streams else f"{path}generateContent"
    ]


def test_a_result_has_the_name_of_the_last_call_with_its_id() -> None:
    pytest.importorskip("google.genai")
    from harness.llm.input.reader import read_messages
    from harness.providers.gemini.messages import Signatures, wire_contents

    def turn(name: str) -> list[dict[str, Any]]:
        call = {"id": "again", "type": "function", "function": {"name": name, "arguments": "{}"}}
        return [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "again", "content": "11"},
        ]

    contents = wire_contents(read_messages([*turn("get_weather"), *turn("get_tide")]), Signatures())
    results = [part["functionResponse"]["name"] for content in contents[1::2] for part in content["parts"]]
    assert results == ["get_weather", "get_tide"]


def test_what_a_tool_shows_goes_beside_what_it_says() -> None:
    pytest.importorskip("google.genai")
    from harness.llm.input.reader import read_messages
    from harness.providers.gemini.messages import Signatures, wire_contents

    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    said, png = {"type": "text", "text": "The harbour"}, "iVBORw0KGgo="
    shown = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}}
    sourced = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png}}
    message = {"role": "tool", "tool_call_id": "c", "content": [said, shown]}
    block = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [said, sourced]}]}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    for result in (message, block):
        (_, content) = wire_contents(read_messages([asked, result]), Signatures())
        told = {"id": "c", "name": "look", "response": {"result": "The harbour"}}
        media = [{"inlineData": {"mimeType": "image/png", "data": png}}]
        assert content["parts"] == [{"functionResponse": {**told, "parts": media}}]
