"""What an answer of OpenAI's Responses API says, read from its bytes with nothing but json.

A streamed answer is read from its deltas alone, so that the whole response in its last event says nothing here but
usage, status and reason.
"""

from __future__ import annotations

import json
from typing import Any, Final

from tests.providers.reading import Said

REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def read(content_type: str, body: bytes) -> Said:
    """Return what the answer says, streamed or whole."""
    if not content_type.startswith("text/event-stream"):
        return _whole(json.loads(body))
    said = Said()
    calls: dict[int, list[str]] = {}
    for line in body.decode().splitlines():
        if line.startswith("data:"):
            _add(said, calls, json.loads(line.removeprefix("data:")))
    said.calls = [(call_id, name, json.loads(arguments)) for call_id, name, arguments in calls.values()]
    _end(said)
    return said


def _add(said: Said, calls: dict[int, list[str]], event: dict[str, Any]) -> None:
    match event["type"]:
        case "response.output_text.delta" | "response.refusal.delta":
            said.text += event["delta"]
        case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
            said.thinking += event["delta"]
        case "response.output_item.added" if event["item"]["type"] == "function_call":
            calls[event["output_index"]] = [event["item"]["call_id"], event["item"]["name"], ""]
        case "response.function_call_arguments.delta":
            calls[event["output_index"]][2] += event["delta"]
        case "response.completed" | "response.incomplete":
            _tell(said, event["response"])


def _whole(response: dict[str, Any]) -> Said:
    said = Said()
    for item in response["output"]:
        if item["type"] == "message":
            said.text += "".join(part.get("text") or part.get("refusal") or "" for part in item["content"])
        elif item["type"] == "function_call":
            said.calls.append((item["call_id"], item["name"], json.loads(item["arguments"])))
        elif item["type"] == "reasoning":
            said.thinking += "".join(part["text"] for part in [*item["summary"], *item.get("content", [])])
    _tell(said, response)
    _end(said)
    return said


def _tell(said: Said, response: dict[str, Any]) -> None:
    sent = response["usage"]
    details = sent["input_tokens_details"]
    said.usage = {
        "prompt_tokens": sent["input_tokens"],
        "completion_tokens": sent["output_tokens"],
        "total_tokens": sent["total_tokens"],
        "cached_prompt_tokens": details["cached_tokens"],
        "reasoning_tokens": sent["output_tokens_details"]["reasoning_tokens"],
    }
    if "cache_write_tokens" in details:
        said.usage["cache_creation_tokens"] = details["cache_write_tokens"]
    why = response["incomplete_details"]
    said.finish_reason = REASONS[why["reason"]] if why else "stop"


def _end(said: Said) -> None:
    """The wire has no reason of its own for an answer that calls tools."""
    if said.calls and said.finish_reason == "stop":
        said.finish_reason = "tool_calls"
