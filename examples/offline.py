"""How an example is run: shown as it streams, answered from its recording, or, with `--live`, by the provider."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from harness import Crew, Flow, StreamSession
from harness.llm import no_credentials_needed
from harness.recording import current_path, open_tape

RECORDINGS = Path(__file__).parent / "recordings"


def print_frames(session: StreamSession[Any]) -> None:
    """Print tokens, methods, agents and tools as they come, and what the run comes to."""
    for frame in session:
        said = frame.data
        if frame.type == "method_execution_started":
            print(f"\n\n[{said['method_name']}]", flush=True)
        elif frame.type == "agent_execution_started":
            print(f"\n  {said['agent_role']}, for {said['task_name']}:", flush=True)
        elif frame.type == "tool_usage_finished":
            print(f"\n  {said['tool_name']}{said['tool_args']} gave {said['output']}", flush=True)
        elif frame.type == "human_feedback_received":
            print(f"\n  human: {said['feedback']} -> {said['outcome']}", flush=True)
        elif frame.type == "conversation_message_added" and said["role"] == "user":
            print(f"\n  you: {said['content']}", flush=True)
        elif frame.type == "conversation_route_selected":
            print(f"\n  to {said['route']}", flush=True)
        if frame.type == "llm_stream_chunk" and not said.get("tool_call"):
            print(frame.content, end="", flush=True)
    print(f"\n\nresult: {session.result}")


def show(
    program: Flow[Any] | Crew,
    name: str,
    *turns: str,
    shown: Callable[[StreamSession[Any]], None] = print_frames,
) -> None:
    """Run a flow or a crew, or take turns of a conversation, and show each session."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument(
        "--live", action="store_true", help="ask the provider, with your key, in place of the recording"
    )
    live = parser.parse_args().live
    tape = open_tape(RECORDINGS / name / "cassette.yaml", "none", scope_of=current_path)
    with nullcontext() if live else no_credentials_needed(), nullcontext() if live else tape:
        if isinstance(program, Flow) and turns:
            for turn in turns:
                shown(program.stream_turn(turn))
        else:
            shown(program.stream_events())
