"""A cassette of vcrpy's that keeps chunk marks: the one place where this project meets vcrpy, but for its filters.

vcrpy gives the life cycle, loading when a context opens and saving when it closes, the record modes, and the file
format that other tools read. Patching, matching and YAML are ours: vcrpy patches globally for one cassette at a time,
copies every response deeply, and compares every request with every other.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vcr.cassette import Cassette  # type: ignore[import-untyped]
from vcr.patch import PATCHER_NAMES  # type: ignore[import-untyped]
from vcr.persisters.filesystem import CassetteNotFoundError  # type: ignore[import-untyped]
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]

from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.tape.core import Mode
from harness.recording.wire import Interaction, WireRequest, WireResponse

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_RECORD_MODES: dict[Mode, RecordMode] = {
    "none": RecordMode.NONE,
    "once": RecordMode.ONCE,
    "new": RecordMode.NEW_EPISODES,
    "all": RecordMode.ALL,
}


def use_cassette(path: Path, mode: Mode) -> AbstractContextManager[TapeCassette]:
    """Return a context that loads the cassette at `path` and saves on leaving what `keep` was given.

    A file that is there is read in every mode, so that one that can't be read is never overwritten.

    Raises:
        RecordingError: on entering, where the file can't be read, or is missing and `mode` is `none`; on leaving,
            where it can't be written.
    """
    context: AbstractContextManager[TapeCassette] = TapeCassette.use(
        path=path,
        record_mode=_RECORD_MODES[mode],
        persister=_Persister(must_exist=mode == "none"),
        skip_patchers=PATCHER_NAMES,
    )
    return context


class TapeCassette(Cassette):  # type: ignore[misc]  # vcrpy has no type hints
    """Interactions that are loaded, kept and saved as they are."""

    @property
    def loaded(self) -> tuple[Interaction, ...]:
        """The interactions that came from the file, in order."""
        return tuple(Interaction(request, response) for request, response in self.data[: self._loaded_count])

    def keep(self, interactions: tuple[Interaction, ...]) -> None:
        """Save `interactions`, and nothing else, when the context is left."""
        self.data = [(interaction.request, interaction.response) for interaction in interactions]
        self.dirty = True

    def append(self, request: WireRequest, response: WireResponse) -> None:
        """Add one pair. vcrpy copies the response here because others may change it; ours is frozen."""
        self.data.append((request, response))

    def _rerecorded_interactions(self) -> list[tuple[WireRequest, WireResponse]]:
        """Return what mode `all` saves. vcrpy would add what it finds unmatched, comparing each with each."""
        pairs: list[tuple[WireRequest, WireResponse]] = self.data
        return pairs


class _Persister:
    """Reads strictly and writes atomically; vcrpy's own takes what it can't read for empty."""

    def __init__(self, *, must_exist: bool) -> None:
        self._must_exist = must_exist

    # vcrpy passes by these names; the serializer is its own and not asked.
    def load_cassette(self, cassette_path: Path, serializer: Any) -> tuple[list[WireRequest], list[WireResponse]]:
        if not self._must_exist and not cassette_path.exists():
            raise CassetteNotFoundError(cassette_path)
        interactions = read_cassette(cassette_path)
        return [interaction.request for interaction in interactions], [
            interaction.response for interaction in interactions
        ]

    def save_cassette(self, cassette_path: Path, cassette_dict: dict[str, Any], serializer: Any) -> None:
        pairs = zip(cassette_dict["requests"], cassette_dict["responses"], strict=True)
        write_cassette(cassette_path, (Interaction(request, response) for request, response in pairs))
