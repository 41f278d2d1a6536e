"""A session of a body that starts several runs, one after the other."""

from __future__ import annotations

from typing import Any

from harness.flow import Flow, start
from harness.session.session import StreamSession


class Once(Flow[dict[str, Any]]):
    @start()
    def step(self) -> str:
        return "done"


def test_the_frames_of_every_run_are_kept() -> None:
    session = StreamSession(lambda: [Once().kickoff(), Once().kickoff()])
    assert [frame.type for frame in session].count("flow_finished") == 2
    assert session.result == ["done", "done"]
