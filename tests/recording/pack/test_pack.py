"""A pack gives back what was put into it, and nothing that it was not given."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from harness.errors import RecordingError, UnreadableRecordingError, UsageError
from harness.recording.pack import Packed, at_hand, is_pack, pack, unpack

pytest.importorskip("zstandard", reason="packs need the extra `pack`")

_PARTS = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0:", exclude_categories=["Cc"]), min_size=1, max_size=8
)
_NAMES = st.lists(_PARTS.filter(lambda part: part not in {".", ".."}), min_size=1, max_size=3).map("/".join)


def _tree(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def _content(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = {
        f"openai/{number}/recording.json": b'{"format": "harness.recording/1"}' * number for number in range(1, 30)
    }
    root = tmp_path_factory.mktemp("packed")
    _tree(root / "suite", files)
    pack(root / "suite", root / "suite.pack")
    return root


@pytest.fixture
def packed(suite: Path, tmp_path: Path) -> Path:
    shutil.copytree(suite, tmp_path, dirs_exist_ok=True)
    return tmp_path / "suite.pack"


def _edited(path: Path, statement: str, *parameters: object) -> Path:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement, parameters)
    return path


@given(st.dictionaries(_NAMES, st.binary(max_size=200) | st.just(b"id: 1\n" * 2_000), min_size=1, max_size=12))
@settings(max_examples=15)
def test_every_byte_comes_back(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    names = set(files)
    files = {
        name: content for name, content in files.items() if not any(other.startswith(f"{name}/") for other in names)
    }
    root = tmp_path_factory.mktemp("pack")
    _tree(root / "in", files)
    put = pack(root / "in", root / "all.pack")
    assert put == unpack(root / "all.pack", root / "out")
    assert put == Packed(len(files), sum(map(len, files.values())), (root / "all.pack").stat().st_size)
    assert _content(root / "out") == files


def test_texts_that_resemble_each_other_are_kept_once(packed: Path) -> None:
    whole = sum(len(content) for content in _content(packed.with_suffix("")).values())
    assert whole > 14_000
    with closing(sqlite3.connect(packed)) as database:
        ((kept,),) = database.execute("SELECT sum(length(content)) FROM file").fetchall()
    assert kept < whole / 8


def test_a_path_into_a_pack_is_at_hand_for_a_while(packed: Path, tmp_path: Path) -> None:
    with at_hand(packed / "openai" / "3") as folder:
        assert _content(folder) == _content(tmp_path / "suite" / "openai" / "3")
        assert folder.parts[-3:] == ("suite.pack", "openai", "3")
    assert not folder.exists()
    with at_hand(packed / "openai" / "3" / "recording.json") as file:
        assert file.read_bytes() == (tmp_path / "suite/openai/3/recording.json").read_bytes()
    with at_hand(packed) as root:
        assert _content(root) == _content(tmp_path / "suite")
    with at_hand(tmp_path / "suite" / "openai") as there:
        assert there == tmp_path / "suite" / "openai"
    for nowhere in ("open", os.fsdecode(b"open\xff")):
        with (
            pytest.raises(UnreadableRecordingError, match=r"nothing of that name is in the pack"),
            at_hand(packed / nowhere),
        ):
            pass


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../../b", "", ".", "a//b", "c:/x", "a\\b", "a\0b", "a/"])
def test_a_pack_that_names_files_outside_of_it_is_refused(packed: Path, tmp_path: Path, name: str) -> None:
    _edited(packed, "UPDATE file SET path = ? WHERE path LIKE 'openai/7/%'", name)
    with pytest.raises(UnreadableRecordingError, match="lies in no folder"):
        unpack(packed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a\\b", "a:b/x", os.fsdecode(b"t\xff"), os.fsdecode(b"t\xff/frames.jsonl")])
def test_a_name_that_no_pack_gives_back_is_not_packed(tmp_path: Path, name: str) -> None:
    try:
        _tree(tmp_path / "in", {name: b""})
    except OSError:
        pytest.skip("this system has no such names")
    with pytest.raises(RecordingError, match="has a name that a pack can't hold"):
        pack(tmp_path / "in", tmp_path / "all.pack")
    assert not (tmp_path / "all.pack").exists()


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE file SET content = x'00'", "can't be decompressed"),
        ("UPDATE file SET size = size - 1", "has not the .* bytes that the pack tells of"),
        ("UPDATE file SET size = 1099511627776", "expected at most 1,073,741,824 bytes"),
        ("UPDATE file SET size = 'many'", "a size of 'many'"),
        ("UPDATE file SET digest = x'00'", "its digest is not that of its bytes"),
        ("UPDATE file SET path = x'ff00' WHERE path LIKE 'openai/7/%'", "lies in no folder"),
        ("DROP TABLE dictionary", "has other tables than a pack"),
        ("INSERT OR REPLACE INTO dictionary VALUES ('.json', 5)", "has a dictionary that is none"),
        ("PRAGMA user_version = 2", "a pack of version 2; 1 is the latest known here"),
    ],
)
def test_a_damaged_pack_says_so(packed: Path, tmp_path: Path, statement: str, words: str) -> None:
    _edited(packed, statement)
    assert is_pack(packed)
    with pytest.raises(UnreadableRecordingError, match=words):
        unpack(packed, tmp_path / "out")


def test_a_pack_whose_table_is_a_view_without_end_is_not_asked(packed: Path, tmp_path: Path) -> None:
    _edited(packed, "DROP TABLE file")
    _edited(
        packed,
        "CREATE VIEW file AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT 'f' || i AS path, '' AS kind, 0 AS size, x'' AS digest, x'' AS content FROM n",
    )
    with pytest.raises(UnreadableRecordingError, match="has other tables than a pack"):
        unpack(packed, tmp_path / "out")


def test_no_more_than_so_much_comes_out_of_a_pack(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.recording.pack.file.MOST_UNPACKED", 1_000)
    with pytest.raises(UnreadableRecordingError, match="the most that is taken out of one pack"):
        unpack(packed, tmp_path / "out")


def test_a_torn_pack_says_so(packed: Path, tmp_path: Path) -> None:
    content = packed.read_bytes()
    packed.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableRecordingError, match="is damaged"):
        unpack(packed, tmp_path / "out")


def test_nothing_but_a_pack_is_replaced_and_nothing_special_is_packed(packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "suite"
    mine = tmp_path / "mine.db"
    _edited(mine, "CREATE TABLE mine (x)")
    content = mine.read_bytes()
    with pytest.raises(UsageError, match="exists and is no pack"):
        pack(folder, mine)
    assert mine.read_bytes() == content
    with pytest.raises(UsageError, match="can't hold itself"):
        pack(folder, folder / "suite.pack")
    with pytest.raises(UsageError, match="is no folder"):
        pack(packed, tmp_path / "again.pack")
    with pytest.raises(UsageError, match="exists; name a folder that does not"):
        unpack(packed, folder)
    (folder / "link").symlink_to("/etc/hostname")
    before = packed.read_bytes()
    with pytest.raises(RecordingError, match=r"link' is a link or a special file"):
        pack(folder, packed)
    assert packed.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_packing_twice_gives_the_same_bytes(packed: Path, tmp_path: Path) -> None:
    pack(tmp_path / "suite", tmp_path / "again.pack")
    assert (tmp_path / "again.pack").read_bytes() == packed.read_bytes()
