"""Flows that reach a provider in other ways than by an LLM of the runtime."""

from __future__ import annotations

import base64
import hashlib
import io
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aiohttp
import boto3
import httpx
import openai
import requests

from harness import LLM, Flow, StreamSession, start
from harness.llm import BaseLLM, Finish, LLMRequest, Part, TextDelta
from tests.recording.support.subjects import MODEL

CHAT = "https://api.openai.com/v1/chat/completions"
ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Which boats are home?"}]}
TOOL = {"type": "function", "function": {"name": "ask_other", "parameters": {"type": "object", "properties": {}}}}


def _said(document: Any) -> str:
    return str(document["choices"][0]["message"]["content"])


def by_sdk() -> str:
    with openai.OpenAI() as client:
        return str(client.chat.completions.create(**ASK).choices[0].message.content)


def by_sdk_streamed() -> str:
    with openai.OpenAI() as client:
        chunks = client.chat.completions.create(**ASK, stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def by_async_sdk() -> str:
    async with openai.AsyncOpenAI() as client:
        return str((await client.chat.completions.create(**ASK)).choices[0].message.content)


def by_httpx() -> str:
    return _said(httpx.post(CHAT, json=ASK, trust_env=False, verify=False).json())


async def by_async_httpx() -> str:
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        return _said((await client.post(CHAT, json=ASK)).json())


def by_requests() -> str:
    return _said(requests.post(CHAT, json=ASK, timeout=10).json())


async def by_aiohttp() -> str:
    async with aiohttp.ClientSession() as session, session.post(CHAT, json=ASK) as response:
        return _said(await response.json())


def by_tool() -> str:
    return str(LLM(MODEL).call("Ask the other.", tools=[TOOL], available_functions={"ask_other": by_httpx}))


class TwoRequests(BaseLLM):
    """An integration that asks twice for one answer."""

    provider = "twice"

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        yield TextDelta(f"{by_httpx()} {by_requests()}")
        yield Finish("stop")


def by_two_requests() -> str:
    return str(TwoRequests("m").call("Which boats are home?"))


def embeddings() -> str:
    with openai.OpenAI() as client:
        found = client.embeddings.create(model="text-embedding-3-small", input="boat")
    return str(found.data[0].embedding)


def images() -> str:
    with openai.OpenAI() as client:
        made = client.images.generate(model="gpt-image-1", prompt="a boat")
    assert made.data is not None
    return _digest(base64.b64decode(made.data[0].b64_json or ""))


def speech() -> str:
    with openai.OpenAI() as client:
        return _digest(client.audio.speech.create(model="tts-1", voice="alloy", input="boat").content)


def upload() -> str:
    with openai.OpenAI() as client:
        return client.files.create(file=("boats.bin", io.BytesIO(bytes(range(256)))), purpose="batch").id


async def async_upload() -> str:
    form = aiohttp.FormData({"purpose": "batch"})
    form.add_field("file", bytes(range(256)), filename="boats.bin")
    # Another boundary each time, as other clients have it.
    async with (
        aiohttp.ClientSession() as session,
        session.post("https://api.openai.com/v1/files", data=form) as response,
    ):
        return str((await response.json())["id"])


def bedrock_invoked() -> str:
    client = boto3.client("bedrock-runtime", region_name="us-east-1")
    body = b'{"messages": [{"role": "user", "content": "boat"}]}'
    return _digest(client.invoke_model(modelId="anthropic.claude-3-haiku-20240307-v1:0", body=body)["body"].read())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


WAYS: dict[str, Callable[[], Any]] = {
    way.__name__: way
    for way in (
        by_sdk, by_sdk_streamed, by_async_sdk, by_httpx, by_async_httpx, by_requests, by_aiohttp, by_tool, by_two_requests,
        embeddings, images, speech, upload, async_upload, bedrock_invoked,
    )
}  # fmt: skip


class NumberedFlow(Flow[dict[str, Any]]):
    """Asks with an id that is another each time, and says nothing of it."""

    @start()
    def go(self) -> str:
        said = httpx.post(CHAT, json={**ASK, "metadata": {"run": str(uuid.uuid4())}}, trust_env=False, verify=False)
        return _said(said.json())


class WayFlow(Flow[dict[str, Any]]):
    """One way to reach a provider, by its name."""

    @start()
    async def go(self) -> str:
        found = WAYS[self.state["way"]]()
        return str(await found if isinstance(found, Awaitable) else found)


class SyncWayFlow(Flow[dict[str, Any]]):
    """The same, outside of a loop."""

    @start()
    def go(self) -> str:
        return str(WAYS[self.state["way"]]())


def way(name: str) -> StreamSession[Any]:
    return SyncWayFlow().stream_events({"way": name})


def away(name: str) -> Any:
    return WayFlow().astream({"way": name})
