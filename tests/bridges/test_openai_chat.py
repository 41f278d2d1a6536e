"""OpenAI's chat stream: the official SDK reads what is made of any timeline, and gets the text of the run."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest

from harness.bridges import OPENAI_DONE, openai_chat_events, sse_text
from harness.frames.frame import StreamFrame
from tests.bridges.timelines import call_of, frame, recorded, texts_of, tool_chunk


class Answer:
    """What somebody gets who asks through the official SDK."""

    def __init__(self, frames: list[StreamFrame], **options: Any) -> None:
        stream = "".join([*map(sse_text, openai_chat_events(frames, **options)), sse_text(OPENAI_DONE)])
        # The SDK's versions differ in whose client this is, and take either.
        http: Any = httpx.Client(
            transport=httpx.MockTransport(
                lambda request: httpx.Response(200, headers={"content-type": "text/event-stream"}, text=stream)
            ),
            verify=False,
        )
        client = openai.OpenAI(api_key="nobody", base_url="http://127.0.0.1", http_client=http)
        self.text = self.thoughts = ""
        self.error: str | None = None
        self.finish_reason: str | None = None
        self.usage: Any = None
        self.tools: dict[int, list[str]] = {}
        with client:
            try:
                self._read(client)
            except openai.APIError as error:
                self.error = error.message

    def _read(self, client: openai.OpenAI) -> None:
        for chunk in client.chat.completions.create(model="m", messages=[], stream=True):
            self.usage = chunk.usage or self.usage
            for choice in chunk.choices:
                self.text += choice.delta.content or ""
                self.thoughts += getattr(choice.delta, "reasoning_content", "")
                self.finish_reason = choice.finish_reason or self.finish_reason
                for call in choice.delta.tool_calls or ():
                    assert call.function is not None
                    if call.id is not None:
                        self.tools[call.index] = [call.id, call.function.name or "", ""]
                    self.tools[call.index][2] += call.function.arguments or ""


def check(frames: list[StreamFrame]) -> None:
    """Fail where something is neither a chunk nor an error."""
    for text in ("calls", "result"):
        for event in openai_chat_events(frames, text=text):
            sse_text(event)
            assert ("error" in event) != ("choices" in event)
            if event.get("choices"):
                (choice,) = event["choices"]
                assert all(isinstance(choice["delta"].get(name, ""), str) for name in ("content", "reasoning_content"))


def test_the_official_sdk_reads_every_recording() -> None:
    for name, frames in recorded().items():
        answer = Answer(frames)
        failed = frames[-1].type.endswith("_failed")
        assert answer.error == (frames[-1].data["error"] if failed else None), name
        for text in texts_of(frames).values():
            assert text in answer.text, name
        assert answer.thoughts == "".join(one.content for one in frames if one.type == "llm_thinking_chunk"), name
        if not failed:
            assert answer.text or answer.tools, name
            assert answer.finish_reason in ("stop", "length", "tool_calls"), name


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_calls_at_the_same_time_speak_one_after_the_other() -> None:
    frames = [
        frame(1, "flow_started", flow_name="F"),
        frame(2, "llm_call_started", "f1", call_id="a", model="m"),
        frame(3, "llm_call_started", "f1", call_id="b", model="m"),
        frame(4, "llm_stream_chunk", "f2", call_id="a", chunk="one "),
        frame(5, "llm_stream_chunk", "f3", call_id="b", chunk="three "),
        frame(6, "llm_stream_chunk", "f2", call_id="a", chunk="two"),
        frame(7, "llm_call_completed", "f1", call_id="a", started_event_id="f2", finish_reason="stop", usage=USAGE),
        frame(8, "llm_stream_chunk", "f3", call_id="b", chunk="four"),
        frame(9, "llm_call_completed", "f1", call_id="b", finish_reason="length", started_event_id="f3"),
        frame(10, "flow_finished", result="all of it", started_event_id="f1"),
    ]
    answer = Answer(frames)
    assert (answer.text, answer.finish_reason, answer.usage.total_tokens) == ("one two\n\nthree four", "length", 3)
    assert Answer(frames, text="result", usage=False).text == "all of it"


def test_the_result_of_a_turn_is_what_the_assistant_answers() -> None:
    frames = [
        frame(1, "conversation_turn_started", session_id="s"),
        frame(2, "conversation_message_added", "f1", role="assistant", content="Hi."),
        frame(3, "conversation_turn_completed", session_id="s", started_event_id="f1"),
    ]
    assert Answer(frames, text="result").text == "Hi."


#: A timeline, its text, its finish reason, its tool calls.
ANSWERS: list[tuple[str, list[StreamFrame], str, str | None, list[list[str]]]] = [
    (
        "a flow that streams nothing",
        [frame(1, "flow_started"), frame(2, "flow_finished", result={"a": 1}, started_event_id="f1")],
        '{"a":1}',
        "stop",
        [],
    ),
    (
        "tools that are left to the client",
        call_of(tool_chunk(2, '{"a":'), tool_chunk(3, "1}"), call_type="tool_call", finish_reason="tool_calls"),
        "",
        "tool_calls",
        [["t", "look", '{"a":1}']],
    ),
    (
        "a crew, by its text",
        [
            frame(1, "crew_kickoff_started", crew_name="Crew"),
            frame(
                2, "crew_kickoff_completed", output={"raw": "All is well.", "tasks_output": []}, started_event_id="f1"
            ),
        ],
        "All is well.",
        "stop",
        [],
    ),
    ("nothing", [], "", None, []),
]


@pytest.mark.parametrize(
    ("frames", "text", "reason", "tools"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS]
)
def test_the_answer_of(frames: list[StreamFrame], text: str, reason: str | None, tools: list[list[str]]) -> None:
    answer = Answer(frames)
    assert (answer.text, answer.finish_reason, list(answer.tools.values()), answer.error) == (text, reason, tools, None)
