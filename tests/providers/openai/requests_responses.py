"""Recorded requests of OpenAI's Responses API: any that could be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

URL = "https://api.openai.com/v1/responses"

texts = st.text(max_size=8)
names = st.text("abcdefgh_", min_size=1, max_size=8)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


def typed(kind: str, needed: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries({"type": st.just(kind), **needed}, optional=optional)


asked_parts = st.one_of(
    typed("input_text", {"text": texts}),
    typed("input_image", {"image_url": texts}, detail=st.sampled_from(["low", "high"])),
    typed("input_image", {"file_id": names}, detail=st.sampled_from(["low", "high"])),
    typed("input_file", {"file_id": names}),
    typed("input_file", {"file_data": texts}, filename=names),
    typed("input_file", {"file_url": texts}, filename=names),
)
said_parts = st.one_of(
    typed(
        "output_text",
        {"text": texts},
        annotations=st.lists(some(type=names, url=texts), max_size=2),
        logprobs=st.just([]),
    ),
    typed("refusal", {"refusal": texts}),
)
facts = {"id": names, "status": st.sampled_from(["completed", "incomplete"])}
items = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "system", "developer"]),
            "content": texts | st.lists(asked_parts, max_size=3),
        },
        optional={"type": st.just("message"), **facts},
    ),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": texts | st.lists(said_parts, max_size=3)},
        optional={"type": st.just("message"), "phase": st.sampled_from(["commentary", "final_answer"]), **facts},
    ),
    typed("function_call", {"call_id": names, "name": names, "arguments": texts}, **facts),
    typed("function_call_output", {"call_id": names, "output": texts | st.lists(asked_parts, max_size=2)}, **facts),
    typed(
        "reasoning",
        {"summary": st.lists(typed("summary_text", {"text": texts}), max_size=2)},
        id=names,
        content=st.lists(typed("reasoning_text", {"text": texts}), max_size=2),
        encrypted_content=st.none() | texts,
    ),
    typed("web_search_call", {"id": names}, action=some(type=names, query=texts)),
    typed("item_reference", {"id": names}),
)
tools = st.one_of(
    typed(
        "function",
        {"name": names},
        description=st.none() | texts,
        parameters=st.just({"type": "object", "properties": {}}),
        strict=st.none() | st.booleans(),
    ),
    typed("web_search_preview", {}, search_context_size=names),
    typed("mcp", {"server_label": names}, require_approval=names),
)
bodies = st.fixed_dictionaries(
    {"model": names, "input": texts | st.lists(items, min_size=1, max_size=5)},
    optional={
        "instructions": st.none() | texts,
        "stream": st.booleans(),
        "tools": st.lists(tools, max_size=4),
        "tool_choice": names,
        "temperature": st.none() | st.floats(0, 2),
        "max_output_tokens": st.none() | st.integers(16, 99),
        "top_logprobs": st.integers(0, 5),
        "include": st.lists(names, max_size=2),
        "previous_response_id": st.none() | names,
        "reasoning": st.none() | some(effort=st.none() | names, summary=st.none() | names),
        "text": some(format=some(type=names, name=names), verbosity=names),
        "store": st.booleans(),
    },
)
