"""The end of a stream is looked for in its own format."""

from __future__ import annotations

import pytest

from harness.recording.boundaries import end_was_seen

CHUNK = b'data: {"object": "chat.completion.chunk", "choices": []}\n\n'
DONE = b"data: [DONE]\n\n"
#: How a stream of OpenAI's Responses ends.
COMPLETED = b'event: response.completed\ndata: {"type": "response.completed"}\n\n'


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (CHUNK, False),
        (CHUNK + DONE, True),
        (CHUNK + COMPLETED, False),
        # Of no format that is known by its mark, any may have ended.
        (b"data: {}\n\n" + COMPLETED, True),
        (b"data: {}\n\n" + DONE, True),
    ],
    ids=["open", "ended", "ended as another", "unknown, ended as one", "unknown, ended as another"],
)
def test_the_end_of_another_format_is_none_of_a_stream(body: bytes, seen: bool) -> None:
    assert end_was_seen("text/event-stream", body) is seen
