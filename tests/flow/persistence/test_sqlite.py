"""Claims about states in a SQLite file: what is on record stays, whatever becomes of the processes that save there."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from harness.flow import (
    Flow,
    PendingFeedbackContext,
    SQLiteFlowPersistence,
    StatePersistenceError,
    default_flow_persistence,
    persist,
    start,
)

ROOT = Path(__file__).parents[3]


def in_processes(folder: Path, kills: int) -> dict[str, Any]:
    """Return what `tests.flow.persistence.processes` has to say."""
    command = [sys.executable, "-m", "tests.flow.persistence.processes", str(folder), str(kills)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr.decode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return in_processes(tmp_path_factory.mktemp("states"), 10)


class Note(BaseModel):
    id: str = "x"
    words: list[str] = []


def test_a_file_is_opened_by_no_other_thread_before_the_one_that_makes_it_has_closed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Closing it would end the locks that SQLite has by then.
    path, connected, opening = tmp_path / "states.db", threading.Event(), os.open

    def connect() -> None:
        SQLiteFlowPersistence(path).init_db()
        connected.set()

    other = threading.Thread(target=connect)
    seen: list[bool] = []

    def made(name: Any, *options: Any) -> int:
        handle = opening(name, *options)
        if not other.ident:
            other.start()
            seen.append(connected.wait(0.1))
        return handle

    monkeypatch.setattr("harness.flow.database.os.open", made)
    SQLiteFlowPersistence(path).init_db()
    other.join()
    assert (seen, connected.is_set()) == ([False], True)


def test_the_state_saved_last_is_the_one_that_is_loaded_and_those_before_stay(tmp_path: Path) -> None:
    path = tmp_path / "states.db"
    persistence = SQLiteFlowPersistence(path)
    persistence.save_state("x", "first", {"id": "x", "words": ["a"]})
    persistence.save_state("x", "second", Note(words=["a", "b"]))
    persistence.save_state("y", "first", {"id": "y"})
    assert SQLiteFlowPersistence(path).load_state("x") == {"id": "x", "words": ["a", "b"]}
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "elsewhere.db")
    SQLiteFlowPersistence(link).init_db()
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    assert persistence.load_state("z") is None
    rows = sqlite3.connect(path)
    saved = rows.execute(
        "SELECT flow_uuid, method_name, json_extract(state_json, '$.words') FROM flow_states"
    ).fetchall()
    assert saved == [("x", "first", '["a"]'), ("x", "second", '["a","b"]'), ("y", "first", None)]
    assert rows.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    rows.close()
    persistence.close()
    assert persistence.load_state("y") == {"id": "y"}


def test_what_was_saved_survives_a_kill_at_any_moment(processes: dict[str, Any]) -> None:
    assert len(processes["killed"]) == 10
    hold_whole(processes["killed"])


@pytest.mark.slow
def test_what_was_saved_survives_a_hundred_kills(tmp_path: Path) -> None:
    hold_whole(in_processes(tmp_path, 100)["killed"])


def hold_whole(killed: list[dict[str, Any]]) -> None:
    for one in killed:
        assert one["check"] == "ok"
        assert one["torn"] == []
        assert one["rows"] == list(range(1, one["count"] + 1))
        assert one["count"] >= one["said"]


def test_two_processes_on_one_file_lose_nothing(processes: dict[str, Any]) -> None:
    assert processes["together"] == [{"status": 0, "said": 150, "rows": 150}] * 2


def test_a_forked_process_has_a_connection_of_its_own(processes: dict[str, Any]) -> None:
    assert processes["inherited"] == {"parent": {"side": "after"}, "child": {"side": "child"}}


def test_a_process_that_is_forked_while_others_save_is_not_held_up(processes: dict[str, Any]) -> None:
    assert processes["while saving"] == [0] * 21


def test_who_can_not_write_for_long_fails_and_does_not_wait_for_ever(tmp_path: Path) -> None:
    path = tmp_path / "states.db"
    persistence = SQLiteFlowPersistence(path, busy_s=0.05)
    persistence.init_db()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StatePersistenceError, match=r"states\.db: database is locked"):
        persistence.save_state("x", "first", {"id": "x"})
    other.execute("COMMIT")
    other.close()
    persistence.save_state("x", "first", {"id": "x"})


def test_a_file_is_where_it_was_when_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("named", "later"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "named")
    place = SQLiteFlowPersistence("states.db")
    place.save_state("x", "first", {"n": 1})
    monkeypatch.chdir(tmp_path / "later")
    place.save_state("x", "second", {"n": 2})
    assert SQLiteFlowPersistence(tmp_path / "named" / "states.db").load_state("x") == {"n": 2}
    assert list((tmp_path / "later").iterdir()) == []


@pytest.mark.parametrize(
    "remove", [Path.unlink, lambda path: path.rename(path.with_suffix(".old"))], ids=["gone", "moved"]
)
def test_a_file_that_somebody_has_removed_is_made_anew(tmp_path: Path, remove: Callable[[Path], object]) -> None:
    path = tmp_path / "states.db"
    place = SQLiteFlowPersistence(path)
    place.save_state("x", "first", {"id": "x"})
    for file in list(tmp_path.iterdir()):
        remove(file)
    assert place.load_state("x") is None
    place.save_state("y", "first", {"id": "y"})
    assert SQLiteFlowPersistence(path).load_state("y") == {"id": "y"}


SAVES: dict[str, Callable[[SQLiteFlowPersistence, str], object]] = {
    "a state": lambda place, text: place.save_state("x", "second", {"id": "x", "text": text}),
    "a flow that waits": lambda place, text: place.save_pending_feedback(
        "x", PendingFeedbackContext("x", "m.F", "second", None, "?"), {"id": "x", "text": text}
    ),
}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES.keys())
def test_a_disk_that_is_full_is_named_and_what_was_saved_before_stays(
    tmp_path: Path, save: Callable[[SQLiteFlowPersistence, str], object]
) -> None:
    place = SQLiteFlowPersistence(tmp_path / "states.db")
    place.save_state("x", "first", {"id": "x"})
    connection = place._database._current()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(StatePersistenceError, match=r"states\.db: database or disk is full"):
        save(place, "long" * 10_000)
    assert place.load_state("x") == {"id": "x"}
    assert place.load_pending_feedback("x") is None
    connection.execute("PRAGMA max_page_count=100")
    save(place, "long" * 10_000)
    assert (place.load_state("x") or {})["text"]


RICH: dict[str, Any] = {
    "when": datetime(2026, 1, 2, tzinfo=UTC),
    "tags": {"a", "b"},
    "raw": b"\xff",
    "pair": (1, Decimal("1.10")),
    "looks like a form": {"$set": [1]},
}


class RichState(BaseModel):
    held: dict[str, Any] = {}
    whole: bytes = b""


def in_dict(state: Any) -> None:
    state["held"] = RICH


def in_model(state: Any) -> None:
    state.held, state.whole = RICH, b"\xff"


@pytest.mark.parametrize(("declared", "put"), [(dict, in_dict), (RichState, in_model)], ids=["dict", "model"])
def test_what_json_lacks_comes_back_into_a_state_as_it_was(
    tmp_path: Path, declared: type, put: Callable[[Any], None]
) -> None:
    @persist(SQLiteFlowPersistence(tmp_path / "states.db"))
    class Rich(Flow[Any]):
        initial_state = declared

        @start()
        def first(self) -> Any:
            held = self.state.get("held") if declared is dict else (self.state.held, self.state.whole)
            put(self.state)
            return held

    flow = Rich()
    flow.kickoff()
    back = Rich().kickoff({"id": flow.flow_id})
    assert back == (RICH if declared is dict else (RICH, b"\xff"))


def test_threads_that_share_one_object_lose_nothing(tmp_path: Path) -> None:
    persistence = SQLiteFlowPersistence(tmp_path / "states.db")

    def save(name: str) -> None:
        for count in range(50):
            persistence.save_state(name, "m", {"id": name, "count": count})

    threads = [threading.Thread(target=save, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [persistence.load_state(f"t{number}")["count"] for number in range(8)] == [49] * 8  # type: ignore[index]


UNREADABLE = {
    "a file of another kind": (lambda path: path.write_bytes(b"no database" * 100), "not a database"),
    "a folder": (lambda path: path.mkdir(), "unable to open"),
    "a torn state": (lambda path: _with_row(path, '{"id": '), "is no JSON"),
    "a state that is no object": (lambda path: _with_row(path, "[]"), "no JSON object"),
}


def _with_row(path: Path, state: str) -> None:
    persistence = SQLiteFlowPersistence(path)
    persistence._database.write(("INSERT INTO flow_states VALUES (1, 'x', 'm', '', ?)", (state,)))
    persistence.close()


@pytest.mark.parametrize(("damage", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_is_never_empty(tmp_path: Path, damage: Any, message: str) -> None:
    path = tmp_path / "states.db"
    damage(path)
    with pytest.raises(StatePersistenceError, match=message) as caught:
        SQLiteFlowPersistence(path).load_state("x")
    assert str(path) in str(caught.value)


def test_tests_keep_no_state_in_the_folder_of_whoever_runs_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    assert SQLiteFlowPersistence().db_path.startswith(str(tmp_path_factory.getbasetemp()))


def test_the_default_file_is_in_the_folder_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_STORAGE_DIR", str(tmp_path / "kept"))
    default = default_flow_persistence()
    default.save_state(flow_uuid="x", method_name="m", state_data={"id": "x"})
    assert (tmp_path / "kept" / "flow_states.db").exists()
    assert default_flow_persistence() is default
    monkeypatch.delenv("HARNESS_STORAGE_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    assert os.fspath(tmp_path.name) in SQLiteFlowPersistence().db_path
