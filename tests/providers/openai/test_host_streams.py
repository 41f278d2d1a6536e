"""What hosts make of OpenAI's chat format: calls are told apart, failures are failures, and what is plain is read.

More inputs are test data of one's own: name a folder with `openai_streams.jsonl` in `HARNESS_CASES`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MalformedResponseError, ProviderError
from harness.llm import LLM
from harness.providers.shared.calls.tool_calls import ToolCallFragments
from tests.llm.scripted import WAYS, Way, in_session, streamed
from tests.providers.integrations.integration import TOOLS
from tests.providers.integrations.openai_chat import DONE, event
from tests.servers.raw import Raw


def piece(name: str | None = None, arguments: Any = "", **more: Any) -> dict[str, Any]:
    return {"function": {"arguments": arguments, **({} if name is None else {"name": name})}, **more}


def calls(*pieces: dict[str, Any]) -> bytes:
    """Return a stream in which each piece comes alone."""
    sent = b"".join(event({"tool_calls": [{"index": 0, **one}]}) for one in pieces)
    return sent + event({}, "tool_calls") + DONE


def together(*deltas: list[dict[str, Any]]) -> bytes:
    """Return a stream in which the pieces of each delta come together, and without an index."""
    return b"".join(event({"tool_calls": delta}) for delta in deltas) + event({}, "tool_calls") + DONE


@dataclass(frozen=True)
class Calls:
    """Pieces of calls, and the calls that they are; None where they can't be told apart."""

    name: str
    body: bytes
    told: list[tuple[str, str]] | None


X, Y = '{"x":1}', '{"y":2}'
CALLS = (
    Calls("id late", calls(piece("f"), piece(None, X, id="a")), [("f", X)]),
    Calls("name late", calls(piece(None, id="a"), piece("f", X)), [("f", X)]),
    Calls("name empty first", calls(piece("", id="a"), piece("f", X)), [("f", X)]),
    Calls("name in fragments", calls(piece("get_", id="a"), piece("weather"), piece(None, X)), [("get_weather", X)]),
    Calls("name in fragments of two calls at once",
          together([piece("get_", index=0), piece("get_", index=1)], [piece("weather", index=0), piece("tide", index=1)]),
          None),
    Calls("name said again", calls(piece("f", '{"x":', id="a"), piece("f", "1}", id="a")), [("f", X)]),
    Calls("a new id each time", calls(piece("f", id="a"), piece(None, '{"x":', id="b"), piece(None, "1}", id="c")),
          [("f", X)]),
    Calls("two at one index", calls(piece("f", X, id="a"), piece("g", Y, id="b")), [("f", X), ("g", Y)]),
    Calls("two at one index without ids", calls(piece("f", X), piece("g", Y)), [("f", X), ("g", Y)]),
    Calls("two at one index with one id", calls(piece("f", X, id="a"), piece("g", Y, id="a")), [("f", X), ("g", Y)]),
    Calls("two of one function without ids", calls(piece("f", X), piece("f", Y)), [("f", X), ("f", Y)]),
    Calls("no index", calls(piece("f", X, id="a", index=None), piece("g", Y, id="b", index=None)), [("f", X), ("g", Y)]),
    Calls("the index later missing", calls(piece("f", id="a"), piece(None, X, index=None)), [("f", X)]),
    Calls("in turns, by id", calls(piece("f", '{"x":', id="a"), piece("g", '{"y":', id="b"), piece(None, "1}", id="a"),
          piece(None, "2}", id="b")), [("f", X), ("g", Y)]),
    Calls("arguments as an object", calls(piece("f", {"x": 1}, id="a")), [("f", '{"x": 1}')]),
    Calls("arguments that are null", calls(piece("f", None, id="a")), [("f", "")]),
    Calls("the id after all else", calls(piece("f", X), {"id": "a"}), [("f", X)]),
    Calls("a new id for a last piece of nothing", calls(piece("f", X, id="a"), piece(None, "", id="b")), [("f", X)]),
    Calls("the index late", calls(piece("f", id="a", index=None), piece(None, X)), [("f", X)]),
    Calls("pieces by id, of calls that came together",
          together([piece("f", id="a"), piece("g", id="b")], [piece(None, X, id="a")]), [("f", X), ("g", "")]),
    Calls("pieces by id, in another order",
          together([piece("f", id="a"), piece("g", id="b")], [piece(None, Y, id="b"), piece(None, X, id="a")]),
          [("f", X), ("g", Y)]),
    Calls("a call that comes beside a piece of another",
          together([piece("f", id="a")], [piece(None, '{"x":', id="a"), piece("g", id="b")],
                   [piece(None, "1}", id="a"), piece(None, Y, id="b")]), [("f", X), ("g", Y)]),
    Calls("an index that is null, of calls that come together", together([piece("f", index=None)] * 2), [("f", "")] * 2),
    Calls("the same, with ids", together([piece("f", id="a", index=None), piece("f", id="b", index=None)]), [("f", "")] * 2),
    Calls("one id of calls that come together", together([piece("f", id="a")] * 2, [piece(None, X, id="a"), piece(None, Y, id="a")]),
          [("f", X), ("f", Y)]),
    Calls("an index that is a text", calls(piece("f", X, id="a", index="0")), [("f", X)]),
    Calls("arguments that say what came before again", calls(piece("f", '{"x"', id="a"), piece(None, X)), None),
    Calls("a name in fragments under new ids", calls(piece("get_", id="a"), piece("weather", id="b"), piece(None, X)), None),
    Calls("one name under two ids, and nothing else", calls(piece("f", id="a"), piece("f", id="b")), None),
    Calls("a call that vanished", event({"content": "a"}, "tool_calls") + DONE, None),
    Calls("a call in a choice that nobody asked for",
          event({"tool_calls": [{"index": 0, **piece("f", X, id="a")}]}, index=1) + event({}, "tool_calls") + DONE, None),
    Calls("arguments with a number that JSON lacks", calls(piece("f", {"x": float("inf")}, id="a")), None),
    Calls("two objects of one call", calls(piece("f", X, id="a"), piece(None, Y)), None),
    Calls("a call without a name", calls(piece(None, X, id="a")), None),
    Calls("another name in the middle", calls(piece("f", '{"x":', id="a"), piece("g", "1}")), None),
)  # fmt: skip


def test_a_name_in_fragments_under_new_ids_is_told_by_the_functions_that_were_given() -> None:
    with Raw(calls(piece("get_", id="a"), piece("weather", id="b"), piece(None, X))) as server:
        ran = streamed(LLM("openai/m", base_url=server.origin, api_key="k", max_retries=0), "sync", "Hi", tools=TOOLS)
    assert [call["function"] for call in ran.result] == [{"name": "get_weather", "arguments": X}]


@pytest.mark.parametrize("more", [{"id": "a"}, {}], ids=["id and name", "name"])
def test_long_arguments_under_a_name_that_is_said_each_time_are_not_read_each_time(
    more: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Models that can't end go on with blanks.
    arguments = json.dumps({"text": "abcd" * 500}) + " " * 2000
    read: list[int] = []

    def loads(text: Any, real: Any = json.loads) -> Any:
        read.append(len(text))
        return real(text)

    fragments = ToolCallFragments([], ValueError)
    monkeypatch.setattr(json, "loads", loads)
    made = [
        part
        for at in range(0, len(arguments), 4)
        for part in fragments.take(0, more.get("id"), "f", arguments[at : at + 4])
    ]
    made += fragments.end()
    assert "".join(part.arguments for part in made) == arguments
    assert sum(read) <= 3 * len(arguments)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("row", CALLS, ids=lambda row: row.name)
@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_calls_keep_their_identity(row: Calls, provider: str, way: Way) -> None:
    with Raw(row.body, "text/event-stream") as server:
        ran = streamed(LLM(f"{provider}/m", base_url=server.origin, api_key="k", max_retries=0), way, "Hi")
    if row.told is None:
        assert isinstance(ran.error, MalformedResponseError), ran.transcript
        return
    assert ran.error is None, ran.transcript
    assert [(call["function"]["name"], call["function"]["arguments"]) for call in ran.result] == row.told
    assert len({call["id"] for call in ran.result}) == len(row.told)
    shown: dict[str, str] = {}
    for frame in ran.frames:
        if frame.data.get("call_type") == "tool_call" and frame.type == "llm_stream_chunk":
            asked = frame.data["tool_call"]["id"]
            shown[asked] = shown.get(asked, "") + frame.data["chunk"]
    assert list(shown.items()) == [(call["id"], call["function"]["arguments"]) for call in ran.result]


SUMMARY = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]}
AGAIN = {"choices": [{"delta": {}, "message": {"content": "", "reasoning": "Hm."}, "finish_reason": "length"}]}
WHOLE = {"choices": [{"delta": {}, "message": {"content": "Yes."}, "finish_reason": "stop"}]}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (event({"content": [SUMMARY]}) + event({"content": "Yes."}, "stop"),
         ["thinking 'Hm.'", "text 'Yes.'", "completed 'Yes.' stop"]),
        (event({"reasoning_text": "Hm."}) + event({"content": "Yes."}, "stop"),
         ["thinking 'Hm.'", "text 'Yes.'", "completed 'Yes.' stop"]),
        (b"data: " + json.dumps(WHOLE).encode() + b"\n\n", ["text 'Yes.'", "completed 'Yes.' stop"]),
        (event({"reasoning": "Hm."}) + b"data: " + json.dumps(AGAIN).encode() + b"\n\n",
         ["thinking 'Hm.'", "completed '' length"]),
        *((event({"content": "Yes."}, theirs), ["text 'Yes.'", f"completed 'Yes.' {ours}"]) for theirs, ours in
          [("eos", "stop"), ("eos_token", "stop"), ("model_length", "length"), ("sensitive", "content_filter")]),
    ],
    ids=["Databricks' summary", "Copilot's reasoning", "a message beside an empty delta", "MiniMax' message after its pieces", "Together", "TGI", "Mistral", "Zhipu"],
)  # fmt: skip
def test_what_hosts_say_in_words_of_their_own_is_read(sent: bytes, told: list[str]) -> None:
    with Raw(sent + DONE) as server:
        ran = streamed(LLM("openai/m", base_url=server.origin, api_key="k", max_retries=0), "sync", "Hi")
    assert ran.transcript == ["started", *told]


@pytest.mark.parametrize("said", [{}, {"message": None}], ids=["missing", "null"])
@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_what_was_filtered_may_have_no_message(provider: str, said: dict[str, Any]) -> None:
    body = json.dumps({"choices": [{"index": 0, "finish_reason": "content_filter", **said}]}).encode()
    with Raw(body, "application/json") as server:
        llm = LLM(f"{provider}/m", base_url=server.origin, api_key="k", max_retries=0, stream=False)
        ran = in_session(llm, "sync", "Hi")
    assert ran.transcript[-1] == "completed '' content_filter"


def cases() -> Iterator[Any]:
    folder = os.environ.get("HARNESS_CASES")
    if folder is None:
        yield pytest.param(
            None, marks=pytest.mark.skip(reason="set HARNESS_CASES to a folder with openai_streams.jsonl"), id="none"
        )
        return
    for line in (Path(folder) / "openai_streams.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        yield pytest.param(case, id=case["name"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", list(cases()))
@pytest.mark.parametrize("provider", ["openai", "azure"])
def test_a_stream_of_the_folder_gives_what_is_said_of_it(case: dict[str, Any], provider: str, way: Way) -> None:
    with Raw(case["body"].encode(), "text/event-stream") as server:
        ran = streamed(LLM(f"{provider}/m", base_url=server.origin, api_key="k", max_retries=0), way, "Hi")
    expected = case["expected"]
    if expected["result"] == "failed":
        assert isinstance(ran.error, ProviderError)
        assert expected["message_contains"] in str(ran.error)
        return
    assert ran.error is None, ran.transcript
    if expected["result"] == "text":
        assert ran.result == expected["text"]
        thinking = "".join(frame.data["chunk"] for frame in ran.frames if frame.type == "llm_thinking_chunk")
        assert thinking == expected.get("thinking", "")
        if "response_id" in expected:
            assert ran.frames[-1].data["response_id"] == expected["response_id"]
        return
    asked = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in ran.result]
    assert asked == [(call["name"], json.loads(call["arguments"])) for call in expected["tool_calls"]]
