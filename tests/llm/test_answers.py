"""What a call makes of a whole answer: models, usage, and the refusal of what does not validate."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from pydantic import BaseModel

from harness.errors import MalformedResponseError
from harness.llm import Finish, TextDelta, ToolCallDelta, Usage, UsageMetrics
from tests.llm.scripted import WAYS, Scripted, Way, called, streamed


class Report(BaseModel):
    city: str
    degrees: int


WHOLE = '{"city": "Bergen", "degrees": 11}'


def answers(text: str, reason: Any = "stop", **settings: Any) -> Scripted:
    return Scripted(TextDelta(text), Finish(reason), **settings)


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        f"```json\n{WHOLE}\n```",
        f"\n```\n{WHOLE}```\n",
        f"<think>\n{{}}?\n</think>\n\n```json\n{WHOLE}```",
        f"<reasoning>Hm.</reasoning>{WHOLE}",
        f"<thinking>Hm.</thinking>{WHOLE}",
    ],
    ids=["plain", "fenced", "in a fence", "behind a thought, in a fence", "behind reasoning", "behind thinking"],
)
@pytest.mark.parametrize("way", WAYS)
def test_a_response_model_is_validated_and_the_frames_keep_the_text(way: Way, text: str) -> None:
    llm = answers(text)
    ran = streamed(llm, way, "Hi", response_model=Report)
    assert ran.result == Report(city="Bergen", degrees=11)
    assert ran.frames[-1].data["response"] == text
    assert llm.requests[0].response_format is Report


@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        (f"```json\n{WHOLE}\n```\nIt is warm.", "stop", "expected JSON"),
        ("It is warm.", "stop", r"not a valid Report \(finish reason stop\): expected JSON"),
        ('{"city": "Bergen"}', "stop", r"\(finish reason stop\): \w+: expected a value, and none was given"),
        ('{"city": "Ber', "length", r"\(finish reason length\): expected JSON"),
        ("", "content_filter", r"\(finish reason content_filter\): expected JSON"),
    ],
)
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_such_model_fails_the_call_and_says_why_the_answer_ended(
    text: str, reason: str, told: str, way: Way
) -> None:
    ran = streamed(answers(text, reason), way, "Hi", response_model=Report)
    assert ran.transcript[-1] == "failed MalformedResponseError"
    assert isinstance(ran.error, MalformedResponseError)
    assert ran.error.provider == "custom"
    with pytest.raises(MalformedResponseError, match=told):
        raise ran.error


def test_the_model_of_the_llm_holds_where_the_call_names_none() -> None:
    class Other(BaseModel):
        city: str

    llm = answers(WHOLE, response_format=Report)
    assert llm.call("Hi") == Report(city="Bergen", degrees=11)
    assert llm.call("Hi", response_model=Other) == Other(city="Bergen")


def test_a_response_format_of_the_provider_gives_text() -> None:
    assert answers(WHOLE, response_format={"type": "json_object"}).call("Hi") == WHOLE


def test_tool_calls_go_before_a_response_model() -> None:
    llm = Scripted(ToolCallDelta(0, "c0", "add", "{}"), Finish("tool_calls"))
    assert llm.call("Hi", response_model=Report)[0]["id"] == "c0"


@pytest.mark.parametrize("way", WAYS)
def test_usage_adds_up_over_completed_calls(way: Way) -> None:
    llm = Scripted(TextDelta("a"), Usage(3, 2, 5, cached_prompt_tokens=1, reasoning_tokens=1), Finish("stop"))
    for _ in range(2):
        called(llm, way, "Hi")
    assert llm.get_token_usage_summary() == UsageMetrics(
        total_tokens=10, prompt_tokens=6, cached_prompt_tokens=2, completion_tokens=4, reasoning_tokens=2,
        successful_requests=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("script", "completed"),
    [
        ((TextDelta("a"), Finish("stop")), 1),
        ((TextDelta("a"), Usage(3, 2, 5)), 0),
        ((Usage(3, 2, 5), ValueError()), 0),
    ],
    ids=["no usage told", "cut", "failed"],
)
def test_only_completed_calls_count(script: tuple[Any, ...], completed: int) -> None:
    llm = Scripted(*script)
    ran = streamed(llm, "sync", "Hi")
    assert llm.get_token_usage_summary() == UsageMetrics(successful_requests=completed)
    if completed:
        assert ran.frames[-1].data["usage"] is None


def test_usage_when_tools_ran_is_told_and_counted() -> None:
    llm = Scripted(ToolCallDelta(0, "c0", "add", "{}"), Usage(3, 2, 5), Finish("tool_calls"))
    ran = streamed(llm, "sync", "Hi", available_functions={"add": lambda: 1})
    assert ran.frames[-1].data["usage"]["total_tokens"] == 5
    assert llm.get_token_usage_summary().total_tokens == 5


def test_usage_is_counted_from_any_thread() -> None:
    llm = Scripted(TextDelta("a"), Usage(1, 1, 2), Finish("stop"))
    at_once = threading.Barrier(8, timeout=10)

    def ask() -> None:
        at_once.wait()
        for _ in range(25):
            llm.count_usage(Usage(1, 1, 2))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert llm.get_token_usage_summary().total_tokens == 400


def test_a_summary_is_a_copy() -> None:
    llm = answers("a")
    llm.get_token_usage_summary().total_tokens = 9
    assert llm.get_token_usage_summary().total_tokens == 0
