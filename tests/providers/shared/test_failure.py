"""What servers say of a conversation that does not fit, in the words of each."""

from __future__ import annotations

import pytest

from harness.providers.ollama.answer import OllamaAnswer
from harness.providers.shared.failure import failure_in

TOO_LONG = (
    "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
    "Your input exceeds the context window of this model.",
    "prompt is too long: 210000 tokens > 200000 maximum",
    "input length and `max_tokens` exceed context limit: 198000 + 8192 > 200000",
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
    "Input is too long for requested model.",
    "Input Tokens Exceeded: Number of input tokens exceeds maximum length.",
    "Too many input tokens. Max input tokens: 8192, request input token count: 9000",
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    "Please reduce the length of the messages or completion.",
    "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000",
    "Invalid request: Your request exceeded model token limit: 131072",
    "Prompt exceeds max length",
    "prompt token count of 130000 exceeds the limit of 128000",
    "Range of input length should be [1, 129024]",
    "`inputs` tokens + `max_new_tokens` must be <= 8193. Given: 9000 `inputs` tokens",
    "the request exceeds the available context size. try increasing the context size",
    "The number of tokens to keep from the initial prompt is greater than the context length.",
    "Trying to keep the first 5000 tokens when context the overflows.",
    "Invalid 'messages[1].content': string too long. Expected a string with maximum length 1048576, but got 2000000.",
    "Input validation error: `inputs` must have less than 1024 tokens. Given: 1500",
)
OTHERS = (
    "Request too large for model `m` on tokens per minute (TPM): Limit 6000, Requested 12000",
    "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
    "This request would exceed your organization's rate limit of 30,000 input tokens per minute",
    "You exceeded your current quota",
    "Invalid 'tools[0].function.name': string too long. Expected a string with maximum length 64, but got 70.",
    "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 40, but got 53.",
    "The number of images in the prompt exceeds the limit of 100",
    "The prompt cannot exceed 20 images",
    "The model is overloaded: try one with a smaller context window",
    "Invalid request: `inputs` must be <= 4 images",
)


@pytest.mark.parametrize("message", TOO_LONG)
def test_a_conversation_that_does_not_fit_is_told_by_the_words_of_its_server(message: str) -> None:
    failure = failure_in({"error": {"message": message, "type": "server_error"}})
    assert failure.is_too_long
    # Another time, too, it would be.
    answer = OllamaAnswer("p")
    assert not answer.reported(failure).retryable
    assert not answer.refused(500, failure).retryable


@pytest.mark.parametrize("message", OTHERS)
def test_what_is_too_much_in_another_way_is_not_too_long(message: str) -> None:
    assert not failure_in({"error": {"message": message, "code": "string_above_max_length"}}).is_too_long
