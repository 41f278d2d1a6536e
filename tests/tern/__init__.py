"""Tern, by its HTTP API."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx
from pydantic import BaseModel

from harness import BaseLLM, ProviderError, UsageError
from harness.errors import (
    MalformedResponseError,
    ProviderConnectionError,
    ProviderStatusError,
    StreamTruncatedError,
)
from harness.llm import (
    Finish,
    LLMRequest,
    Part,
    RequestId,
    ResponseStarted,
    TextDelta,
    ToolCallDelta,
    Usage,
    end_with_run,
)

REASONS = {"stop": Finish("stop", "stop"), "length": Finish("length", "length"), "call": Finish("tool_calls", "call")}
#: Settings of an LLM that Tern has nothing like.
UNKNOWN = (
    "top_p",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "n",
    "reasoning_effort",
    "thinking",
    "logprobs",
    "top_logprobs",
)


class Call(BaseModel):
    index: int
    id: str | None = None
    name: str | None = None
    arguments: str


class Line(BaseModel):
    """One line of an answer. What is not of this form is no answer of Tern's."""

    id: str | None = None
    text: str | None = None
    call: Call | None = None
    end: str | None = None
    tokens: dict[str, int] | None = None
    error: str | None = None


class Tern(BaseLLM):
    """A model of Tern."""

    provider = "tern"

    def check(self, request: LLMRequest) -> None:
        for name in UNKNOWN:
            if getattr(self, name) is not None:
                raise UsageError(f"tern: {name} can't be sent to Tern; leave it out")
        if isinstance(request.response_format, Mapping):
            raise UsageError("tern: only a response model can be checked; Tern knows no response format")

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        body, request_id, has_begun = self._body(request), None, False
        url, key = self.base_url or "https://api.tern.example", self.api_key or os.environ.get("TERN_API_KEY")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            with httpx.Client(base_url=url, headers=headers, timeout=self.timeout or 600) as client:
                end_with_run(client)
                with client.stream("POST", "/v1/chat", json=body) as response:
                    request_id = response.headers.get("x-request-id")
                    if response.status_code != 200:
                        raise self._refused(response, request_id)
                    has_begun = True
                    yield RequestId(request_id)
                    for text in lines(response.iter_bytes()):
                        line = Line.model_validate_json(text)
                        if line.error is not None:
                            raise ProviderError(f"tern: {line.error}", provider="tern", request_id=request_id)
                        yield from parts(line)
        except httpx.TransportError as error:
            kind = StreamTruncatedError if has_begun else ProviderConnectionError
            raise kind(f"tern: {error!r}", provider="tern", request_id=request_id, retryable=True) from error
        except (ValueError, LookupError, httpx.DecodingError) as error:
            raise MalformedResponseError(f"tern: {error}", provider="tern", request_id=request_id) from error

    def _body(self, request: LLMRequest) -> dict[str, Any]:
        settings = {"temperature": self.temperature, "max_tokens": self.max_tokens, "stop": request.stop}
        return {
            "model": self.model,
            # Tern takes messages and tools in the common form; otherwise they are translated here.
            "messages": [message.given() for message in request.messages],
            "tools": [tool.given() for tool in request.tools],
            "stream": bool(request.stream),
            **{name: value for name, value in settings.items() if value is not None},
            **self.additional_params,
        }

    def _refused(self, response: httpx.Response, request_id: str | None) -> ProviderError:
        response.read()
        return ProviderStatusError(
            f"tern answered {response.status_code}: {response.text}",
            provider="tern",
            status=response.status_code,
            request_id=request_id,
            retryable=response.status_code in (429, 500, 503),
        )


def lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield each line once all of it has come, however it was cut into pieces."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole


def parts(line: Line) -> Iterator[Part]:
    if line.id is not None:
        yield ResponseStarted(line.id)
    if line.text is not None:
        yield TextDelta(line.text)
    if line.call is not None:
        yield ToolCallDelta(line.call.index, line.call.id, line.call.name, line.call.arguments)
    if line.tokens is not None:
        read, written = line.tokens["in"], line.tokens["out"]
        yield Usage(read, written, read + written, raw=line.tokens)
    if line.end is not None:
        yield REASONS.get(line.end, Finish("other", line.end))
