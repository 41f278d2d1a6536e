"""What docs/bridges.md shows works as it stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import bridges
from harness.bridges import agui_events
from harness.frames.frame import StreamFrame
from tests.bridges.timelines import recorded

PAGE = (Path(__file__).parents[2] / "docs" / "bridges.md").read_text("utf-8")


@pytest.fixture
def stream() -> Any:
    """The function that the page shows."""
    (code,) = re.findall(r"<!-- live -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    return names["stream"]


def test_the_function_of_the_page_streams_a_run(stream: Any) -> None:
    frames = recorded()["cassettes/openai/text"]
    sent = [json.loads(text.removeprefix("data: ")) for text in stream(frames, "t", "r")]
    assert sent == json.loads(json.dumps(list(agui_events(frames, thread_id="t", run_id="r"))))


def test_the_function_of_the_page_tells_of_a_failure_once(stream: Any) -> None:
    def failing(frames: list[StreamFrame]) -> Iterator[StreamFrame]:
        yield from frames
        raise ValueError("as it was raised")

    for frames in ([], recorded()["cassettes/openai/http_error"]):
        kinds = [json.loads(text.removeprefix("data: "))["type"] for text in stream(failing(frames), "t", "r")]
        assert kinds.count("RUN_ERROR") == 1
        assert kinds[-1] == "RUN_ERROR"


def test_the_page_names_what_there_is() -> None:
    named = set(re.findall(r"`(\w+(?:Translator|_events|_frames|_trace|_spans|_json|_text|_DONE|_HEADERS))`", PAGE))
    assert len(named) > 10
    assert named <= set(bridges.__all__)
