"""Bare dicts of LangGraph's custom stream: one node writes them, and a loop reads them.

Usage, with LangGraph's interpreter: langgraph_frames.py CHUNKS TEXT [async]; prints dicts per second.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any, TypedDict

from langgraph.config import get_stream_writer  # type: ignore[import-not-found]
from langgraph.graph import END, START, StateGraph  # type: ignore[import-not-found]


class State(TypedDict):
    done: bool


def main(chunks: int, text: str, *, in_loop: bool) -> float:
    def write(state: State) -> State:
        writer = get_stream_writer()
        for _ in range(chunks):
            writer({"type": "llm_stream_chunk", "call_id": "call-1", "model": "model", "chunk": text})
        return {"done": True}

    async def awrite(state: State) -> State:
        return write(state)

    graph = StateGraph(State)
    graph.add_node("write", awrite if in_loop else write)
    graph.add_edge(START, "write")
    graph.add_edge("write", END)
    compiled = graph.compile()
    began = time.perf_counter()
    characters = asyncio.run(_aread(compiled)) if in_loop else _read(compiled)
    seconds = time.perf_counter() - began
    if characters != chunks * len(text):
        sys.exit(f"{characters} characters came of {chunks * len(text)}")
    return chunks / seconds


def _read(graph: Any) -> int:
    characters = 0
    for chunk in graph.stream({"done": False}, stream_mode="custom"):
        characters += len(chunk["chunk"])
    return characters


async def _aread(graph: Any) -> int:
    characters = 0
    async for chunk in graph.astream({"done": False}, stream_mode="custom"):
        characters += len(chunk["chunk"])
    return characters


if __name__ == "__main__":
    print(main(int(sys.argv[1]), sys.argv[2], in_loop=sys.argv[3:] == ["async"]))
