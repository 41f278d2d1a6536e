"""What reached which session: the marks that programs put into their events and models into their answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from conformance.stage.programs import Block, Script
from conformance.stage.reader import FramesRead
from conformance.timeline.evidence import AnyFrame
from conformance.timeline.expected import NOTHING, Expected, InAnyOrder

#: What two models say that are in the middle together, by which what each adds can be told apart.
SIDE_BY_SIDE: Final = tuple(Script((f"{name} ", Block("held"), "said")) for name in ("left", "right"))


def marks(frames: Iterable[AnyFrame]) -> tuple[str, ...]:
    """Return what programs put into their events, in order, and the text that models said, as one."""
    frames = tuple(frames)
    notes = [str(frame.data["note"]) for frame in frames if frame.type == "probe"]
    text = "".join(frame.content for frame in frames if frame.type == "llm_stream_chunk")
    return (*notes, text) if text else tuple(notes)


def heard(clause: str, session: str, due: tuple[str, ...], read: FramesRead) -> Iterator[Expected]:
    return held(clause, session, due, marks(read.frames), read.raised)


def held(
    clause: str, session: str, due: tuple[str, ...], seen: tuple[str, ...], raised: BaseException | None = None
) -> Iterator[Expected]:
    """Hold marks that a session showed to those that are its own."""
    yield Expected(clause, f"reading {session}", NOTHING, raised)
    yield Expected(clause, session, InAnyOrder(due), seen)


def captured(stream: bool | None, text: str, chunks: tuple[str, ...], *, requested: bool) -> Iterator[Expected]:
    """Hold a call in a streamed flow, whose model said `text`, to what its LLM was told of streaming when made."""
    streams, llm = stream is not False, made_to(stream)
    yield Expected("scope.captures-llm", f"whether {llm} asked its provider to stream", streams, requested)
    shows = "".join(chunks)
    yield Expected("scope.captures-llm", f"what a streamed flow shows of {llm}", text if streams else "", shows)


#: What can be said of streaming when an LLM is made.
STREAM_SETTINGS: Final = {"nothing": None, "to-stream": True, "not-to-stream": False}


def made_to(stream: bool | None) -> str:
    """Return what to call an LLM that was made with this setting."""
    settings = {None: "told nothing of streaming", True: "told to stream", False: "told not to stream"}
    return f"an LLM {settings[stream]}"
