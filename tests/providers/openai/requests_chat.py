"""Recorded requests of OpenAI chat completions, and of Azure and the hosts that speak it: any that could be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

URLS = (
    "https://api.openai.com/v1/chat/completions",
    "http://127.0.0.1:11434/v1/chat/completions",
    "https://openrouter.ai/api/v1/chat/completions",
)
AZURE_URLS = (
    "https://r.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-12-01-preview",
    "https://m.models.ai.azure.com/chat/completions?api-version=2024-05-01-preview",
)

said = st.text(max_size=12)
_names = st.text("abcdefgh_-09", min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | said,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(said, inner, max_size=3),
    max_leaves=6,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def of(
    needed: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with all fields that are needed and any that are optional."""
    return st.fixed_dictionaries(needed, optional=optional)


_mark = st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
_parts = st.lists(
    st.one_of(
        of({"type": st.just("text"), "text": said}, cache_control=_mark),
        of(
            {
                "type": st.just("image_url"),
                "image_url": of({"url": said | st.just("data:image/png;base64,AAAA")}, detail=_names),
            }
        ),
        of({"type": st.just("file"), "file": some(file_id=_names, filename=said, file_data=said)}),
        of({"type": st.just("input_audio"), "input_audio": of({"data": said, "format": st.just("wav")})}),
    ),
    max_size=3,
)
_calls = st.lists(
    of(
        {
            "id": _names,
            "type": st.just("function"),
            "function": of({"name": _names, "arguments": said | st.just('{"a": [1, "é"]}')}),
        }
    ),
    min_size=1,
    max_size=3,
)
_messages = st.lists(
    st.one_of(
        of({"role": st.sampled_from(["system", "developer", "user"]), "content": said | _parts}, name=_names),
        of(
            {"role": st.just("assistant")},
            content=st.none() | said | _parts,
            tool_calls=_calls,
            refusal=st.none() | said,
            name=_names,
        ),
        of({"role": st.just("tool"), "tool_call_id": _names, "content": said | _parts}, name=_names),
    ),
    min_size=1,
    max_size=5,
)
_tools = st.lists(
    st.one_of(
        of(
            {
                "type": st.just("function"),
                "function": of(
                    {"name": _names},
                    description=said,
                    parameters=st.just({"type": "object", "properties": {"city": {"type": "string"}}}),
                    strict=st.none() | st.booleans(),
                ),
            },
            cache_control=_mark,
        ),
        of({"type": st.sampled_from(["web_search", "custom"])}, custom=some(name=_names)),
    ),
    max_size=3,
)
_number = st.none() | st.just("1") | st.integers(0, 2) | st.floats(0, 2)
_fields = {
    "stream": st.booleans(),
    "stream_options": st.none() | some(include_usage=st.booleans()),
    "temperature": _number,
    "top_p": _number,
    "frequency_penalty": _number,
    "presence_penalty": _number,
    "seed": st.none() | st.integers(0, 99),
    "n": st.none() | st.integers(1, 3),
    "max_tokens": st.none() | st.integers(0, 99),
    "max_completion_tokens": st.none() | st.integers(0, 99),
    "stop": st.none() | said | st.lists(said, max_size=2),
    "reasoning_effort": st.none() | _names,
    "logprobs": st.none() | st.booleans(),
    "top_logprobs": st.none() | st.integers(0, 5),
    "tools": st.none() | _tools,
    "tool_choice": _names | some(type=_names),
    "response_format": st.none()
    | of({"type": st.sampled_from(["text", "json_object", "json_schema"])}, json_schema=json_values),
    "parallel_tool_calls": st.booleans(),
    "user": said,
    "later_invention": json_values,
}
_models = st.sampled_from(["gpt-4o-mini", "gpt-5", "o3", "org/model:free"])
bodies = st.fixed_dictionaries({"model": _models, "messages": _messages}, optional=_fields)
#: An Azure OpenAI deployment is named by the URL; the body need not name a model.
azure_bodies = st.tuples(
    st.just(AZURE_URLS[0]), st.fixed_dictionaries({"messages": _messages}, optional={"model": _models, **_fields})
) | st.tuples(st.just(AZURE_URLS[1]), bodies)
