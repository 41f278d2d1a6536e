"""One SQLite file that holds the files of a folder, each compressed by itself and given back byte for byte.

Tables of format `harness.pack/1`: `dictionary(kind, content)`, and `file(path, kind, size, digest, content)`, where `path`
is relative with `/`, `kind` the ending of its name, `size` in bytes, `digest` SHA-256, and `content` zstd with the
dictionary of its kind.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sqlite3
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, Self

from msgspec import Struct

from harness.errors import RecordingError, UnreadableRecordingError, UsageError
from harness.recording.files.content import beginning_of, leads_out

if TYPE_CHECKING:
    from harness.recording.pack.compression import Codec

#: SQLite's mark of a file's application, `HRNS`, and of our format's version.
_APPLICATION: Final = 0x48524E53
_VERSION: Final = 1
#: How a SQLite file begins, and where it has the number of its application.
_MAGIC: Final = b"SQLite format 3\x00"
_APPLICATION_AT: Final = slice(68, 72)
#: No file of a recording is larger, in bytes.
MOST_BYTES: Final = 1 << 30
#: Nor does a pack hold more, in bytes.
MOST_UNPACKED: Final = 16 << 30
#: What no path in a pack holds: what ends a name or divides it on some system, and lone surrogates, which are not UTF-8.
_UNFIT: Final = re.compile("[\0\\\\\ud800-\udfff]")
_SCHEMA: Final = """
CREATE TABLE dictionary (kind TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE file (path TEXT PRIMARY KEY, kind TEXT NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL,
    content BLOB NOT NULL);
"""


class Packed(Struct, frozen=True):
    """What went into a pack, or came out of one."""

    files: int
    #: Bytes of all files, and of the pack.
    size: int
    packed: int


def is_pack(path: Path) -> bool:
    """Whether `path` is a pack, of this version or another."""
    try:
        head = beginning_of(path, _APPLICATION_AT.stop)
    except (OSError, UnreadableRecordingError):
        return False
    return head.startswith(_MAGIC) and head[_APPLICATION_AT] == _APPLICATION.to_bytes(4, "big")


def pack(folder: Path, out: Path) -> Packed:
    """Put every file below `folder` into a pack, which takes its place in one step.

    Raises:
        UsageError: there is no such folder, or no file in it; `out` is something else than a pack, or inside the folder.
        RecordingError: a link, another special file, or a name that no pack holds is in the folder; or the pack can't be
            written.
    """
    if not folder.is_dir():
        raise UsageError(f"'{folder}' is no folder; name a folder of recordings and cassettes")
    if out.exists() and not is_pack(out):
        raise UsageError(f"'{out}' exists and is no pack; choose another name")
    if not leads_out(out, folder):
        raise UsageError(f"'{out}' is inside '{folder}'; a pack can't hold itself, choose a place outside")
    names = sorted(_regular_files(folder))
    if not names:
        raise UsageError(f"'{folder}' holds no files; there is nothing to pack")
    try:
        handle, scratch = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
        os.close(handle)
        try:
            size = _write(Path(scratch), folder, names)
            packed = Path(scratch).stat().st_size
            os.replace(scratch, out)  # noqa: PTH105 - mkstemp gives a string
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(scratch)  # noqa: PTH108
    except (OSError, sqlite3.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise RecordingError(f"'{out}' can't be written: {why}; nothing was changed") from error
    return Packed(len(names), size, packed)


def _regular_files(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(parent, name)
            mode = path.lstat().st_mode
            if stat.S_ISREG(mode):
                inside = path.relative_to(folder).as_posix()
                if not _lies_inside(inside):
                    raise RecordingError(
                        f"'{path}' has a name that a pack can't hold; expected UTF-8 without a backslash, and no colon in "
                        "its first part. Rename it first"
                    )
                yield inside
            elif not stat.S_ISDIR(mode):
                raise RecordingError(
                    f"'{path}' is a link or a special file; a pack holds plain files, take it away first"
                )


def _kind(name: str) -> str:
    return PurePosixPath(name).suffix


def _write(scratch: Path, folder: Path, names: list[str]) -> int:
    from harness.recording.pack.compression import Codec, train

    by_kind: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        by_kind[_kind(name)].append(name)
    dictionaries = {
        kind: train((folder / name).read_bytes() for name in _spread(group)) for kind, group in by_kind.items()
    }
    codec = Codec(dictionaries)
    size = 0
    with contextlib.closing(sqlite3.connect(scratch, isolation_level=None)) as database:
        database.executescript(
            f"PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION}; PRAGMA journal_mode=MEMORY;{_SCHEMA}"
        )
        database.execute("BEGIN")
        database.executemany("INSERT INTO dictionary VALUES (?, ?)", sorted(dictionaries.items()))
        for name in names:
            content = (folder / name).read_bytes()
            if len(content) > MOST_BYTES:
                raise RecordingError(
                    f"'{folder / name}' has {len(content):,} bytes; a pack takes files of {MOST_BYTES:,}"
                )
            size += len(content)
            kind = _kind(name)
            digest = hashlib.sha256(content).digest()
            database.execute(
                "INSERT INTO file VALUES (?, ?, ?, ?, ?)",
                (name, kind, len(content), digest, codec.compress(kind, content)),
            )
        database.execute("COMMIT")
    return size


def _spread(names: list[str], most: int = 2_000) -> list[str]:
    return names[:: max(1, len(names) // most)]


class PackReader:
    """The files of one pack, read one by one."""

    def __init__(self, path: Path) -> None:
        """Open a pack.

        Raises:
            UnreadableRecordingError: it is no pack, damaged, or of a later version.
        """
        from harness.recording.pack.compression import Codec

        self.path = path
        if not is_pack(path):
            raise UnreadableRecordingError(f"'{path}' is no pack; expected a file made by harness pack")
        # Read-only, and as a file that does not change: no journal is looked for, and none is made beside it.
        self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            ((version,),) = self._rows("PRAGMA user_version")
            if version != _VERSION:
                raise UnreadableRecordingError(
                    f"'{path}' is a pack of version {version}; {_VERSION} is the latest known here, update stream-harness"
                )
            self._check_tables()
            self._codec: Codec = Codec(self._dictionaries())
        except BaseException:
            self.close()
            raise

    def _check_tables(self) -> None:
        """Refuse other tables than ours: a view by the name of one could give rows without end."""
        found = {_plain(sql) for (sql,) in self._rows("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
        if found != set(map(_plain, _SCHEMA.strip().removesuffix(";").split(";"))):
            raise UnreadableRecordingError(f"'{self.path}' has other tables than a pack; it is not read. Pack it again")

    def _dictionaries(self) -> dict[str, bytes]:
        rows = self._rows("SELECT kind, content FROM dictionary")
        if not all(isinstance(kind, str) and isinstance(content, bytes) for kind, content in rows):
            raise UnreadableRecordingError(f"'{self.path}' is damaged: it has a dictionary that is none; pack it again")
        return dict(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()

    def names(self, at: str = ".") -> list[str]:
        """Return the paths of all files, sorted; or of the file `at` that path, and of those below it.

        Raises:
            UnreadableRecordingError: the pack is damaged, or a path leads out of the folder that it was made of.
        """
        if at == ".":
            rows = self._rows("SELECT path FROM file ORDER BY path")
        else:
            # What begins with `at/` sorts before `at0`, the next character.
            query = "SELECT path FROM file WHERE path = ? OR (path >= ? AND path < ?) ORDER BY path"
            rows = self._rows(query, at, f"{at}/", f"{at}0")
        return [_inside(self.path, name) for (name,) in rows]

    def read(self, name: str) -> bytes:
        """Return the bytes of one file. Raises UnreadableRecordingError."""
        rows = self._rows("SELECT kind, size, digest, content FROM file WHERE path = ?", name)
        where = f"'{self.path}': {name}"
        if not rows:
            raise UnreadableRecordingError(f"{where} is not in the pack")
        kind, size, digest, content = rows[0]
        if not isinstance(size, int) or not 0 <= size <= MOST_BYTES or not isinstance(content, bytes):
            raise UnreadableRecordingError(
                f"{where} is damaged: a size of {size!r}; expected at most {MOST_BYTES:,} bytes"
            )
        found = self._codec.decompress(kind, content, size, where)
        if hashlib.sha256(found).digest() != digest:
            raise UnreadableRecordingError(f"{where} is damaged: its digest is not that of its bytes; pack it again")
        return found

    def _rows(self, query: str, *parameters: object) -> list[tuple]:  # type: ignore[type-arg]
        try:
            return self._database.execute(query, parameters).fetchall()
        except UnicodeEncodeError:  # what no file of a pack is called
            return []
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise UnreadableRecordingError(f"'{self.path}' is damaged: SQLite can't read it ({error})") from error


def _plain(statement: object) -> str:
    return " ".join(str(statement).split())


def _inside(pack: Path, name: object) -> str:
    if not (isinstance(name, str) and _lies_inside(name)):
        raise UnreadableRecordingError(
            f"'{pack}' names a file {str(name)[:200]!r}, which lies in no folder; it is not unpacked"
        )
    return name


def _lies_inside(name: str) -> bool:
    """Whether a path is one of UTF-8, and lies in whatever folder it is put below, on any system."""
    parts = PurePosixPath(name).parts
    if not parts or name != "/".join(parts):
        return False
    return ".." not in parts and ":" not in parts[0] and _UNFIT.search(name) is None


def unpack(path: Path, out: Path) -> Packed:
    """Write every file of a pack below `out`, which must not hold anything yet.

    Raises:
        UsageError: `out` exists and is not an empty folder.
        UnreadableRecordingError: the pack is damaged; what was written until then stands in `out`.
        RecordingError: a file can't be written.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"'{out}' exists; name a folder that does not, or an empty one")
    with PackReader(path) as reader:
        return write_files(reader, reader.names(), out)


def write_files(reader: PackReader, names: list[str], out: Path) -> Packed:
    """Write these files of a pack below `out`. Raises as `unpack`."""
    size = 0
    for name in names:
        content = reader.read(name)
        target = out / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise RecordingError(f"'{target}' can't be written: {error.strerror or error}") from error
        size += len(content)
        if size > MOST_UNPACKED:
            raise UnreadableRecordingError(
                f"'{reader.path}' unpacks to more than {MOST_UNPACKED // 2**30} GiB, the most that is taken out of one pack"
            )
    return Packed(len(names), size, reader.path.stat().st_size)
