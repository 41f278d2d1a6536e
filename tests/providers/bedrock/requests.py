"""Recorded requests of Bedrock's Converse: their pieces, and any that could be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.providers.openai.requests_chat import json_values, said

MODEL = "us.anthropic.claude-sonnet-4-20250514-v1:0"
URL = "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse"
PDF = "JVBERi0xLjQK"
PNG = "iVBORw0KGgo="
POINT = {"cachePoint": {"type": "default"}}


def text(said: str) -> dict[str, Any]:
    return {"text": said}


def use(name: str, **arguments: Any) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": f"tooluse_{name}", "name": name, "input": arguments}}


def result(name: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = list(content) or [text("done")]
    return {"toolResult": {"toolUseId": f"tooluse_{name}", "content": said, **more}}


def image(**source: Any) -> dict[str, Any]:
    return {"image": {"format": "png", "source": source or {"bytes": PNG}}}


def document(format_: str = "pdf", name: str = "a", source: Any = None, **more: Any) -> dict[str, Any]:
    return {"document": {"format": format_, "name": name, "source": source or {"bytes": PDF}, **more}}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def answer(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


THOUGHT = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}}
HIDDEN = {"reasoningContent": {"redactedContent": "ZGF0YQ=="}}
ASKED = user(text("Hi"))
SPEC = {"toolSpec": {"name": "a", "description": "A.", "inputSchema": {"json": {"type": "object"}}}}
#: What stands in recorded bodies besides.
FIELDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "system": {"system": [text("Be brief.")]},
    "system of blocks": {"system": [text("Be brief."), POINT, text("Be kind.")]},
    "empty system": {"system": []},
    "empty fields": {"inferenceConfig": {}, "additionalModelRequestFields": {}},
    "sampling": {"inferenceConfig": {"maxTokens": 1, "temperature": 0, "topP": 1.0, "stopSequences": ["a"]}},
    "sampling of another kind": {"inferenceConfig": {"maxTokens": 1, "topK": 3, "stopSequences": []}},
    "numbers as text": {"inferenceConfig": {"maxTokens": "1", "temperature": 0}},
    "no stop sequences": {"inferenceConfig": {"stopSequences": []}},
    "thinking": {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
    "thinking as a yes": {"additionalModelRequestFields": {"thinking": True}},
    "model's own fields": {"additionalModelRequestFields": {"thinking": {"type": "disabled"}, "top_k": 5}},
    "Nova's reasoning": {
        "additionalModelRequestFields": {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}
    },
    "a description of nothing": {"toolConfig": {"tools": [{"toolSpec": {**SPEC["toolSpec"], "description": ""}}]}},
    "tools": {"toolConfig": {"tools": [SPEC, POINT, SPEC], "toolChoice": {"auto": {}}}},
    "strict tool": {"toolConfig": {"tools": [{"toolSpec": {**SPEC["toolSpec"], "strict": True}}]}},
    "no tools": {"toolConfig": {}},
    "more": {"guardrailConfig": {"guardrailIdentifier": "g"}, "requestMetadata": {"a": "b"}},
    "output": {"outputConfig": {"textFormat": {"type": "json_schema"}}},
}

_named = st.text(min_size=1)
_arguments = st.dictionaries(said, json_values, max_size=3)
_media = st.sampled_from([image(), document(), document("md", "b", {"text": "x"})])
_use = st.builds(lambda name, asked: {"toolUse": {**use(name)["toolUse"], "input": asked}}, _named, _arguments)
_inner = st.builds(text, said) | _media | st.builds(lambda value: {"json": value}, _arguments)
_result = st.builds(
    lambda name, content, more: {"toolResult": {**result(name)["toolResult"], "content": content, **more}},
    _named,
    st.lists(_inner, max_size=3),
    st.sampled_from([{}, {"status": "error"}]),
)
_text = st.builds(text, said)
_turns = st.tuples(
    st.lists(_text | _media | _result | st.just(POINT), max_size=4),
    st.lists(_text | _use | st.sampled_from([THOUGHT, HIDDEN]), max_size=4),
)
#: What boto3 knows of; it refuses the rest before it sends anything.
_SENDABLE = FIELDS.keys() - {"sampling of another kind", "no tools", "output"}
bodies = st.builds(
    lambda turns, fields: {
        "messages": [message for asked, said in turns for message in (user(*asked), answer(*said))],
        **fields,
    },
    st.lists(_turns, min_size=1, max_size=3),
    st.sampled_from([fields for name, fields in FIELDS.items() if name in _SENDABLE]),
)
