"""The request body of OpenAI's legacy completions: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

from typing import Any, Final

from harness.errors import UsageError
from harness.llm.base import BaseLLM
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.shared.requests.recorded_request import RecordedRequest, json_object
from harness.providers.shared.requests.turns import sole_text
from harness.providers.shared.requests.wire_body import filled, present, same_names, wire_settings, with_additional

_SETTINGS: Final = same_names(
    "temperature", "top_p", "top_k", "max_tokens", "seed", "frequency_penalty", "presence_penalty", "n"
)


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    body = {
        "model": llm.model,
        "prompt": _prompt(request),
        **present(stream=request.stream),
        **({"stream_options": {"include_usage": True}} if request.stream else {}),
        **wire_settings(llm, _SETTINGS),
        **filled(stop=request.stop),
    }
    return with_additional(llm, body)


def _prompt(request: LLMRequest) -> str:
    text = sole_text(request.messages)
    if text is None:
        raise UsageError("legacy completions take one text, and no conversation; use openai/…")
    if request.all_tools() or request.response_format is not None:
        raise UsageError("legacy completions know neither tools nor formats of answers; use openai/…")
    return text


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = RecordedRequest(json_object(body, ["prompt"]))
    base_url, model = recorded.base_url(url, "/completions"), recorded.model()
    # What is more than one text, such as a list of tokens, is carried as it is.
    prompt = recorded.rest["prompt"]
    if recorded.rest.get("stream"):
        recorded.rest.setdefault("stream_options", OMIT)
    messages = [{"role": "user", "content": prompt if isinstance(prompt, str) else ""}]
    return recorded.call(f"openai-completions/{model}", messages, [], base_url=base_url)
