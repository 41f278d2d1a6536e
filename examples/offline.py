"""How an example is run: its text as it streams, answered from its recording, or, with `--live`, by the provider."""

from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path

from harness import Flow
from harness.llm import no_credentials_needed
from harness.recording import current_path, open_tape

RECORDINGS = Path(__file__).parent / "recordings"


def show(flow: Flow, name: str) -> None:
    """Run a flow, print its tokens and its methods as they come, and its result."""
    parser = argparse.ArgumentParser(description=type(flow).__doc__)
    parser.add_argument(
        "--live", action="store_true", help="ask the provider, with your key, in place of the recording"
    )
    live = parser.parse_args().live
    tape = open_tape(RECORDINGS / name / "cassette.yaml", "none", scope_of=current_path)
    with nullcontext() if live else no_credentials_needed(), nullcontext() if live else tape:
        session = flow.stream_events()
        for frame in session:
            if frame.type == "method_execution_started":
                print(f"\n\n[{frame.data['method_name']}]", flush=True)
            elif frame.type == "human_feedback_received":
                print(f"\n  human: {frame.data['feedback']} -> {frame.data['outcome']}", flush=True)
            print(frame.content, end="", flush=True)
        print(f"\n\nresult: {session.result}")
