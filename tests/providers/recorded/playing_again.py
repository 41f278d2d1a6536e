"""A recorded request made again through its adapter, and what the adapter makes of the recorded answer."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from harness.llm import LLM, LLMRequest, Part
from harness.llm.credentials import no_credentials_needed
from harness.llm.input.hosted import hosted_tools
from harness.llm.input.reader import read_messages, read_tools
from harness.llm.output.assembly import Assembly
from harness.llm.output.parts import ThinkingDelta
from harness.llm.recorded import RecordedCall
from harness.providers.registry import recognized
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, playing
from tests.llm.scripted import Way
from tests.providers.recorded.reading import Said


def heard(path: Path, number: int, way: Way) -> Said:
    """Return what the adapter hears when interaction `number` of a cassette is made again; nothing else may be sent."""
    interaction = read_cassette(path)[number - 1]
    api = recognized(interaction.request.method, interaction.request.url)
    assert api is not None
    with network_guard(), no_credentials_needed(), playing(path, (interaction,)) as tape:
        llm, request = again(api.parse(interaction.request.url, interaction.request.body))
        parts = list(llm.generate(request)) if way == "sync" else asyncio.run(_agenerated(llm, request))
    assert not tape.misses
    assert not tape.unplayed
    return said(parts)


def again(call: RecordedCall) -> tuple[LLM, LLMRequest]:
    """Return the LLM and the request that a recorded call stands for."""
    llm = LLM(call.model, stream=call.stream, max_retries=0, **call.settings)
    request = LLMRequest(
        messages=read_messages(call.messages),
        tools=read_tools(call.tools),
        hosted_tools=hosted_tools(call.tools),
        stream=call.stream,
        stop=llm.stop,
        response_format=llm.response_format,
    )
    return llm, request


def said(parts: list[Part]) -> Said:
    """Return what parts say, once they are whole."""
    assembly = Assembly("any")
    for part in parts:
        assembly.take(part)
    assembly.check_end()
    return Said(
        text=assembly.text,
        thinking="".join(part.text for part in parts if isinstance(part, ThinkingDelta)),
        calls=[(call.id, call.name, json.loads(call.arguments)) for call in assembly.calls],
        usage=assembly.usage.payload() if assembly.usage is not None else None,
        finish_reason=assembly.finish_reason,
    )


async def _agenerated(llm: LLM, request: LLMRequest) -> list[Any]:
    return [part async for part in llm.agenerate(request)]
