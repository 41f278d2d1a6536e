"""Recorded requests of Anthropic's Messages API: their pieces, and any that could be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.providers.openai.requests_chat import json_values, said

URL = "https://api.anthropic.com/v1/messages"
PDF = "JVBERi0xLjQK"
PNG = "iVBORw0KGgo="
CACHED = {"cache_control": {"type": "ephemeral"}}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


def use(name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": f"toolu_{name}", "name": name, "input": arguments}


def result(name: str, content: Any = "done", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"toolu_{name}", "content": content, **more}


def pdf(**more: Any) -> dict[str, Any]:
    return {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}, **more}


def image(**more: Any) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}, **more}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def answer(*content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content[0] if isinstance(content[0], str) else list(content)}


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
HIDDEN = {"type": "redacted_thinking", "data": "ZGF0YQ=="}
ASKED = user("Hi")
TOOL = {"name": "a", "description": "A.", "input_schema": {"type": "object", "properties": {}}}
#: What stands in recorded bodies besides.
FIELDS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "streamed": {"stream": True},
    "not streamed": {"stream": False},
    "system": {"system": "Be brief."},
    "system of blocks": {"system": [text("Be brief.", **CACHED), text("Be kind.")]},
    "one system block": {"system": [text("Be brief.")]},
    "empty system": {"system": ""},
    "no system blocks": {"system": []},
    "sampling": {"temperature": 0, "top_p": 1.0, "top_k": 3, "stop_sequences": ["a"], "max_tokens": 1},
    "stop words of nothing but space": {"stop_sequences": ["\n", "a"]},
    "numbers as text": {"temperature": "0.5", "top_k": "3", "max_tokens": "1"},
    "empty lists": {"stop_sequences": [], "tools": []},
    "nulls": {"temperature": None, "thinking": None, "stop_sequences": None, "system": None},
    "thinking": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "thinking as a yes": {"thinking": True},
    "tools": {"tools": [TOOL, {**TOOL, "strict": True, **CACHED}, {"name": "b", "input_schema": {}}]},
    "a null of a tool": {"tools": [TOOL, {**TOOL, "description": None}]},
    "tool choice": {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "a"}},
    "output": {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}}},
    "metadata": {"metadata": {"user_id": "u"}, "service_tier": "auto"},
}


def body_of(messages: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"model": "claude-sonnet-4-5", "max_tokens": 4096, "messages": messages, **fields}


_marks = st.sampled_from([{}, CACHED])
_text_block = st.builds(lambda said, mark: text(said, **mark), said, _marks)
_media = st.sampled_from([pdf(), pdf(title="t"), image(), image(**CACHED)])
_use = st.builds(
    lambda name, arguments: {**use(name), "input": arguments}, said, st.dictionaries(said, json_values, max_size=3)
)
_result = st.builds(
    lambda name, content, more: result(name, content, **more),
    said,
    said | st.lists(_text_block | _media, max_size=3),
    st.sampled_from([{}, {"is_error": True}, CACHED]),
)
_message = st.one_of(
    st.builds(lambda said: user(said), said),
    st.builds(lambda blocks: {"role": "user", "content": blocks}, st.lists(_text_block | _media | _result, max_size=4)),
    st.builds(lambda said: answer(said), said),
    st.builds(
        lambda blocks: {"role": "assistant", "content": blocks},
        st.lists(_text_block | _use | st.sampled_from([THOUGHT, HIDDEN]), max_size=4),
    ),
)
bodies = st.builds(
    lambda messages, fields: body_of(messages, **fields),
    st.lists(_message, min_size=1, max_size=5),
    st.sampled_from(list(FIELDS.values())),
)
