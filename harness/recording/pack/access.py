"""Paths that lead into a pack, as `suite.pack/openai/text`: what lies there, and its files for as long as they are needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import UnreadableRecordingError
from harness.recording.pack.file import PackReader, is_pack, write_files


def pack_of(path: Path) -> Path | None:
    """Return the pack that `path` is or leads into; None for a path of the file system alone."""
    for above in (path, *path.parents):
        if above.is_dir():
            return None
        if above.is_file():
            return above if is_pack(above) else None
    return None


def names_in(path: Path) -> list[str]:
    """Return the paths of the files of a pack, relative to it and sorted. Raises UnreadableRecordingError."""
    with PackReader(path) as reader:
        return reader.names()


@contextmanager
def at_hand(path: Path) -> Iterator[Path]:
    """Give a path that can be opened: `path` itself, or, where it leads into a pack, a copy of what lies there.

    The copy is removed at the end; to write to it changes nothing.

    Raises:
        UnreadableRecordingError: the pack is damaged, or nothing lies there.
    """
    pack = pack_of(path)
    if pack is None:
        yield path
        return
    inner = path.relative_to(pack).as_posix()
    with PackReader(pack) as reader, tempfile.TemporaryDirectory(prefix="harness-pack-") as folder:
        names = [name for name in reader.names() if inner in {".", name} or name.startswith(f"{inner}/")]
        if not names:
            raise UnreadableRecordingError(f"'{path}': nothing of that name is in the pack '{pack}'")
        # The pack's name is part of the copy's path, so that what is said of the copy says where it comes from.
        root = Path(folder, pack.name)
        write_files(reader, names, root)
        yield root / inner
