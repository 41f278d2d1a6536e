"""A provider's streamed answer, from its recorded bytes to the body of the loop that counts its characters.

Usage: provider_stream.py PROVIDER harness|sdk CHUNKS; prints milliseconds. The answer is the one that comes with this
project, its pieces of text repeated until there are CHUNKS of them, each a chunk of the wire as it was recorded. Either
way it is played from a tape to the provider's official SDK: by itself as its documentation uses it, or under a session
of this project. It is streamed six times, by one client; the fastest counts, since what else a machine does only adds.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, cycle, islice
from typing import Any, Final

from msgspec.structs import replace

from harness import LLM
from harness.llm.credentials import no_credentials_needed
from harness.providers.registry import recognized
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import playing
from harness.recording.wire import Chunk, Interaction, WireResponse
from harness.shipped import shipped_recording

_PROMPT: Final = "How is the harbour tonight?"
_MESSAGES: Final[Any] = [{"role": "user", "content": _PROMPT}]
_TIMES: Final = 6
_INSTRUCTIONS: Final = "Answer in one sentence."
_BEDROCK_URL: Final = "https://bedrock-runtime.us-east-1.amazonaws.com"
_AZURE_URL: Final = "https://harbour-example.openai.azure.com/openai/deployments/gpt-4o-mini"
_AZURE_VERSION: Final = "2024-12-01-preview"
_KEY: Final = "no-key-needed"
#: A piece of text in a format that says the whole once more at its end.
_PIECE: Final = re.compile(rb'"delta":"((?:[^"\\]|\\.)*)"')
Texts = Callable[[], Iterator[str]]
_USAGE: Final = {"include_usage": True}


def _openai() -> Texts:
    import openai

    client = openai.OpenAI(api_key=_KEY)

    def texts() -> Iterator[str]:
        stream: Any = client.chat.completions.create(
            model="gpt-4o-mini", messages=_MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                yield chunk.choices[0].delta.content

    return texts


def _openai_responses() -> Texts:
    import openai

    client = openai.OpenAI(api_key=_KEY)

    def texts() -> Iterator[str]:
        for event in client.responses.create(
            model="gpt-4o-mini", input=_MESSAGES, instructions=_INSTRUCTIONS, stream=True
        ):
            if event.type == "response.output_text.delta":
                yield event.delta

    return texts


def _anthropic() -> Texts:
    import anthropic

    client = anthropic.Anthropic(api_key=_KEY)

    def texts() -> Iterator[str]:
        for event in client.messages.create(
            model="claude-sonnet-4-6", max_tokens=4096, messages=_MESSAGES, stream=True
        ):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                yield event.delta.text

    return texts


def _bedrock() -> Texts:
    import boto3

    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=_BEDROCK_URL,
        aws_access_key_id=_KEY,
        aws_secret_access_key=_KEY,
    )

    def texts() -> Iterator[str]:
        response = client.converse_stream(
            modelId="us.anthropic.claude-sonnet-4-6", messages=[{"role": "user", "content": [{"text": _PROMPT}]}]
        )
        for event in response["stream"]:
            if "contentBlockDelta" in event:
                yield event["contentBlockDelta"]["delta"].get("text", "")

    return texts


def _gemini() -> Texts:
    from google import genai

    client = genai.Client(api_key=_KEY)

    def texts() -> Iterator[str]:
        for chunk in client.models.generate_content_stream(model="gemini-2.5-flash", contents=_PROMPT):
            yield chunk.text or ""

    return texts


def _azure() -> Texts:
    from azure.ai.inference import ChatCompletionsClient
    from azure.core.credentials import AzureKeyCredential

    client = ChatCompletionsClient(_AZURE_URL, AzureKeyCredential(_KEY), api_version=_AZURE_VERSION)

    def texts() -> Iterator[str]:
        updates: Any = client.complete({"messages": _MESSAGES, "stream": True, "stream_options": _USAGE})
        for update in updates:
            if update.choices and update.choices[0].delta.content:
                yield update.choices[0].delta.content

    return texts


@dataclass(frozen=True)
class _Provider:
    """One provider: how its SDK is used, and what tells a chunk of text from other chunks of its wire."""

    sdk: Callable[[], Texts]
    text: re.Pattern[bytes]


_PROVIDERS: Final = {
    "openai": _Provider(_openai, re.compile(rb'"delta":\{"content":"[^"]')),
    "openai_responses": _Provider(_openai_responses, re.compile(rb'"type":"response\.output_text\.delta"')),
    "anthropic": _Provider(_anthropic, re.compile(rb'"type":"text_delta"')),
    "bedrock": _Provider(_bedrock, re.compile(rb'"delta":\{"text":')),
    # Not the last one, which ends the answer.
    "gemini": _Provider(_gemini, re.compile(rb'"role": "model"\}, "index"')),
    "azure": _Provider(_azure, re.compile(rb'"delta":\{"content":"[^"]')),
}


def main(name: str, reader: str, chunks: int) -> float:
    recording = shipped_recording(f"{name}/text") / "cassette.yaml"
    recorded, *_ = read_cassette(recording)
    response = _lengthened(recorded.response, _PROVIDERS[name].text, chunks)
    texts = _PROVIDERS[name].sdk() if reader == "sdk" else _session(recorded)
    took: list[float] = []
    with no_credentials_needed(), playing(recording, (replace(recorded, response=response),) * _TIMES):
        for _ in range(_TIMES):
            pieces = characters = 0
            began = time.perf_counter()
            for text in texts():
                if text:
                    pieces += 1
                    characters += len(text)
            took.append(time.perf_counter() - began)
            if pieces < chunks or characters < chunks:
                sys.exit(f"{pieces} pieces of text came of {chunks}")
    return min(took) * 1000


def _session(recorded: Interaction) -> Texts:
    api = recognized(recorded.request.method, recorded.request.url)
    if api is None:
        sys.exit(f"{recorded.request.url} is no call to a model")
    call = api.parse(recorded.request.url, recorded.request.body)
    llm = LLM(call.model, **{"api_key": _KEY, **call.settings})

    def texts() -> Iterator[str]:
        for frame in llm.stream_events(call.messages):
            yield frame.content

    return texts


def _lengthened(response: WireResponse, text: re.Pattern[bytes], count: int) -> WireResponse:
    """Return the response with its chunks of text repeated, in the place where they are, until there are `count`."""
    chunks = [response.body[chunk.offset : chunk.offset + chunk.length] for chunk in response.chunks]
    places = [place for place, chunk in enumerate(chunks) if text.search(chunk)]
    first, last = places[0], places[-1]
    repeated = list(islice(cycle(chunks[first : last + 1]), count))
    end = chunks[last + 1 :]
    if whole := _text_of(chunks[first : last + 1]):
        end = [chunk.replace(whole, _text_of(repeated)) for chunk in end]
    longer = [*chunks[:first], *repeated, *end]
    offsets = accumulate(map(len, longer), initial=0)
    marks = tuple(Chunk(offset, len(chunk), 0.0) for offset, chunk in zip(offsets, longer, strict=False))
    return replace(response, body=b"".join(longer), chunks=marks)


def _text_of(chunks: Iterable[bytes]) -> bytes:
    """Return the text of pieces that stand in a format that says it again; of others nothing."""
    return b"".join(piece[1] for chunk in chunks for piece in _PIECE.finditer(chunk))


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
