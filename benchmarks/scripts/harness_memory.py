"""The memory of a chunk's frame that a session retains.

Usage: harness_memory.py CHUNKS TEXT; prints bytes per frame, as tracemalloc counts them. Every chunk has a text of its
own, as in a real answer.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc

from harness.bus.bus import emit
from harness.events import LLMStreamChunkEvent
from harness.session.session import StreamSession


def main(chunks: int, text: str) -> float:
    source = object()

    def run(count: int) -> None:
        for number in range(count):
            emit(source, LLMStreamChunkEvent(call_id="call-1", model="model", chunk=f"{text}{number}"))

    # What is made once, whatever the number of frames, is made before counting.
    for _ in StreamSession(lambda: run(1)):
        pass
    session = StreamSession(lambda: run(chunks))
    gc.collect()
    tracemalloc.start()
    for _ in session:
        pass
    gc.collect()
    retained, _ = tracemalloc.get_traced_memory()
    if len(session.frames) != chunks:
        sys.exit(f"{len(session.frames)} frames came of {chunks} chunks")
    return retained / chunks


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2]))
