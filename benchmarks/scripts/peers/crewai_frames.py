"""Frames of CrewAI's sync session: a flow's method emits chunk events on its bus, and a loop reads the frames.

Usage, with CrewAI's interpreter: crewai_frames.py CHUNKS TEXT [silent]; prints frames per second. `silent` takes off its
own listeners, which show every chunk in the terminal.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time

os.environ.update(CREWAI_DISABLE_TELEMETRY="true", CREWAI_TRACING_ENABLED="false", OTEL_SDK_DISABLED="true")

from crewai.events import LLMStreamChunkEvent, crewai_event_bus  # type: ignore[import-not-found]
from crewai.flow.flow import Flow, start  # type: ignore[import-not-found]


def main(chunks: int, text: str, *, silent: bool) -> float:
    class Chunks(Flow):  # type: ignore[misc]
        @start()  # type: ignore[untyped-decorator]
        def emit(self) -> None:
            for _ in range(chunks):
                crewai_event_bus.emit(self, LLMStreamChunkEvent(call_id="call-1", model="model", chunk=text))

    flow = Chunks()
    characters = 0
    began = time.perf_counter()
    handlers = crewai_event_bus.scoped_handlers() if silent else contextlib.nullcontext()
    with handlers, flow.stream_events() as session:
        for frame in session:
            characters += len(frame.content)
    seconds = time.perf_counter() - began
    if characters != chunks * len(text):
        sys.exit(f"{characters} characters came of {chunks * len(text)}")
    return chunks / seconds


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2], silent=sys.argv[3:] == ["silent"]))
