"""The bare limit: one thread makes validated pydantic models and hands them to another through a queue.

The model has a frame's fields, so that as much is made and validated as a reader of frames is given.

Usage: bare_frames.py CHUNKS TEXT; prints models per second.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel


class Chunk(BaseModel):
    id: str
    seq: int
    type: Literal["llm_stream_chunk"] = "llm_stream_chunk"
    channel: Literal["llm"] = "llm"
    namespace: tuple[str, ...]
    timestamp: datetime
    parent_id: str | None
    previous_id: str | None
    data: dict[str, str]


def main(chunks: int, text: str) -> float:
    handed: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()

    def produce() -> None:
        for number in range(1, chunks + 1):
            handed.put(
                Chunk(
                    id=f"event-{number}",
                    seq=number,
                    namespace=("llm", "call-1"),
                    timestamp=datetime.now(UTC),
                    parent_id=None,
                    previous_id=None,
                    data={"call_id": "call-1", "model": "model", "chunk": text},
                )
            )
        handed.put(None)

    characters = 0
    began = time.perf_counter()
    threading.Thread(target=produce).start()
    while (chunk := handed.get()) is not None:
        characters += len(chunk.data["chunk"])
    seconds = time.perf_counter() - began
    if characters != chunks * len(text):
        sys.exit(f"{characters} characters came of {chunks * len(text)}")
    return chunks / seconds


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2]))
