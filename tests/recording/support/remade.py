"""Recorded calls to a model, made again through the public `LLM` against whatever response a test puts in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from harness import LLM, StreamSession
from harness.errors import UsageError
from harness.llm.credentials import no_credentials_needed
from harness.llm.overrides import call_stream_override
from harness.providers.registry import recognized
from harness.recording.comparison.normal import Normalizer
from harness.recording.faults.dialects import is_stream
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.tape.tape import network_guard, playing
from harness.recording.wire import Interaction, WireResponse
from harness.shipped import shipped_folder

SHIPPED = shipped_folder()


@dataclass(frozen=True)
class Run:
    """What one making gave."""

    #: Normalised frames without their times.
    frames: list[dict[str, Any]]
    error: BaseException | None

    @property
    def chunks(self) -> str:
        """Everything that was streamed, text, thinking and arguments, in order."""
        return "".join(frame["data"]["chunk"] for frame in self.frames if frame["type"].endswith("_chunk"))


class Remade:
    """One recorded call, to be made any number of times."""

    def __init__(self, interaction: Interaction) -> None:
        self.interaction = interaction
        api = recognized(interaction.request.method, interaction.request.url)
        assert api is not None
        self.provider = api.name
        self._call = api.parse(interaction.request.url, interaction.request.body)
        self._llm = LLM(self._call.model, stream=self._call.stream, **{"max_retries": 0, **self._call.settings})

    def against(self, *responses: WireResponse, max_retries: int = 0) -> Run:
        """Make the call with these responses to its attempts, in order."""
        llm = self._llm
        if max_retries:
            llm = LLM(self._call.model, stream=self._call.stream, **{**self._call.settings, "max_retries": max_retries})
        attempts = tuple(replace(self.interaction, response=response) for response in responses)
        error: BaseException | None = None
        with network_guard(), no_credentials_needed(), playing(Path("remade.yaml"), attempts):
            session = StreamSession(lambda: self._make(llm), source=llm)
            try:
                for _ in session:
                    pass
            except Exception as raised:
                error = raised
        normalizer = Normalizer()
        frames = [normalizer.frame(frame) for frame in session.frames]
        for frame in frames:
            del frame["timestamp"]
        return Run(frames, error)

    @cached_property
    def whole(self) -> Run:
        """The call against the response as it was recorded."""
        return self.against(self.interaction.response)

    def session(self) -> StreamSession[Any]:
        """Return the call as a session, for a tape that the test has put up."""
        return StreamSession(lambda: self._make(self._llm), source=self._llm)

    def _make(self, llm: LLM) -> Any:
        with call_stream_override(llm, bool(self._call.stream)):
            return llm.call(self._call.messages, self._call.tools or None)


def shipped_recordings() -> list[Path]:
    """Return the folders of the recordings that come with the project."""
    return sorted(path.parent for path in SHIPPED.rglob("recording.json"))


def shipped_streams() -> list[tuple[str, Interaction]]:
    """Return each streamed call of the shipped recordings that has an integration, with a name for it."""
    return [
        (f"{folder.relative_to(SHIPPED)} {number}", one)
        for folder in shipped_recordings()
        for number, one in streams_of(folder / "cassette.yaml")
    ]


def streams_of(cassette: Path) -> Iterator[tuple[int, Interaction]]:
    """Yield each streamed call of a cassette that has an integration, with its number."""
    for number, one in enumerate(read_cassette(cassette), start=1):
        api = recognized(one.request.method, one.request.url)
        if api is None or not is_stream(one.response):
            continue
        try:
            api.parse(one.request.url, one.request.body)
        except UsageError:
            continue
        yield number, one
