"""Claims about what messages, parts and tools say beside the usual: it is in the request, or one warning names it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import UsageError
from harness.llm import LLM, UnsentFieldWarning
from harness.providers.anthropic import request as anthropic_request
from harness.providers.bedrock import request as bedrock_request
from harness.providers.openai import request as openai_request
from harness.providers.openai.responses.model import OpenAIResponses

MARK = {"type": "ephemeral", "ttl": "1h"}
EXPLICIT = {"mode": "explicit"}
IMAGE: dict[str, Any] = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SOURCED = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}}
FILE: dict[str, Any] = {
    "type": "file",
    "file": {"file_data": "data:application/pdf;base64,JVBERi0xLjQK", "filename": "a.pdf"},
}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}


def said(**more: Any) -> list[dict[str, Any]]:
    """Return a conversation whose last message says more."""
    return [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "The", **more}]


def part(known: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{**known, **more}, {"type": "text", "text": "What is it?"}]}]


def answered(content: Any = "7", **more: Any) -> list[dict[str, Any]]:
    result = {"role": "tool", "tool_call_id": "c1", "content": content, **more}
    return [{"role": "user", "content": "Hi"}, {"role": "assistant", "tool_calls": [CALL]}, result]


ASK = {"role": "user", "content": "Hi"}
TEXT = {"type": "text", "text": "A"}
#: What is asked → messages, tools, and what of it is looked for in the request.
ASKED: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]] | None, str]] = {
    "partial": (said(partial=True), None, '"partial": true'),
    "prefix": (said(prefix=True), None, '"prefix": true'),
    "name": (said(name="Ann"), None, '"name": "Ann"'),
    "refusal": ([{"role": "assistant", "content": None, "refusal": "No."}, ASK], None, '"No."'),
    "content.refusal": ([{"role": "assistant", "content": "Hm.", "refusal": "No."}, ASK], None, '"No."'),
    "message.cache_control": (said(cache_control=MARK), None, '"ttl": "1h"'),
    "system.cache_control": ([{"role": "system", "content": "Be brief.", "cache_control": MARK}, *said()], None, '"ttl": "1h"'),
    "result.cache_control": (answered(cache_control=MARK), None, '"ttl": "1h"'),
    "result part.cache_control": (answered([{**TEXT, "cache_control": MARK}]), None, '"ttl": "1h"'),
    "text.cache_control": (part(TEXT, cache_control=MARK), None, '"ttl": "1h"'),
    "cache_point": (part({"type": "cache_point", "ttl": "1h"}), None, '"ttl": "1h"'),
    "image.cache_control": (part(IMAGE, cache_control=MARK), None, '"ttl": "1h"'),
    "image.detail": (part({**IMAGE, "image_url": {**IMAGE["image_url"], "detail": "low"}}), None, '"detail": "low"'),
    "sourced image.detail": (part({**SOURCED, "detail": "low"}), None, '"detail": "low"'),
    "text.prompt_cache_breakpoint": (part(TEXT, prompt_cache_breakpoint=EXPLICIT), None, '"mode": "explicit"'),
    "image.prompt_cache_breakpoint": (part(IMAGE, prompt_cache_breakpoint=EXPLICIT), None, '"mode": "explicit"'),
    "file.prompt_cache_breakpoint": (part(FILE, prompt_cache_breakpoint=EXPLICIT), None, '"mode": "explicit"'),
    "text.weight": (part(TEXT, weight=3), None, '"weight": 3'),
    "image.weight": (part(IMAGE, weight=3), None, '"weight": 3'),
    "document.title": (part(PDF, title="Tides"), None, '"Tides"'),
    "document.context": (part(PDF, context="Of 1900."), None, '"Of 1900."'),
    "document.citations": (part(PDF, citations={"enabled": True}), None, '"citations": {"enabled": true}'),
    "tool.strict": (said(), [{"type": "function", "function": {**FUNCTION, "strict": True}}], '"strict": true'),
    "tool.cache_control": (said(), [{"type": "function", "function": FUNCTION, "cache_control": MARK}], '"ttl": "1h"'),
    "function.defer_loading": (said(), [{**FUNCTION, "defer_loading": True}], '"defer_loading": true'),
}  # fmt: skip

CACHED = frozenset(name for name in ASKED if name.endswith("cache_control"))
EXPLICITLY_CACHED = frozenset(name for name in ASKED if name.endswith("prompt_cache_breakpoint"))
DOCUMENTS = frozenset(name for name in ASKED if name.startswith("document"))


class Asked(SimpleNamespace):
    """How a provider is asked, and what of all that it has no place for."""

    llm: Callable[[], LLM]
    body: Callable[[Any, Any], Any]
    unsent: frozenset[str]
    #: What it refuses, with the message that says it.
    refused: frozenset[str] = frozenset()


def _bedrock(llm: Any, request: Any) -> Any:
    return bedrock_request.sdk_arguments(llm, request)


def _body(llm: Any, request: Any) -> Any:
    return llm._body(request)


KEY: dict[str, Any] = {"api_key": "k"}
OWN = frozenset({"partial", "text.weight", "image.weight"})
#: By the official SDKs' types: openai 3.57, anthropic 2.14, boto3 1.44, google-genai 3.6 (2026-11).
PROVIDERS = {
    "a host of OpenAI's format": Asked(
        llm=lambda: LLM("openai/kimi-k2", base_url="https://api.moonshot.ai/v1", **KEY),
        body=openai_request.wire_body,
        unsent=frozenset(),
    ),
    "openai": Asked(
        llm=lambda: LLM("openai/gpt-4o-mini", **KEY),
        body=openai_request.wire_body,
        unsent=OWN | CACHED | {"prefix", "cache_point", "function.defer_loading"},
    ),
    "responses": Asked(
        llm=lambda: LLM("openai/gpt-4o-mini", api="responses", **KEY),
        body=OpenAIResponses._body,
        unsent=OWN | CACHED | {"prefix", "cache_point", "name", "document.context", "document.citations"},
    ),
    # A prefix needs no word there: the last message is gone on from.
    "anthropic": Asked(
        llm=lambda: LLM("anthropic/claude-sonnet-4-5", **KEY),
        body=anthropic_request.wire_body,
        unsent=frozenset({"partial", "name", "content.refusal", "image.detail", "sourced image.detail"}),
        refused=frozenset({"cache_point"}),
    ),
    "bedrock": Asked(
        llm=lambda: LLM("bedrock/anthropic.claude-sonnet-4-5-20250929-v1:0", region_name="us-east-1"),
        body=_bedrock,
        unsent=OWN
        | EXPLICITLY_CACHED
        | {"name", "content.refusal", "image.detail", "sourced image.detail", "function.defer_loading"},
    ),
    "gemini": Asked(
        llm=lambda: LLM("gemini/gemini-2.5-flash", **KEY),
        body=_body,
        unsent=OWN
        | CACHED
        | EXPLICITLY_CACHED
        | DOCUMENTS
        | {"prefix", "name", "content.refusal", "image.detail", "sourced image.detail", "tool.strict"}
        | {"function.defer_loading"},
        refused=frozenset({"cache_point"}),
    ),
    "cohere": Asked(
        llm=lambda: LLM("cohere-v2/command-a", **KEY),
        body=_body,
        unsent=frozenset({"partial", "prefix", "name", "content.refusal"})
        | {"message.cache_control", "system.cache_control", "result.cache_control"},
        refused=DOCUMENTS | {"cache_point", "sourced image.detail", "file.prompt_cache_breakpoint"},
    ),
    "ollama": Asked(
        llm=lambda: LLM("ollama-api/llama3.2"),
        body=_body,
        unsent=(OWN | CACHED | EXPLICITLY_CACHED | {"prefix", "name", "content.refusal", "image.detail"})
        - {"tool.cache_control"},
        refused=DOCUMENTS | {"cache_point", "sourced image.detail", "file.prompt_cache_breakpoint"},
    ),
}
#: What goes without saying.
NEEDS_NO_WORD = {("anthropic", "prefix"), ("bedrock", "prefix")}


@pytest.mark.parametrize("field", ASKED)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_what_is_said_is_sent_or_one_warning_names_it(provider: str, field: str) -> None:
    asked, (messages, tools, wanted) = PROVIDERS[provider], ASKED[field]
    llm: Any = asked.llm()
    if field in asked.refused:
        with pytest.raises(UsageError):
            llm._llm_begin(messages, tools, None, None, None)
        return
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UnsentFieldWarning)
        request = llm._llm_begin(messages, tools, None, None, None).request
    body = json.dumps(asked.body(llm, request), default=repr, ensure_ascii=False)
    if field in asked.unsent:
        (warning,) = told
        assert f".{field.split('.')[-1]}, and is asked without" in str(warning.message)
    else:
        assert told == []
    assert (wanted in body) is (field not in asked.unsent and (provider, field) not in NEEDS_NO_WORD)


def test_the_oldest_of_coheres_apis_tells_of_all_that_it_goes_without() -> None:
    llm: Any = LLM("cohere-v1/command-r", **KEY)
    refused = {"role": "assistant", "content": None, "refusal": "No.", "name": "Ann"}
    with pytest.warns(UnsentFieldWarning, match=r"no place for messages\[0\].name, tools\[0\].function.strict, and"):
        request = llm._llm_begin([refused, ASK], [{**FUNCTION, "strict": True}], None, None, None).request
    assert llm._body(request)["chat_history"] == [{"role": "CHATBOT", "message": "No."}]


def test_all_that_has_no_place_is_one_warning_at_the_callers_line() -> None:
    messages = [{"role": "user", "content": [{**TEXT, "cache_control": MARK}], "name": "Ann"}]
    llm: Any = LLM("gemini/gemini-2.5-flash", **KEY)
    llm.generate = lambda request: iter(())
    with pytest.warns(UnsentFieldWarning) as told, pytest.raises(Exception, match="gemini"):
        llm.call([*messages, *messages], tools=[{**FUNCTION, "strict": True}])
    (warning,) = told
    assert str(warning.message) == (
        "gemini has no place for messages[0].name, messages[0].content[0].cache_control, tools[0].function.strict, and is "
        "asked without; leave it out, or ask a provider that takes it"
    )
    assert warning.filename == __file__


def test_settings_that_have_no_place_are_named_too() -> None:
    llm: Any = LLM("anthropic/claude-sonnet-4-5", seed=7, n=2, temperature=0.5, **KEY)
    with pytest.warns(UnsentFieldWarning, match="anthropic has no place for n, seed, and is asked without"):
        llm._llm_begin("Hi", None, None, None, None)


def test_a_completion_is_asked_for_without_what_only_conversations_have() -> None:
    settings: dict[str, Any] = {
        "logprobs": True,
        "top_logprobs": 2,
        "reasoning_effort": "low",
        "thinking": True,
        "top_k": 3,
    }
    llm: Any = LLM("openai-completions/gpt-3.5-turbo-instruct", **settings, **KEY)
    with pytest.warns(
        UnsentFieldWarning, match="no place for logprobs, reasoning_effort, thinking, top_logprobs, and is"
    ):
        request = llm._llm_begin("Hi", None, None, None, None).request
    assert llm._body(request) == {"model": "gpt-3.5-turbo-instruct", "prompt": "Hi", "top_k": 3}


def test_thinking_goes_to_hosts_in_the_form_that_they_have_added() -> None:
    llm: Any = LLM("openai/glm-4.6", base_url="https://api.z.ai/v4", thinking={"type": "enabled"}, **KEY)
    request = llm._llm_begin("Hi", None, None, None, None).request
    assert openai_request.wire_body(llm, request)["thinking"] == {"type": "enabled"}
    llm.thinking = True
    with pytest.warns(UnsentFieldWarning, match="openai has no place for thinking"):
        request = llm._llm_begin("Hi", None, None, None, None).request
    assert "thinking" not in openai_request.wire_body(llm, request)
