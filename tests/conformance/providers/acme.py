"""Acme, a provider with a wire format of its own: its integration, sound and broken, and its side of the wire.

A streamed answer is lines of JSON: `{"say": …}`, `{"think": …}`, `{"call": …}`, `{"used": [prompt, completion]}`, and
`{"over": reason}` at the end. What does not stream is one object with the same members.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

import httpx

from harness import BaseLLM, StreamSession
from harness.errors import (
    MalformedResponseError,
    ProviderConnectionError,
    ProviderError,
    ProviderStatusError,
    StreamTruncatedError,
)
from harness.llm import Finish, LLMRequest, RequestId, TextDelta, ThinkingDelta, ToolCallDelta, Usage
from harness.llm.output.parts import Part
from tests.recording.support.loopback import Exchange

URL = "https://api.acme.example/v2/say"
TOOL = {
    "type": "function",
    "function": {"name": "get_tide", "description": "The tide.", "parameters": {"type": "object"}},
}
_LINES: dict[str, list[dict[str, Any]]] = {
    "greet": [{"think": "Who "}, {"think": "asks?"}, {"say": "Grüße aus "}, {"say": "Århus 🌊"}],
    "ask": [
        {"say": "Let me look."},
        {"call": ["c1", "get_tide", '{"harbour": ']},
        {"call": ["c1", "get_tide", '"Århus"}']},
    ],
}


def answer(exchange: Exchange) -> None:
    """Answer one request as Acme does, each line in a piece of its own."""
    asked = json.loads(exchange.body)
    identified = {"acme_request_id": f"acme-{asked['ask']}"}
    if asked["ask"] == "refuse":
        exchange.head("402 Payment Required", "application/json", **identified)
        exchange.chunk(b'{"complaint": "no credit"}')
    elif asked["stream"]:
        exchange.head(content_type="application/x-ndjson", **identified)
        for line in [*_LINES[asked["ask"]], {"used": [3, 4]}, {"over": "done"}]:
            exchange.chunk(json.dumps(line, ensure_ascii=False).encode() + b"\n")
    else:
        exchange.head(content_type="application/json", **identified)
        exchange.chunk(json.dumps({"say": "Grüße", "used": [3, 4], "over": "done"}).encode())
    exchange.finish()


class Acme(BaseLLM):
    """The sound integration."""

    provider = "acme"

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        body = {"ask": request.messages[-1].content, "stream": request.stream}
        identified, begun = None, False
        try:
            with self.asked(body) as response:
                identified = response.headers.get("acme-request-id")
                if response.status_code >= 400:
                    raise self.refused(response.status_code, identified)
                begun = True
                yield RequestId(identified)
                for line in self.lines(response.iter_raw()):
                    yield from self.parts(line)
        except httpx.HTTPError as error:
            cut = StreamTruncatedError if begun else ProviderConnectionError
            raise cut(str(error), provider="acme", request_id=identified) from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise MalformedResponseError(str(error), provider="acme", request_id=identified) from error

    @contextlib.contextmanager
    def asked(self, body: dict[str, Any]) -> Iterator[httpx.Response]:
        with httpx.Client(trust_env=False, verify=False) as client, client.stream("POST", URL, json=body) as response:
            yield response

    def refused(self, status: int, identified: str | None) -> Exception:
        return ProviderStatusError(f"acme says {status}", provider="acme", status=status, request_id=identified)

    def lines(self, pieces: Iterable[bytes]) -> Iterator[str]:
        rest = b""
        for piece in pieces:
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line.decode() for line in whole)
        if rest:
            yield rest.decode()

    def parts(self, line: str) -> Iterator[Part]:
        said = json.loads(line)
        if "think" in said:
            yield ThinkingDelta(said["think"])
        if "say" in said:
            yield TextDelta(said["say"])
        if "call" in said:
            yield ToolCallDelta(0, *said["call"])
        if "used" in said:
            prompt, completion = said["used"]
            yield Usage(prompt, completion, prompt + completion)
        if "over" in said:
            yield Finish("stop", said["over"])


class Sound:
    """What is recorded; each broken integration has the same targets, under its own name."""

    LLM: type[BaseLLM] = Acme

    @classmethod
    def text(cls) -> StreamSession[Any]:
        return cls.LLM("one").stream_events("greet")

    @classmethod
    def tool(cls) -> StreamSession[Any]:
        return cls.LLM("one").stream_events("ask", tools=[TOOL])

    @classmethod
    def refused(cls) -> StreamSession[Any]:
        return cls.LLM("one").stream_events("refuse")

    @classmethod
    def plain(cls) -> StreamSession[Any]:
        llm = cls.LLM("one", stream=False)
        return StreamSession(lambda: llm.call("greet"), source=llm)


class ShowsLater(Sound):
    """Shows what has come when its loop, which is busy, gets round to it, as it may: once somebody has looked for it."""

    #: Of the last call, set in its loop.
    looked_for: asyncio.Event

    class LLM(Acme):
        async def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
            ShowsLater.looked_for = looked_for = asyncio.Event()
            async for part in super().agenerate(request):
                await looked_for.wait()
                yield part


class TornCharacters(Sound):
    """Decodes each piece by itself."""

    class LLM(Acme):
        def lines(self, pieces: Iterable[bytes]) -> Iterator[str]:
            decoded = (piece.decode("utf-8", "replace").encode() for piece in pieces)
            return super().lines(decoded)


class LinesAreChunks(Sound):
    """Takes each piece for a line."""

    class LLM(Acme):
        def lines(self, pieces: Iterable[bytes]) -> Iterator[str]:
            return (piece.decode() for piece in pieces)


class ShortIsWhole(Sound):
    """Says that the answer has ended, whatever came."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            with contextlib.suppress(StreamTruncatedError):
                yield from super().generate(request)
            yield Finish("stop")


class ErrorsPass(Sound):
    """Takes what it can't read, and what is refused, for the end."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            try:
                yield from super().generate(request)
            except (MalformedResponseError, ProviderStatusError):
                yield Finish("stop")


class UnreadablePasses(Sound):
    """Skips the lines that it can't read."""

    class LLM(Acme):
        def parts(self, line: str) -> Iterator[Part]:
            with contextlib.suppress(ValueError):
                yield from super().parts(line)


class ErrorsOfPython(Sound):
    """Raises what no program can read a status from."""

    class LLM(Acme):
        def refused(self, status: int, identified: str | None) -> Exception:
            return RuntimeError(f"acme says {status}")


class DisconnectsOfPython(Sound):
    """Raises what does not say whose connection broke."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            try:
                yield from super().generate(request)
            except StreamTruncatedError as error:
                raise ConnectionError("broken") from error


def lacking(is_lost: Callable[[Part], bool]) -> type[BaseLLM]:
    class LLM(Acme):
        def parts(self, line: str) -> Iterator[Part]:
            return (part for part in super().parts(line) if not is_lost(part))

    return LLM


class NoUsage(Sound):
    """Counts nothing."""

    LLM = lacking(lambda part: isinstance(part, Usage))


class NoThinking(Sound):
    """Keeps the reasoning to itself."""

    LLM = lacking(lambda part: isinstance(part, ThinkingDelta))


class LostWords(Sound):
    """Drops a piece of text."""

    LLM = lacking(lambda part: isinstance(part, TextDelta) and "rhus" in part.text)


class ToolsForgotten(Sound):
    """Never tells of a tool call."""

    LLM = lacking(lambda part: isinstance(part, ToolCallDelta))


class Shorter(Sound):
    """Loses the end of an answer that comes at once."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            for part in super().generate(request):
                short = isinstance(part, TextDelta) and not request.stream
                yield TextDelta(part.text[:-1]) if short and isinstance(part, TextDelta) else part


class KeepsConnections(Sound):
    """Closes what it has read to the end, or failed on, and nothing that was left."""

    class LLM(Acme):
        @contextlib.contextmanager
        def asked(self, body: dict[str, Any]) -> Iterator[httpx.Response]:
            response = _sent(body)
            try:
                yield response
            except Exception:
                response.close()
                raise
            response.close()


class FailuresKeepConnections(Sound):
    """Closes what has ended well."""

    class LLM(Acme):
        @contextlib.contextmanager
        def asked(self, body: dict[str, Any]) -> Iterator[httpx.Response]:
            response = _sent(body)
            yield response
            response.close()


def _sent(body: dict[str, Any]) -> httpx.Response:
    client = httpx.Client(trust_env=False)
    return client.send(client.build_request("POST", URL, json=body), stream=True)


class ShowsTheWhole(Sound):
    """Tells of an answer once all of it is there."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            yield from list(super().generate(request))


class ThinksLast(Sound):
    """Tells what the model thought after what it said."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            parts = list(super().generate(request))
            yield from sorted(parts, key=lambda part: isinstance(part, ThinkingDelta | Finish))


class ArgumentsStripped(Sound):
    """Writes the arguments of tool calls in letters of its own."""

    class LLM(Acme):
        def parts(self, line: str) -> Iterator[Part]:
            for part in super().parts(line):
                if isinstance(part, ToolCallDelta):
                    yield ToolCallDelta(part.index, part.id, part.name, part.arguments.replace("Å", "A"))
                else:
                    yield part


class Exiting(Sound):
    """Ends its process where a stream is cut."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            try:
                yield from super().generate(request)
            except ProviderError:
                os._exit(7)


class Hanging(Sound):
    """Waits for ever where a stream is cut."""

    class LLM(Acme):
        def generate(self, request: LLMRequest) -> Iterator[Part]:
            try:
                yield from super().generate(request)
            except ProviderError:
                threading.Event().wait()
