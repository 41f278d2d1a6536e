"""Where a recording grows, and how it takes its place: whole, in one step, and over nothing but what it began beside.

Until `publish`, what stands is untouched. A process that is killed leaves it, and its own folder beside it; whatever can't
take its place is kept there, under a name that says why.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from msgspec import Struct

from harness.errors import RecordingError
from harness.recording.files.asides import KEPT_MARKS, Aside, Mark, aside_of, asides_of, new_aside
from harness.recording.files.atomic import write_atomically
from harness.recording.files.content import content_of
from harness.recording.files.exchange import claimed, exchanged, held
from harness.recording.files.folder import CASSETTE, FRAMES, PARTS, WELCOME, is_recording
from harness.recording.files.frames_file import header_line

#: Keeps what was refused, which may hold a credential, out of a repository; and says that this folder is ours.
_IGNORED: Final = ".gitignore"
#: A tape's own, while it records.
_JOURNAL: Final = f"{CASSETTE}.partial"
#: What a folder of ours may hold beside the files of a recording.
OWN: Final = frozenset({_IGNORED, _JOURNAL})


def place_for(out: Path) -> Path:
    """Return the folder that a recording named `out` is to be: links followed, where there is nothing else yet.

    Raises:
        RecordingError: it can't be one, or holds something else than a recording.
    """
    final = Path(os.path.realpath(out))
    here = Path(os.path.realpath(Path.cwd()))
    if final == here or final in here.parents:
        raise RecordingError(
            f"'{out}' is the folder that you are in, or one around it; name a folder for the recording alone, as in "
            "-o recordings/story"
        )
    if final.is_symlink():
        raise RecordingError(f"'{out}' is a link that leads to itself; choose another path")
    if final.exists() and not final.is_dir():
        raise RecordingError(f"'{out}' is no folder; a recording is one, choose another path")
    around = next(folder for folder in final.parents if folder.exists())
    if not around.is_dir():
        raise RecordingError(f"'{out}' would lie in '{around}', which is no folder; choose another path")
    if final.is_dir():
        ours = PARTS | WELCOME | OWN
        foreign = sorted(path.name for path in final.iterdir() if path.name not in ours)
        if foreign:
            raise RecordingError(
                f"'{out}' holds {', '.join(foreign[:3])}, which is no part of a recording; choose a folder of its own"
            )
    return final


class Workplace:
    """A folder of our own beside the recording that it may become."""

    def __init__(self, final: Path) -> None:
        #: As `place_for` gives it.
        self.final = final
        self.aside = new_aside(final)
        self._claim: int | None = None
        self._stood = _State.of(final)

    @property
    def path(self) -> Path:
        """Where the recording grows, or is kept."""
        return self.aside.path

    def open(self, *, cassette_of: Path | None = None) -> None:
        """Make the folder, with the cassette of the recording at `cassette_of`.

        Raises:
            RecordingError: it can't be made.
        """
        _sweep(self.final)
        try:
            self.path.mkdir(parents=True)
            write_atomically(self.path / _IGNORED, b"*\n")
            self._claim = claimed(self.path / _IGNORED)
            if cassette_of is not None and (cassette_of / CASSETTE).exists():
                write_atomically(self.path / CASSETTE, content_of(cassette_of / CASSETTE, inside=cassette_of))
        except (OSError, RecordingError) as error:
            self.discard()
            why = error.strerror or error if isinstance(error, OSError) else error
            raise RecordingError(f"'{self.path}' can't be made: {why}; nothing was recorded") from error

    def write(self, name: str, content: bytes) -> None:
        """Write one file of the recording, whole or not at all. Raises RecordingError."""
        write_atomically(self.path / name, content)

    def publish(self) -> bool:
        """Put the recording in its place, in one step; return False, and keep it aside, where another one came first.

        Raises:
            RecordingError: it can't be moved; it stands where it was made.
        """
        try:
            with held(self.final.parent):
                if _State.of(self.final) != self._stood:
                    self._keep("second")
                    return False
                _replace_by(self.path, self.final)
        except OSError as error:
            raise RecordingError(
                f"'{self.final}' can't be replaced: {error.strerror or error}; the new recording is '{self.path}'"
            ) from error
        finally:
            self._release_claim()
        return True

    def keep(self, mark: Mark) -> Path:
        """Keep the recording aside, and return where it stands; under its mark, or as it is where it can't be renamed."""
        with suppress(OSError), held(self.final.parent):
            self._keep(mark)
        self._release_claim()
        return self.path

    def discard(self) -> None:
        """Remove the folder: there was nothing to record."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._release_claim()

    def _keep(self, mark: Mark) -> None:
        there = self.aside.marked(mark)
        self.path.rename(there)
        self.aside = Aside(there, self.final, mark, self.aside.token)

    def _release_claim(self) -> None:
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None


def latest_aside(out: Path) -> tuple[Path, Path]:
    """Return what was kept aside of the recording `out`, the latest, and its place. `out` may be that folder itself.

    Raises:
        RecordingError: nothing is kept, or the place can't be one.
    """
    named = aside_of(out)
    final = place_for(out if named is None else named.final)
    asides = [aside for aside in asides_of(final) if aside.mark in KEPT_MARKS and is_recording(aside.path)]
    chosen = next((aside for aside in reversed(asides) if named is None or aside.path.name == out.name), None)
    if chosen is None:
        raise RecordingError(f"nothing is kept aside of '{out}': there is nothing to accept; record it first")
    return chosen.path, final


def put_in_place(aside: Path, final: Path) -> None:
    """Put a recording that was kept aside in its place, in one step. Raises RecordingError."""
    try:
        with held(final.parent):
            _replace_by(aside, final)
    except OSError as error:
        raise RecordingError(f"'{final}' can't be replaced: {error.strerror or error}; nothing was changed") from error


def replace_files(folder: Path, contents: dict[str, bytes]) -> None:
    """Replace some files of the recording at `folder`, all in one step.

    Raises:
        RecordingError: they can't be written, or somebody else has changed the recording; it is as it was.
    """
    final = Path(os.path.realpath(folder))
    here = Path(os.path.realpath(Path.cwd()))
    if final == here or final in here.parents:
        raise RecordingError(f"'{folder}' is the folder that you are in; update it from another")
    stood = _State.of(final)
    workplace = Workplace(final)
    try:
        shutil.copytree(final, workplace.path, symlinks=True)
        for name, content in contents.items():
            workplace.write(name, content)
        with held(final.parent):
            if _State.of(final) != stood:
                raise RecordingError(f"'{folder}' was changed by somebody else, and was not updated; replay it again")
            _replace_by(workplace.path, final)
    except (OSError, shutil.Error) as error:
        raise RecordingError(f"'{folder}' can't be updated: {error}; nothing was changed") from error
    finally:
        workplace.discard()


def recover(final: Path) -> None:
    """Put back the old recording where a process was killed between moving it away and moving the new one in.

    That can only be where the system has no single step for it.
    """
    if final.exists() or not final.parent.is_dir():
        return
    with held(final.parent):
        moved = [aside for aside in asides_of(final) if aside.mark == "moved"]
        if moved and not final.exists():
            with suppress(OSError):
                moved[-1].path.rename(final)


def _replace_by(new: Path, final: Path) -> None:
    """Have the folder `new` stand at `final`, and remove what stood there. Raises OSError."""
    aside = aside_of(new)
    assert aside is not None
    if not final.exists():
        (new / _IGNORED).unlink(missing_ok=True)
        new.rename(final)
        return
    for name in WELCOME:
        if (final / name).is_file() and not (new / name).exists():
            shutil.copy2(final / name, new / name, follow_symlinks=False)
    new.chmod(final.stat().st_mode & 0o7777)
    (new / _IGNORED).unlink(missing_ok=True)
    replaced = aside.marked("replaced")
    if exchanged(new, final):
        new.rename(replaced)
    else:
        moved = aside.marked("moved")
        final.rename(moved)
        try:
            new.rename(final)
        except OSError:
            moved.rename(final)
            raise
        moved.rename(replaced)
    shutil.rmtree(replaced, ignore_errors=True)


def _sweep(final: Path) -> None:
    """Remove what killed processes have left beside a recording and is of no use: replaced, or with nothing in it."""
    for aside in asides_of(final):
        if aside.mark == "replaced":
            shutil.rmtree(aside.path, ignore_errors=True)
        elif aside.mark == "recording" and (aside.path / _IGNORED).exists() and not _has_content(aside.path):
            claim = claimed(aside.path / _IGNORED)
            if claim is not None:
                shutil.rmtree(aside.path, ignore_errors=True)
                os.close(claim)


def _has_content(folder: Path) -> bool:
    """Whether anything of a run has been written: a frame, or an answer of a provider."""
    least = len(header_line())
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    return sizes.get(FRAMES, 0) > least or sizes.get(_JOURNAL, 0) > 40 or CASSETTE in sizes


class _State(Struct, frozen=True):
    """What stands at a place: the same as long as nobody has written there."""

    files: frozenset[tuple[str, int, int, int]] | None

    @classmethod
    def of(cls, folder: Path) -> _State:
        try:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in os.scandir(folder)]
        except OSError:
            return cls(None)
        return cls(frozenset((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in found))
