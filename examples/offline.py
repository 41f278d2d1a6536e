"""How an example is run: its text as it streams, answered from its recording, or, with `--live`, by the provider."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from harness import Flow, StreamSession
from harness.llm import no_credentials_needed
from harness.recording import current_path, open_tape

RECORDINGS = Path(__file__).parent / "recordings"


def show(flow: Flow[Any], name: str, *turns: str) -> None:
    """Run a flow, or take turns of a conversation; print tokens and methods as they come, and what it comes to."""
    parser = argparse.ArgumentParser(description=type(flow).__doc__)
    parser.add_argument(
        "--live", action="store_true", help="ask the provider, with your key, in place of the recording"
    )
    live = parser.parse_args().live
    tape = open_tape(RECORDINGS / name / "cassette.yaml", "none", scope_of=current_path)
    with nullcontext() if live else no_credentials_needed(), nullcontext() if live else tape:
        for turn in turns or (None,):
            session = flow.stream_events() if turn is None else flow.stream_turn(turn)
            _print(session)


def _print(session: StreamSession[Any]) -> None:
    for frame in session:
        if frame.type == "method_execution_started":
            print(f"\n\n[{frame.data['method_name']}]", flush=True)
        elif frame.type == "human_feedback_received":
            print(f"\n  human: {frame.data['feedback']} -> {frame.data['outcome']}", flush=True)
        elif frame.type == "conversation_message_added" and frame.data["role"] == "user":
            print(f"\n  you: {frame.data['content']}", flush=True)
        elif frame.type == "conversation_route_selected":
            print(f"\n  to {frame.data['route']}", flush=True)
        print(frame.content, end="", flush=True)
    print(f"\n\nresult: {session.result}")
