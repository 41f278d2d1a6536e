"""Paths that lead into a pack, as `suite.pack/openai/text`: what lies there, and its files for as long as they are needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from harness.errors import HarnessError, UnreadableRecordingError
from harness.recording.pack.file import PackReader, is_pack, write_files


def pack_of(path: Path) -> Path | None:
    """Return the pack that `path` is or leads into; None for a path of the file system alone."""
    for above in (path, *path.parents):
        if above.is_dir():
            return None
        if above.is_file():
            return above if is_pack(above) else None
    return None


def packed_at(path: Path) -> list[Path]:
    """Return the files at and below `path`, which is a pack or leads into one, sorted.

    Raises:
        UnreadableRecordingError: the pack is damaged, or nothing lies there.
    """
    pack, inner = _split(path)
    with PackReader(pack) as reader:
        return [pack / name for name in _names(reader, inner, path)]


def packed_content(path: Path) -> bytes:
    """Return what is in one file of a pack. Raises UnreadableRecordingError."""
    pack, inner = _split(path)
    with PackReader(pack) as reader:
        return reader.read(inner)


def is_folder(path: Path) -> bool:
    """Whether a folder lies at `path`, in the file system or in a pack. Raises UnreadableRecordingError."""
    pack = pack_of(path)
    if pack is None or pack == path:
        return pack is not None or path.is_dir()
    inner = path.relative_to(pack).as_posix()
    with PackReader(pack) as reader:
        return any(name != inner for name in reader.names(inner))


@contextmanager
def at_hand(path: Path) -> Iterator[Path]:
    """Give a path that can be opened: `path` itself, or, where it leads into a pack, a copy of what lies there.

    The copy is removed at the end; to write to it changes nothing. Errors that name the copy come to name the pack.

    Raises:
        UnreadableRecordingError: the pack is damaged, or nothing lies there.
    """
    if pack_of(path) is None:
        yield path
        return
    pack, inner = _split(path)
    with tempfile.TemporaryDirectory(prefix="harness-pack-") as folder:
        # The pack's name is part of the copy's path, so that what is said of the copy says where it comes from.
        root = Path(folder, pack.name)
        with PackReader(pack) as reader:
            write_files(reader, _names(reader, inner, path), root)
        try:
            yield root / inner
        except HarnessError as error:
            error.args = tuple(as_packed(part, root, pack) if isinstance(part, str) else part for part in error.args)
            raise


def as_packed(text: str, copy: Path, pack: Path) -> str:
    """Return a text that speaks of `copy`, or what is in it, as one that speaks of `pack`."""
    return text.replace(str(copy), str(pack))


def _split(path: Path) -> tuple[Path, str]:
    pack = pack_of(path)
    if pack is None:
        raise UnreadableRecordingError(f"'{path}' is no pack, and leads into none")
    return pack, PurePosixPath(path.relative_to(pack)).as_posix()


def _names(reader: PackReader, inner: str, path: Path) -> list[str]:
    names = reader.names(inner)
    if not names:
        raise UnreadableRecordingError(f"'{path}': nothing of that name is in the pack '{reader.path}'")
    return names
