"""Streaming and stop words for one call: they reach the request, and nobody else sees them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any

import pytest

from harness.llm import Finish, TextDelta, call_stop_override, call_stream_override
from tests.llm.scripted import WAYS, Scripted, Way, called, in_session, streamed


def script(**settings: Any) -> Scripted:
    return Scripted(TextDelta("a"), Finish("stop"), **settings)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("setting", "override", "alone", "in_a_session"),
    [
        (None, None, None, True),
        (True, None, True, True),
        (False, None, False, False),
        (None, True, True, True),
        (True, True, True, True),
        (False, True, True, True),
        # Nothing is said where nobody asked for a stream, so the request has no field for it.
        (None, False, None, None),
        (True, False, False, False),
        (False, False, False, False),
    ],
)
def test_whether_a_call_streams(
    setting: bool | None, override: bool | None, alone: bool | None, in_a_session: bool | None, way: Way
) -> None:
    llm = script(stream=setting)
    with nullcontext() if override is None else call_stream_override(llm, override):
        called(llm, way, "Hi")
        ran = in_session(llm, way, "Hi")
    assert [request.stream for request in llm.requests] == [alone, in_a_session]
    assert ("text 'a'" in ran.transcript) is bool(in_a_session)
    assert ran.frames[0].data["stream"] is bool(in_a_session)
    assert llm.stream is setting


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("setting", [None, True, False])
def test_a_session_of_the_llm_streams_whatever_its_setting(setting: bool | None, way: Way) -> None:
    llm = script(stream=setting)
    assert "text 'a'" in streamed(llm, way, "Hi").transcript
    assert llm.stream is setting


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("setting", "override", "asked"),
    [
        (None, None, []),
        (["A"], None, ["A"]),
        (["A"], ["B", "C"], ["B", "C"]),
        (None, ["B"], ["B"]),
        (["A"], "END", ["END"]),
        (["A"], [], []),
    ],
)
def test_stop_words_of_a_call(
    setting: list[str] | None, override: str | list[str] | None, asked: list[str], way: Way
) -> None:
    llm = script(stop=setting)
    with call_stop_override(llm, override):
        assert llm.stop_sequences == asked
        called(llm, way, "Hi")
    assert llm.requests[0].stop == (asked or None)
    assert llm.stop == llm.stop_sequences == (setting or [])


def test_a_stop_word_may_be_one_string() -> None:
    assert script(stop="END").stop == ["END"]


def test_usage_of_overridden_calls_is_counted() -> None:
    llm = script()
    with call_stream_override(llm, True), call_stop_override(llm, ["END"]):
        llm.call("Hi")
    assert llm.get_token_usage_summary().successful_requests == 1


def test_overrides_nest_and_end_with_their_block_when_it_raises() -> None:
    llm = script()
    with call_stop_override(llm, ["A"]):
        with pytest.raises(ZeroDivisionError), call_stop_override(llm, ["B"]):
            assert llm.stop_sequences == ["B"]
            _ = 1 / 0
        assert llm.stop_sequences == ["A"]
    assert llm.stop_sequences == []


def test_an_override_is_of_one_llm() -> None:
    one, other = script(), script()
    with call_stop_override(one, ["A"]):
        assert other.stop_sequences == []


def test_an_override_starts_in_the_session_and_not_where_it_is_made() -> None:
    llm = script(stream=False)
    session = llm.stream_events("Hi")
    frames = iter(session)
    next(frames)
    llm.call("Hi")
    list(frames)
    assert sorted(bool(request.stream) for request in llm.requests) == [False, True]


def test_threads_that_share_an_llm_have_overrides_of_their_own() -> None:
    llm = script()
    both_inside = threading.Barrier(2, timeout=10)

    def ask(word: str) -> list[str]:
        with call_stop_override(llm, [word]):
            both_inside.wait()
            llm.call(word)
            both_inside.wait()
            return llm.stop_sequences

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, "AB")) == [["A"], ["B"]]
    assert {request.messages[0].content: request.stop for request in llm.requests} == {"A": ["A"], "B": ["B"]}
    assert llm.stop == []


def test_tasks_that_share_an_llm_have_overrides_of_their_own() -> None:
    llm = script()

    async def ask(word: str, both_inside: asyncio.Barrier) -> None:
        with call_stop_override(llm, [word]), call_stream_override(llm, word == "A"):
            await both_inside.wait()
            await llm.acall(word)
            await both_inside.wait()

    async def run() -> None:
        both_inside = asyncio.Barrier(2)
        await asyncio.gather(ask("A", both_inside), ask("B", both_inside))

    asyncio.run(run())
    assert {request.messages[0].content: (request.stop, request.stream) for request in llm.requests} == {
        "A": (["A"], True), "B": (["B"], None)
    }  # fmt: skip


class Foreign:
    """An LLM of another runtime, which knows nothing of call scopes."""

    def __init__(self) -> None:
        self.stream = False
        self.stop = ["OWN"]


def test_a_foreign_object_is_set_and_restored() -> None:
    llm = Foreign()
    with pytest.raises(ZeroDivisionError), call_stream_override(llm, True), call_stop_override(llm, ["A"]):
        assert (llm.stream, llm.stop) == (True, ["A"])
        _ = 1 / 0
    assert (llm.stream, llm.stop) == (False, ["OWN"])


def test_a_foreign_object_is_overridden_by_one_thread_at_a_time() -> None:
    llm = Foreign()
    inside, waiting = threading.Event(), threading.Event()
    order: list[str] = []

    def second() -> None:
        waiting.set()
        with call_stop_override(llm, ["B"]):
            order.append(f"second {llm.stop}")

    def first() -> None:
        with call_stop_override(llm, ["A"]):
            inside.set()
            assert waiting.wait(10)
            order.append(f"first {llm.stop}")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    for thread in threads:
        thread.join(10)
    assert order == ["first ['A']", "second ['B']"]
    assert llm.stop == ["OWN"]
