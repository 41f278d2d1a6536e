"""What the GenAI semantic conventions say of a scope: the name, the kind and the attributes of its span.

Names are those of the conventions' own repository; the constants of `opentelemetry-semantic-conventions` are deprecated.
Source: https://github.com/open-telemetry/semantic-conventions-genai (2026-11), `opentelemetry-util-genai` 1.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.bridges.outcome import counts_of
from harness.bridges.scopes import PlacedScope
from harness.bridges.texts import json_text, name_in, text_of

Attribute = str | bool | int | float | list[str]

#: Names of providers here → the conventions' names, where they differ.
PROVIDER_NAMES: Final = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock-invoke": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertex-anthropic": "gcp.vertex_ai",
    "openai-responses": "openai",
    "openai-completions": "openai",
}
#: Kind of scope → the operation, and the attribute that has its name.
_OPERATIONS: Final = {
    "flow": ("invoke_workflow", "gen_ai.workflow.name"),
    "turn": ("invoke_workflow", "gen_ai.workflow.name"),
    "crew": ("invoke_workflow", "gen_ai.workflow.name"),
    "agent": ("invoke_agent", "gen_ai.agent.name"),
    "tool": ("execute_tool", "gen_ai.tool.name"),
    "call": ("chat", "gen_ai.request.model"),
}
_REQUEST: Final[dict[str, tuple[str, type[Any] | tuple[type[Any], ...]]]] = {
    "temperature": ("gen_ai.request.temperature", (int, float)),
    "top_p": ("gen_ai.request.top_p", (int, float)),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "seed": ("gen_ai.request.seed", int),
    "stream": ("gen_ai.request.stream", bool),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", (int, float)),
    "presence_penalty": ("gen_ai.request.presence_penalty", (int, float)),
    "n": ("gen_ai.request.choice.count", int),
}
_USAGE: Final = {
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cached_prompt_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}


def name_and_attributes(scope: PlacedScope, provider: str | None) -> tuple[str, dict[str, Attribute]]:
    """Return the name of a scope's span, and what is known of it when it begins."""
    attributes: dict[str, Attribute] = {}
    session = next(
        (found for placed in scope.outward() if (found := name_in(placed.frame.payload.get("session_id")))), None
    )
    if session is not None:
        attributes["gen_ai.conversation.id"] = session
    if scope.kind not in _OPERATIONS:
        # The conventions know no such thing: it is a span of its own, under its name in the runtime.
        return " ".join(filter(None, (scope.kind, scope.given_name))), attributes
    operation, name = _OPERATIONS[scope.kind]
    attributes["gen_ai.operation.name"] = operation
    if scope.given_name is not None:
        attributes[name] = scope.given_name
    agent = {"tool": "agent_role", "agent": "agent_id"}.get(scope.kind, "")
    if (known := name_in(scope.frame.payload.get(agent))) is not None:
        attributes["gen_ai.agent.name" if scope.kind == "tool" else "gen_ai.agent.id"] = known
    if scope.kind == "tool":
        attributes["gen_ai.tool.type"] = "function"
    if scope.kind == "call":
        attributes |= _request(scope.frame.payload)
        if provider is not None:
            attributes["gen_ai.provider.name"] = PROVIDER_NAMES.get(provider, provider)
    return " ".join(filter(None, (operation, scope.given_name))), attributes


def ended_attributes(kind: str, payload: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return what is known of a scope when it ends."""
    attributes: dict[str, Attribute] = {}
    if kind == "call":
        counts = counts_of(payload.get("usage"))
        attributes |= {name: counts[count] for count, name in _USAGE.items() if count in counts}
        reason = name_in(payload.get("finish_reason"))
        if reason is not None:
            attributes["gen_ai.response.finish_reasons"] = [reason]
        response = name_in(payload.get("response_id"))
        if response is not None:
            attributes["gen_ai.response.id"] = response
    return attributes


def _request(payload: Mapping[str, Any]) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    for field, (name, kind) in _REQUEST.items():
        value = payload.get(field)
        # The protocol's integers have a sign and 64 bits.
        is_too_large = isinstance(value, int) and value.bit_length() > 63
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)) and not is_too_large:
            attributes[name] = value
    stops = payload.get("stop_sequences")
    if isinstance(stops, list) and stops:
        attributes["gen_ai.request.stop_sequences"] = [text_of(stop) for stop in stops]
    return attributes


def input_content(kind: str, payload: Mapping[str, Any]) -> dict[str, Attribute]:
    """Return what a scope was given, which is told only where somebody asks for it."""
    attributes: dict[str, Attribute] = {}
    if kind == "tool" and payload.get("tool_args") is not None:
        attributes["gen_ai.tool.call.arguments"] = text_of(payload["tool_args"])
    elif kind == "call":
        messages = payload.get("messages")
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        if isinstance(messages, list):
            texts = [_message(message) for message in messages if isinstance(message, dict)]
            attributes["gen_ai.input.messages"] = json_text(texts)
        if isinstance(payload.get("tools"), list):
            attributes["gen_ai.tool.definitions"] = json_text(payload["tools"])
    elif kind in ("flow", "crew") and payload.get("inputs") is not None:
        attributes["gen_ai.input.messages"] = json_text([_text_message("user", text_of(payload["inputs"]))])
    return attributes


def output_content(kind: str, payload: Mapping[str, Any], thoughts: str) -> dict[str, Attribute]:
    """Return what a scope gave, which is told only where somebody asks for it."""
    if kind == "tool" and payload.get("output") is not None:
        return {"gen_ai.tool.call.result": text_of(payload["output"])}
    if kind == "call":
        parts = [{"type": "reasoning", "content": thoughts}] if thoughts else []
        response = payload.get("response")
        if payload.get("call_type") == "tool_call" and isinstance(response, list):
            parts += [
                {"type": "text", "content": text} for text in [payload.get("text")] if isinstance(text, str) and text
            ]
            parts += [_call_part(call) for call in response if isinstance(call, dict)]
        elif response is not None:
            parts.append({"type": "text", "content": text_of(response)})
        reason = name_in(payload.get("finish_reason")) or "stop"
        message = {"role": "assistant", "parts": parts, "finish_reason": reason}
        return {"gen_ai.output.messages": json_text([message])} if parts else {}
    result = next((payload[name] for name in ("result", "output") if payload.get(name) is not None), None)
    if kind not in ("flow", "crew", "agent") or result is None:
        return {}
    return {
        "gen_ai.output.messages": json_text([_text_message("assistant", text_of(result)) | {"finish_reason": "stop"}])
    }


def _text_message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    role = name_in(message.get("role")) or "user"
    content = message.get("content")
    if role == "tool":
        answer = {"type": "tool_call_response", "id": name_in(message.get("tool_call_id")), "response": content}
        return {"role": role, "parts": [answer]}
    parts: list[dict[str, Any]] = []
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, dict) and isinstance(part.get("text"), str):
            parts.append({"type": "text", "content": part["text"]})
        elif part is not None:
            parts.append(dict(part) if isinstance(part, dict) else {"type": "text", "content": text_of(part)})
    calls = message.get("tool_calls")
    parts += [_call_part(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    return {"role": role, "parts": parts}


def _call_part(call: Mapping[str, Any]) -> dict[str, Any]:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    return {
        "type": "tool_call",
        "id": name_in(call.get("id")),
        "name": name_in(function.get("name")) or "",
        "arguments": function.get("arguments"),
    }
