"""Frames of this project's sync session: from making the event to the body of the loop that reads its frame.

Usage: harness_frames.py CHUNKS TEXT; prints frames per second.
"""

from __future__ import annotations

import sys
import time

from harness.bus.bus import emit
from harness.events import LLMStreamChunkEvent
from harness.session.session import StreamSession


def main(chunks: int, text: str) -> float:
    source = object()

    def run() -> None:
        for _ in range(chunks):
            emit(source, LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text))

    characters = 0
    began = time.perf_counter()
    for frame in StreamSession(run, source=source):
        characters += len(frame.content)
    seconds = time.perf_counter() - began
    if characters != chunks * len(text):
        sys.exit(f"{characters} characters came of {chunks * len(text)}")
    return chunks / seconds


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2]))
