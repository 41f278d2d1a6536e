"""Recorded requests of Gemini's generateContent: any that could be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.providers.openai.requests_chat import json_values, of, said, some

_HOST = "https://generativelanguage.googleapis.com"
_VERTEX = "https://aiplatform.googleapis.com/v1beta1"
_METHODS = ("generateContent", "streamGenerateContent?alt=sse")
URLS = tuple(
    f"{place}:{method}"
    for place in (
        f"{_HOST}/v1beta/models/gemini-2.5-flash",
        f"{_VERTEX}/publishers/google/models/gemini-2.5-flash",
        f"{_VERTEX}/projects/p/locations/global/publishers/google/models/gemini-2.5-pro",
    )
    for method in _METHODS
)

_names = st.text("abcdefgh_", min_size=1, max_size=8)
_object = st.dictionaries(said, json_values, max_size=3)
_signature = {"thoughtSignature": st.just("c2ln")}
_text = of({"text": said}, **_signature)
_media = st.sampled_from(
    [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "UklGRg=="}},
        {"fileData": {"fileUri": "https://x/y.pdf", "mimeType": "application/pdf"}},
        {"fileData": {"fileUri": "gs://x/y"}},
    ]
)
_call = of({"functionCall": of({"name": _names, "args": _object}, id=_names)}, **_signature)
_thought = of({"text": said, "thought": st.just(value=True)}, **_signature)


def _exchange(call: dict[str, Any], response: dict[str, Any]) -> list[dict[str, Any]]:
    """A call and the content that answers it."""
    asked = call["functionCall"]
    named = {name: asked[name] for name in ("id", "name") if name in asked}
    return [
        {"role": "model", "parts": [call]},
        {"role": "user", "parts": [{"functionResponse": {**named, "response": response}}]},
    ]


_contents = st.lists(
    st.one_of(
        st.builds(lambda parts: [{"role": "user", "parts": parts}], st.lists(_text | _media, min_size=1, max_size=3)),
        st.builds(
            lambda parts: [{"role": "model", "parts": parts}],
            st.lists(_text | _call | _thought, min_size=1, max_size=3),
        ),
        st.builds(_exchange, _call, of({"result": said}) | _object),
    ),
    min_size=1,
    max_size=4,
).map(lambda groups: [content for group in groups for content in group])
_declarations = st.lists(
    of(
        {"name": _names},
        description=said,
        parametersJsonSchema=st.just({"type": "object", "properties": {}}),
    )
    | of({"name": _names, "parameters": st.just({"type": "OBJECT", "properties": {}})}),
    min_size=1,
    max_size=3,
)
#: All functions are in one of them: others are refused.
_no_tools: list[dict[str, Any]] = []
_tools = st.permutations([{"googleSearch": {}}, {"codeExecution": {"a": 1}}]).flatmap(
    lambda hosted: st.builds(
        lambda declarations, count: [*hosted[:count], {"functionDeclarations": declarations}],
        _declarations,
        st.integers(0, 2),
    )
) | st.just(_no_tools)
_config = some(
    temperature=st.none() | st.just("1") | st.floats(0, 2) | st.integers(0, 2),
    topP=st.floats(0, 1),
    topK=st.integers(0, 9),
    maxOutputTokens=st.integers(0, 99),
    seed=st.integers(0, 9),
    frequencyPenalty=st.floats(0, 1),
    presencePenalty=st.floats(0, 1),
    candidateCount=st.integers(0, 2),
    responseLogprobs=st.booleans(),
    logprobs=st.integers(0, 5),
    stopSequences=st.lists(said, max_size=2),
    thinkingConfig=some(thinkingBudget=st.integers(0, 9), thinkingLevel=_names, includeThoughts=st.booleans()),
    responseMimeType=_names,
    responseJsonSchema=_object,
    responseSchema=_object,
    laterInvention=json_values,
)
bodies = st.fixed_dictionaries(
    {"contents": _contents},
    optional={
        "systemInstruction": of(
            {"parts": st.lists(of({"text": said}), min_size=1, max_size=2), "role": st.just("user")}
        ),
        "generationConfig": _config,
        "tools": _tools,
        "toolConfig": some(functionCallingConfig=some(mode=_names)),
        "safetySettings": st.lists(some(category=_names), max_size=2),
        "cachedContent": _names,
        "laterInvention": json_values,
    },
)
