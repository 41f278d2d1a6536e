"""The request body of OpenAI's legacy completions: from our request to the wire, and back from a recorded one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.errors import UsageError
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.shared.recorded.query import EXTRA_QUERY, parse_query
from harness.providers.shared.recorded.recorded_body import FLAG, Kind, json_object

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

#: Settings that have the same name on the wire.
_SAME_NAME: Final = ("temperature", "top_p", "max_tokens", "seed", "frequency_penalty", "presence_penalty", "n")
_PROMPT: Final = Kind("a text or a list", lambda value: isinstance(value, str | list))


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    """Return the JSON body of `request` with the settings of `llm`. Its `additional_params` win over all else.

    Raises:
        UsageError: it is more than one text of the user.
    """
    body: dict[str, Any] = {"model": llm.model, "prompt": _prompt(request)}
    if request.stream is not None:
        body["stream"] = request.stream
    if request.stream:
        body["stream_options"] = {"include_usage": True}
    for name in _SAME_NAME:
        if (value := getattr(llm, name)) is not None:
            body[name] = value
    if request.stop:
        body["stop"] = request.stop
    body |= llm.additional_params
    return {name: value for name, value in body.items() if value is not OMIT and name != EXTRA_QUERY}


def _prompt(request: LLMRequest) -> str:
    only = request.messages[0] if request.messages else None
    if only is None or len(request.messages) > 1 or only.role != "user" or not isinstance(only.content, str):
        raise UsageError("legacy completions take one text, and no conversation; use openai/…")
    if request.all_tools() or request.response_format is not None:
        raise UsageError("legacy completions know neither tools nor formats of answers; use openai/…")
    return only.content


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    """Return the call that made a recorded request: made again, it goes to the same URL with the same JSON.

    Raises:
        UsageError: a field can't be rebuilt; it is named.
    """
    recorded = json_object(body, {"prompt": _PROMPT}, {"stream": FLAG})
    base_url, _, query = url.partition("?")
    prompt, model = recorded["prompt"], recorded.get("model")
    # What is more than one text, such as a list of tokens, is carried as it is.
    rest = {name: value for name, value in recorded.items() if name != "stream" or value is None}
    if recorded.get("stream") and "stream_options" not in recorded:
        rest["stream_options"] = OMIT
    if model is None:
        rest["model"] = recorded.get("model", OMIT)
    if query:
        rest[EXTRA_QUERY] = parse_query(query)
    return RecordedCall(
        model=f"openai-completions/{model or 'unnamed'}",
        messages=[{"role": "user", "content": prompt if isinstance(prompt, str) else ""}],
        stream=recorded.get("stream"),
        settings={"base_url": base_url.removesuffix("/completions")},
    ).with_rest(rest)
