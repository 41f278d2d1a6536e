"""What comes of an answer is the same for every provider, whichever way it is asked for."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.llm import LLM
from tests.llm.scripted import WAYS, Way, streamed, text_of
from tests.providers.integrations import each, each_integration, each_way_to_answer
from tests.providers.integrations.integration import TOOLS, Answer, Integration, Usage, ask
from tests.servers.script import HARBOUR_TEXT
from tests.servers.scripted_server import ScriptedServer

each_answer = each("answer", lambda integration: integration.answers, "scenario")


@pytest.mark.parametrize("way", WAYS)
@each_way_to_answer
@each_answer
def test_an_answer_arrives_whole_with_usage_and_reason(
    integration: Integration, answer: Answer, streams: bool, way: Way, server: ScriptedServer[Any, Any]
) -> None:
    llm = integration.llm(server, **answer.settings)
    ran = ask(llm, way, streams, integration.prompts[answer.scenario], **answer.keywords)
    assert ran.error is None
    completed = ran.frames[-1].data
    response = completed["response"]
    if answer.calls:
        asked = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in response]
        assert asked == list(answer.calls)
        assert len({call["id"] for call in response}) == len(answer.calls)
    else:
        assert response == answer.text
    model = answer.keywords.get("response_model")
    assert ran.result == (model.model_validate_json(answer.text) if model else response)
    raw_reason = integration.raw_reasons[answer.reason]
    assert (completed["finish_reason"], completed["raw_finish_reason"]) == (answer.reason, raw_reason)
    if integration.response_id is None:
        assert completed.get("response_id") is None
    else:
        assert re.fullmatch(integration.response_id, completed["response_id"])
    assert llm.get_token_usage_summary().total_tokens == check_usage(integration.usage, answer, streams, completed)
    chunks = [frame for frame in ran.frames if frame.type == "llm_stream_chunk"]
    assert bool(chunks) is streams
    if streams:
        assert text_of(ran.frames) == answer.text
        assert "".join(f.data["chunk"] for f in ran.frames if f.type == "llm_thinking_chunk") == answer.thinking
        joined = dict.fromkeys((call["id"] for call in response) if answer.calls else (), "")
        for frame in chunks:
            if frame.data["call_type"] == "tool_call":
                joined[frame.data["tool_call"]["id"]] += frame.data["chunk"]
        assert list(joined.values()) == [call["function"]["arguments"] for call in response if answer.calls]


def check_usage(told: Usage, answer: Answer, streams: bool, payload: Any) -> int:
    """Check that usage has common names, and means the same of every provider; return the total."""
    usage, raw = dict(payload["usage"]), payload["raw_usage"]
    prompt, completion, total = (int(usage.pop(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    assert prompt == sum(raw.get(name, 0) for name in told.prompt)
    assert completion == sum(raw.get(name, 0) for name in told.completion)
    assert usage == {**(told.streamed if streams else told.whole), **answer.usage}
    assert total == prompt + completion
    assert min(prompt, completion) > 0
    return total


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda llm: pickle.loads(pickle.dumps(llm))], ids=["copy", "pickle"])
@each_integration
def test_a_copy_of_an_llm_that_has_been_asked_has_connections_and_counts_of_its_own(
    integration: Integration, copied: Callable[[LLM], LLM], server: ScriptedServer[Any, Any]
) -> None:
    llm = integration.llm(server)
    llm.call(integration.prompts["text"])
    twin = copied(llm)
    del llm
    assert twin.call(integration.prompts["text"]) == HARBOUR_TEXT
    assert twin.get_token_usage_summary().successful_requests == 2


@each_answer
def test_streamed_and_whole_answers_end_in_equal_completions(integration: Integration, answer: Answer) -> None:
    # What some tell of usage depends on the way.
    of_way = {"usage", "raw_usage"} if integration.usage.streamed != integration.usage.whole else set()
    ends = []
    for streams in (True, False):
        with integration.server() as fresh:
            llm = integration.llm(fresh, **answer.settings)
            ran = ask(llm, "sync", streams, integration.prompts[answer.scenario], **answer.keywords)
        payload = dict(ran.frames[-1].data)
        ends.append(
            {key: value for key, value in payload.items() if key not in {"call_id", "started_event_id", *of_way}}
        )
    assert ends[0] == ends[1]


@pytest.mark.parametrize("way", WAYS)
@each_integration
def test_tools_that_are_given_are_run(integration: Integration, way: Way, server: ScriptedServer[Any, Any]) -> None:
    functions = {"get_weather": lambda city: f"11 degrees in {city}"}
    prompt = integration.prompts["parallel_tool_calls"]
    ran = streamed(integration.llm(server), way, prompt, tools=TOOLS, available_functions=functions)
    assert ran.result == ["11 degrees in Bergen", "11 degrees in Narvik"]
    assert len(server.requests) == 1
    assert ran.frames[-1].data["usage"]["completion_tokens"] > 0
