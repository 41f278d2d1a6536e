"""Where a recording grows and how it takes its place: in one step, and over nothing of anybody else's."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from harness.errors import RecordingError
from harness.recording.files import workplace as module
from harness.recording.files.asides import aside_of, asides_of, new_aside
from harness.recording.files.exchange import exchanged
from harness.recording.files.workplace import Workplace, latest_aside, place_for, put_in_place, recover, replace_files
from tests.recording.support.recorded import contents


@pytest.fixture
def steps(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the system can exchange two folders in one step."""
    if getattr(request, "param", "one") == "two":
        monkeypatch.setattr(module, "exchanged", lambda first, second: False)


def written(folder: Path, content: bytes = b"old") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recording.json").write_bytes(content)
    return folder


def opened(final: Path, content: bytes = b"new", **options: Any) -> Workplace:
    workplace = Workplace(final)
    workplace.open(**options)
    workplace.write("recording.json", content)
    return workplace


@pytest.mark.parametrize("steps", ["one", "two"], indirect=True)
def test_the_old_recording_stands_until_the_new_one_takes_its_place(steps: None, tmp_path: Path) -> None:
    final = written(tmp_path / "plan")
    (final / "cassette.yaml").write_bytes(b"tape")
    (final / "README.md").write_bytes(b"why")
    final.chmod(0o750)
    workplace = opened(final, cassette_of=final)
    assert contents(final) == {"recording.json": b"old", "cassette.yaml": b"tape", "README.md": b"why"}
    growing = {".gitignore": b"*\n", "recording.json": b"new", "cassette.yaml": b"tape"}
    assert contents(workplace.path) == growing
    assert workplace.publish()
    assert contents(tmp_path) == {
        "plan/recording.json": b"new", "plan/cassette.yaml": b"tape", "plan/README.md": b"why"
    }  # fmt: skip
    assert final.stat().st_mode & 0o777 == 0o750


def test_this_system_exchanges_folders_in_one_step(tmp_path: Path) -> None:
    written(tmp_path / "a", b"a"), written(tmp_path / "b", b"b")
    assert exchanged(tmp_path / "a", tmp_path / "b")
    assert contents(tmp_path) == {"a/recording.json": b"b", "b/recording.json": b"a"}


def test_where_an_exchange_is_refused_the_reason_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        exchanged(written(tmp_path / "a"), tmp_path / "missing")


def test_where_the_library_knows_no_exchange_nothing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *args, **options: object())
    assert not exchanged(written(tmp_path / "a"), written(tmp_path / "b"))


def test_a_discarded_workplace_leaves_nothing(tmp_path: Path) -> None:
    opened(written(tmp_path / "plan")).discard()
    assert contents(tmp_path) == {"plan/recording.json": b"old"}


def test_folders_above_are_made(tmp_path: Path) -> None:
    assert opened(tmp_path / "deep" / "er" / "plan").publish()
    assert contents(tmp_path) == {"deep/er/plan/recording.json": b"new"}


@pytest.mark.parametrize("steps", ["one", "two"], indirect=True)
def test_of_two_that_record_the_first_stands_and_the_second_is_kept_aside(steps: None, tmp_path: Path) -> None:
    final = tmp_path / "plan"
    first, second = opened(final, b"first"), opened(final, b"second")
    assert first.path != second.path
    assert first.publish()
    assert not second.publish()
    assert contents(final) == {"recording.json": b"first"}
    (kept,) = asides_of(final)
    assert (kept.mark, kept.path) == ("second", second.path)
    assert contents(kept.path) == {".gitignore": b"*\n", "recording.json": b"second"}


def test_what_a_person_has_edited_in_the_meantime_is_not_replaced(tmp_path: Path) -> None:
    final = written(tmp_path / "plan")
    workplace = opened(final)
    (final / "recording.json").write_bytes(b"edited")
    assert not workplace.publish()
    assert contents(final) == {"recording.json": b"edited"}


def test_folders_with_names_that_others_give_are_left_alone(tmp_path: Path) -> None:
    final = tmp_path / "plan"
    names = ["plan.partial", "plan.old", "plan.recording", "plan.refused-mine", "plan.replaced-20260101-000000"]
    for name in names:
        written(tmp_path / name, name.encode())
    before = contents(tmp_path)
    recover(final)
    assert opened(final).publish()
    assert opened(final, b"newer").publish()
    assert contents(tmp_path) == {**before, "plan/recording.json": b"newer"}


@pytest.mark.parametrize("mark", ["refused", "failed", "cancelled", "second"])
@pytest.mark.parametrize("stands", [True, False])
def test_what_was_kept_aside_can_be_accepted(mark: Any, stands: bool, tmp_path: Path) -> None:
    final = tmp_path / "plan"
    if stands:
        written(final)
    workplace = opened(final)
    kept = workplace.keep(mark)
    assert aside_of(kept) == workplace.aside
    assert kept.name.startswith(f"plan.{mark}-")
    assert contents(final) == ({"recording.json": b"old"} if stands else {})
    assert latest_aside(final) == (kept, final)
    put_in_place(kept, final)
    assert contents(tmp_path) == {"plan/recording.json": b"new"}


def test_of_several_that_are_kept_the_latest_is_accepted_or_the_one_that_is_named(tmp_path: Path) -> None:
    final = tmp_path / "plan"
    kept = [opened(final, name).keep("refused") for name in (b"1", b"2", b"3")]
    for number, path in enumerate(kept):
        # In the same second they sort by chance.
        path.rename(path.with_name(f"plan.refused-20260101-00000{number}-00000000"))
    kept = [aside.path for aside in asides_of(final)]
    put_in_place(*latest_aside(final))
    assert contents(final) == {"recording.json": b"3"}
    put_in_place(*latest_aside(kept[0]))
    assert contents(final) == {"recording.json": b"1"}
    assert [aside.path for aside in asides_of(final)] == [kept[1]]


def test_where_nothing_is_kept_nothing_is_accepted(tmp_path: Path) -> None:
    final = written(tmp_path / "plan")
    opened(final)  # grows, and may be anybody's
    with pytest.raises(RecordingError, match="nothing is kept aside of .+ record it first"):
        latest_aside(final)
    assert contents(final) == {"recording.json": b"old"}


def test_what_was_refused_is_kept_out_of_repositories(tmp_path: Path) -> None:
    kept = opened(tmp_path / "plan").keep("refused")
    assert (kept / ".gitignore").read_text() == "*\n"


def test_what_killed_recorders_left_goes_with_the_next_one_where_it_is_of_no_use(tmp_path: Path) -> None:
    final = written(tmp_path / "plan")
    empty, useful, alive = opened(final), opened(final), opened(final)
    for killed in (empty, useful):
        killed._release_claim()
    useful.write("frames.jsonl", b'{"format":"harness.frames/1"}\n{"a frame": 1}\n')
    written(new_aside(final).marked("replaced"))
    opened(final).discard()
    assert {aside.path for aside in asides_of(final)} == {useful.path, alive.path}


def test_a_kill_between_the_two_steps_costs_nothing(tmp_path: Path) -> None:
    final = written(tmp_path / "plan")
    final.rename(new_aside(final).marked("moved"))
    recover(final)
    assert contents(tmp_path) == {"plan/recording.json": b"old"}


def test_nothing_is_recovered_over_a_recording_that_stands(tmp_path: Path) -> None:
    final = written(tmp_path / "plan", b"new")
    written(new_aside(final).marked("moved"))
    recover(final)
    assert contents(final) == {"recording.json": b"new"}


@pytest.mark.parametrize("steps", ["one", "two"], indirect=True)
def test_some_files_are_replaced_in_one_step_and_the_rest_stays(steps: None, tmp_path: Path) -> None:
    final = written(tmp_path / "plan")
    (final / "notes").mkdir()
    (final / "notes" / "thesis.tex").write_text("precious")
    (final / "link").symlink_to("recording.json")
    replace_files(final, {"recording.json": b"new", "frames.jsonl": b"more"})
    assert contents(tmp_path) == {
        "plan/recording.json": b"new", "plan/frames.jsonl": b"more", "plan/notes/thesis.tex": b"precious",
        "plan/link": b"new",
    }  # fmt: skip
    assert (final / "link").is_symlink()


def test_files_of_a_recording_that_has_changed_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    final = written(tmp_path / "plan")
    copytree = shutil.copytree

    def copied(*args: Any, **options: Any) -> Any:
        done = copytree(*args, **options)
        (final / "recording.json").write_bytes(b"edited")
        return done

    monkeypatch.setattr(shutil, "copytree", copied)
    with pytest.raises(RecordingError, match="changed by somebody else, and was not updated"):
        replace_files(final, {"recording.json": b"new"})
    assert contents(tmp_path) == {"plan/recording.json": b"edited"}


def test_the_folder_that_one_is_in_is_no_place_for_a_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = written(tmp_path / "plan") / "inner"
    inner.mkdir()
    monkeypatch.chdir(inner)
    for out in (".", "..", "/", "../../plan", str(inner), "../inner/."):
        with pytest.raises(RecordingError, match="the folder that you are in, or one around it"):
            place_for(Path(out))
    with pytest.raises(RecordingError, match="the folder that you are in; update it from another"):
        replace_files(Path(".."), {})


def test_a_folder_with_other_things_is_no_place_for_a_recording(tmp_path: Path) -> None:
    (tmp_path / "plan").mkdir()
    for name in ("notes.txt", "thesis.tex"):
        (tmp_path / "plan" / name).write_text("precious")
    with pytest.raises(RecordingError, match=r"holds notes\.txt, thesis\.tex, which is no part of a recording"):
        place_for(tmp_path / "plan")


def test_what_is_no_folder_is_no_place_for_a_recording(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    for path in (tmp_path / "file", tmp_path / "fifo", Path(os.devnull)):
        with pytest.raises(RecordingError, match="is no folder"):
            place_for(path)
    with pytest.raises(RecordingError, match="a link that leads to itself"):
        place_for(tmp_path / "loop")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_link_is_recorded_to_where_it_leads(tmp_path: Path) -> None:
    real = written(tmp_path / "real" / "plan")
    (tmp_path / "plan").symlink_to(real)
    assert opened(place_for(tmp_path / "plan")).publish()
    assert (tmp_path / "plan").is_symlink()
    assert contents(real) == {"recording.json": b"new"}


def test_a_place_that_can_not_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="nothing was recorded"):
        Workplace(tmp_path / "file" / "plan").open()
