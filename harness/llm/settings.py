"""What an LLM is configured with: the parameters that users know, under the same names for all providers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from harness.llm.output.usage import UsageCounter


class LLMSettings:
    """The settings of an LLM, and the count of what its calls have used. No call changes a setting."""

    #: The provider's name, as in a model string and in errors.
    provider: str = "custom"

    def __init__(
        self,
        model: str,
        temperature: float | None = None,
        top_p: float | None = None,
        max_tokens: int | None = None,
        stream: bool | None = None,
        seed: int | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        n: int | None = None,
        stop: str | Sequence[str] | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        api_key: str | None = None,
        base_url: str | None = None,
        api_version: str | None = None,
        response_format: type[BaseModel] | Mapping[str, Any] | None = None,
        reasoning_effort: str | None = None,
        thinking: Any = None,
        logprobs: bool | None = None,
        top_logprobs: int | None = None,
        additional_params: Mapping[str, Any] | None = None,
        callbacks: list[Any] | None = None,
        *,
        without_end_marker: bool = False,
    ) -> None:
        self.model = model
        self.temperature = temperature
        self.top_p = top_p
        self.max_tokens = max_tokens
        #: None streams where somebody reads a stream: in a session's run. True and False hold everywhere.
        self.stream = stream
        self.seed = seed
        self.frequency_penalty = frequency_penalty
        self.presence_penalty = presence_penalty
        self.n = n
        self.stop = [stop] if isinstance(stop, str) else list(stop) if stop is not None else None
        #: Seconds, for each attempt.
        self.timeout = timeout
        self.max_retries = max_retries
        self.api_key = api_key
        self.base_url = base_url
        self.api_version = api_version
        self.response_format = response_format
        self.reasoning_effort = reasoning_effort
        self.thinking = thinking
        self.logprobs = logprobs
        self.top_logprobs = top_logprobs
        #: Fields of the provider's own request body; they win over everything else. `OMIT` leaves a field out.
        #: `extra_query` is the query of the URL, and `extra_body` what Bedrock's SDK does not know of a body.
        self.additional_params = dict(additional_params or {})
        self.callbacks = callbacks
        #: Whether this host marks the end of no stream; then an answer is whole that has told why it ended.
        self.without_end_marker = without_end_marker
        self._usage = UsageCounter()
