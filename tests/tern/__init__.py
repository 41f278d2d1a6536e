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
        body, request_id, answered = self._body(request), None, False
        url, key = self.base_url or "https://api.tern.example", self.api_key or os.environ.get("TERN_API_KEY")
        headers = {"authorization": f"Bearer {key}"} if key else {}
        try:
            with httpx.Client(base_url=url, headers=headers, timeout=self.timeout or 600) as client:
                end_with_run(client)
                with client.stream("POST", "/v1/chat", json=body) as response:
                    request_id = response.headers.get("x-request-id")
                    if response.status_code != 200:
                        raise self._refused(response, request_id)
                    answered = True
                    yield RequestId(request_id)
                    for line in lines(response.iter_bytes()):
                        said = Line.model_validate_json(line)
                        if said.error is not None:
                            raise ProviderError(f"tern: {said.error}", provider="tern", request_id=request_id)
                        yield from parts(said)
        except httpx.TransportError as error:
            kind = StreamTruncatedError if answered else ProviderConnectionError
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


def parts(said: Line) -> Iterator[Part]:
    if said.id is not None:
        yield ResponseStarted(said.id)
    if said.text is not None:
        yield TextDelta(said.text)
    if said.call is not None:
        yield ToolCallDelta(said.call.index, said.call.id, said.call.name, said.call.arguments)
    if said.tokens is not None:
        asked, answered = said.tokens["in"], said.tokens["out"]
        yield Usage(asked, answered, asked + answered, raw=said.tokens)
    if said.end is not None:
        yield REASONS.get(said.end, Finish("other", said.end))
