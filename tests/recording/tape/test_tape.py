"""Tapes: the record modes, what is remembered, which tape a context has, and how a recording is saved."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import os
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from harness.bus.scope import Run, Scope, current_scope, enter, reset
from harness.errors import (
    NetworkBlockedError,
    RecordingError,
    RunCancelled,
    TransportFault,
    UnrecordedRequestError,
    UsageError,
)
from harness.recording.files.cassette_reader import read_cassette
from harness.recording.files.cassette_writer import write_cassette
from harness.recording.tape.tape import Mode, Tape, current_tape, network_guard, open_tape, tape_for
from harness.recording.wire import Interaction, WireRequest, WireResponse
from tests.recording.support import exchanges
from tests.recording.support.exchanges import UNREACHED


def ask(name: str) -> WireRequest:
    return WireRequest("POST", "https://h/v1/chat", (("content-type", "text/plain"),), name.encode())


def told(name: str) -> WireResponse:
    return exchanges.told(name.encode(), headers=())


def record(tape: Tape, name: str) -> None:
    take = tape.begin(ask(name))
    take.responded(200, "OK", ())
    take.chunk(f"live {name}".encode())
    take.ended("complete")


def perform(tape: Tape, name: str) -> str:
    """Do what a transport does with one request."""
    try:
        answer = tape.answer(ask(name))
    except TransportFault as fault:
        return "miss" if isinstance(fault.error, UnrecordedRequestError) else "fault"
    if answer is not None:
        return answer.body.decode()
    record(tape, name)
    return f"live {name}"


def bodies(path: Path) -> list[str]:
    return [one.response.body.decode() for one in read_cassette(path)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cassette.yaml"


@pytest.mark.parametrize(
    ("mode", "there", "given", "saved"),
    [
        ("none", ["a"], {"a": "a", "b": "miss"}, ["a"]),
        ("once", ["a"], {"a": "a", "b": "miss"}, ["a"]),
        ("once", None, {"a": "live a", "b": "live b"}, ["live a", "live b"]),
        ("new", ["a"], {"a": "a", "b": "live b"}, ["a", "live b"]),
        ("once", None, {}, []),
        ("once", [], {"a": "live a"}, ["live a"]),
        ("new", None, {"b": "live b"}, ["live b"]),
        ("new", None, {}, []),
        ("all", ["a"], {"a": "live a"}, ["live a"]),
        ("all", None, {}, []),
    ],
)
def test_a_mode_says_what_is_played_recorded_and_saved(
    path: Path, mode: Mode, there: list[str] | None, given: dict[str, str], saved: list[str]
) -> None:
    if there is not None:
        write_cassette(path, [Interaction(ask(name), told(name)) for name in there])
    with open_tape(path, mode) as tape:
        assert {name: perform(tape, name) for name in given} == given
    assert bodies(path) == saved
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("answers", "told_again"),
    [
        ([UNREACHED], "live a"), ([UNREACHED, told("a")], ""), ([told("a"), UNREACHED], "live a"),
        ([exchanges.told(status=0, how="no-response")], ""),
    ],
    ids=["never answered", "answered when it was made again", "answered before", "not answered, nobody knows why"],
)  # fmt: skip
def test_once_records_again_what_got_no_answer_and_says_so(
    path: Path, answers: list[WireResponse], told_again: str
) -> None:
    write_cassette(path, [Interaction(ask("a"), answer) for answer in answers])
    notes: list[str] = []
    with open_tape(path, "once", on_note=notes.append) as tape:
        assert perform(tape, "a") == told_again
    assert len(notes) == (1 if told_again else 0)
    if told_again:
        assert (
            "recorded again: when it was recorded, POST https://h/v1/chat got no answer (ConnectError: ref" in notes[0]
        )
        assert bodies(path) == ["live a"]
        assert perform_once(path) == "live a"


@pytest.mark.parametrize("stands", [told("a"), UNREACHED], ids=["an answer", "none either"])
def test_a_recording_anew_that_got_no_answer_takes_the_place_of_none_that_did(path: Path, stands: WireResponse) -> None:
    write_cassette(path, [Interaction(ask("a"), stands)])
    notes: list[str] = []
    with open_tape(path, "all", on_note=notes.append) as tape:
        perform(tape, "b")
        tape.begin(ask("a")).ended("no-response", error="ConnectError: refused")
    partial = path.with_name("cassette.yaml.partial")
    if stands is UNREACHED:
        assert (bodies(path), notes, partial.exists()) == (["live b", ""], [], False)
    else:
        assert (bodies(path), bodies(partial)) == (["a"], ["live b", ""])
        assert "stays as it was: POST https://h/v1/chat got no answer now (ConnectError: refused)" in notes[0]


@pytest.mark.parametrize(
    ("mode", "there", "kept", "beside"),
    [
        ("new", ["a"], ["a", "live b", "live c", "live d"], None),
        ("new", None, ["live b", "live c", "live d"], None),
        ("once", None, ["live b", "live c"], ["live b", "live d"]),
        ("all", ["a"], ["live b", "live c"], ["live b", "live d"]),
    ],
)
def test_of_tapes_that_record_one_cassette_at_once_none_costs_the_other_what_it_has(
    path: Path, mode: Mode, there: list[str] | None, kept: list[str], beside: list[str] | None
) -> None:
    if there is not None:
        write_cassette(path, [Interaction(ask(name), told(name)) for name in there])
    notes: list[str] = []
    with open_tape(path, mode, on_note=notes.append) as second:
        with open_tape(path, mode) as first:
            for tape, name in ((second, "b"), (first, "b"), (first, "c"), (second, "d")):
                record(tape, name)
        # What the other has written down so far is still there, should the process be killed.
        (journal,) = path.parent.glob("*.partial")
        assert bodies(journal) == ["live b", "live d"]
    assert bodies(path) == kept
    assert [bodies(partial) for partial in path.parent.glob("*.partial")] == ([] if beside is None else [beside])
    assert [journal.name in note for note in notes] == ([] if beside is None else [True])


@pytest.mark.parametrize(
    "source",
    [
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/boats",
        "http://[fd00:ec2::23]/v1/credentials",
        "https://sts.eu-west-1.amazonaws.com/?Action=AssumeRoleWithWebIdentity",
        "https://oauth2.googleapis.com/token",
        "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
    ],
)
def test_what_gave_credentials_when_it_was_recorded_may_be_asked_or_not(path: Path, source: str) -> None:
    asked = replace(ask("credentials"), url=source)
    write_cassette(path, [Interaction(asked, told("credentials")), Interaction(ask("a"), told("a"))])
    with open_tape(path, "none") as tape:
        assert [one.request.url for one in tape.unplayed] == ["https://h/v1/chat"]
        assert perform(tape, "a") == "a"
        assert tape.unplayed == ()
    with open_tape(path, "none") as tape:
        answer = tape.answer(asked)
        assert answer is not None
        assert answer.body == b"credentials"


@pytest.mark.parametrize(
    "url",
    [
        "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity",
        "https://oauth2.googleapis.com/tokeninfo",
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/boats:signBlob",
    ],
)
def test_what_else_is_asked_where_credentials_are_is_the_runs_own(path: Path, url: str) -> None:
    write_cassette(path, [Interaction(replace(ask("boats"), url=url), told("boats"))])
    with open_tape(path, "none") as tape:
        assert [one.request.url for one in tape.unplayed] == [url]


def perform_once(path: Path) -> str:
    with open_tape(path, "once") as tape:
        return perform(tape, "a")


def test_playing_leaves_the_file_alone(path: Path) -> None:
    write_cassette(path, [Interaction(ask("a"), told("a"))])
    before = path.stat()
    for mode in ("none", "once", "new"):
        with open_tape(path, mode) as tape:
            perform(tape, "a")
    after = path.stat()
    # Not when it was read.
    assert (after.st_ino, after.st_mtime_ns, after.st_mode) == (before.st_ino, before.st_mtime_ns, before.st_mode)


def test_a_miss_says_what_where_and_what_to_do(path: Path) -> None:
    write_cassette(path, [Interaction(ask('{"n": 1}'), told("a"))])
    with open_tape(path, "none") as tape:
        perform(tape, '{"n": 2}')
        perform(tape, '{"n": 3}')
        texts = [str(miss).partition("cassette.yaml': ")[2] for miss in tape.misses]
        assert texts == [
            f"request {number} (POST https://h/v1/chat) matches none of 1 (nearest: 1, body differs at n: recorded 1, "
            f"sent {sent}); record it again with --mode all"
            for number, sent in ((1, 2), (2, 3))
        ]
        assert [one.request.body for one in tape.unplayed] == [b'{"n": 1}']


def test_a_message_tells_neither_query_nor_user(path: Path) -> None:
    write_cassette(path, [])
    with open_tape(path, "none") as tape, pytest.raises(TransportFault) as fault:
        tape.answer(WireRequest("GET", "https://user:secret@h/p?key=secret", (), b""))
    assert "GET https://h/p)" in str(fault.value)
    assert "secret" not in str(fault.value)


def test_credentials_never_reach_the_tape(path: Path) -> None:
    headers = tuple((name, "secret") for name in ("authorization", "cookie", "x-api-key", "api-key", "x-unheard-of"))
    with open_tape(path, "once") as tape:
        take = tape.begin(WireRequest("GET", "https://user:secret@h/", headers, b""))
        take.responded(200, "OK", (("set-cookie", "secret"), ("openai-organization", "secret"), ("retry-after", "1")))
        take.ended("complete")
    assert "secret" not in path.read_text()
    assert "retry-after" in path.read_text()


class Blotter:
    """Takes the word `secret` out."""

    def request(self, request: WireRequest, /) -> WireRequest:
        return replace(request, body=request.body.replace(b"secret", b"XXXXXX"))

    def response(self, response: WireResponse, /) -> WireResponse:
        return replace(response, body=response.body.replace(b"secret", b"XXXXXX"))


def test_a_redactor_sees_all_before_it_is_written_and_before_it_is_matched(path: Path) -> None:
    with open_tape(path, "once", redactor=Blotter()) as tape:
        perform(tape, "my secret")
    assert b"secret" not in path.read_bytes()
    with open_tape(path, "none", redactor=Blotter()) as tape:
        assert perform(tape, "my secret") == "live my XXXXXX"
    write_cassette(path, [Interaction(ask("my secret"), told("as recorded by others"))])
    with open_tape(path, "none", redactor=Blotter()) as tape:
        assert perform(tape, "my secret") == "as recorded by others"


class Broken(Blotter):
    def response(self, response: WireResponse, /) -> WireResponse:
        raise LookupError("no rule")


def test_a_redactor_that_fails_leaves_the_run_alone_and_is_told_at_the_end(path: Path) -> None:
    with (
        pytest.raises(RecordingError, match=r"could not be redacted.*LookupError"),
        open_tape(path, "once", redactor=Broken()) as tape,
    ):
        assert perform(tape, "a") == "live a"
    assert b"live a" not in path.read_bytes()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, asyncio.CancelledError])
def test_what_was_recorded_is_saved_when_the_body_raises(path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), open_tape(path, "once") as tape:
        perform(tape, "a")
        raise error
    assert bodies(path) == ["live a"]


def test_a_run_that_raises_before_its_first_request_leaves_no_recording(path: Path) -> None:
    with pytest.raises(ValueError, match="early"), open_tape(path, "once"):
        raise ValueError("early")
    assert list(path.parent.iterdir()) == []


def test_interactions_are_saved_in_the_order_of_their_requests(path: Path) -> None:
    with open_tape(path, "once") as tape:
        first, second = tape.begin(ask("first")), tape.begin(ask("second"))
        for take, name in ((second, b"2"), (first, b"1")):
            take.chunk(name)
            take.ended("complete")
    assert bodies(path) == ["1", "2"]


def test_a_response_that_is_still_being_read_is_saved_as_cancelled(path: Path) -> None:
    with open_tape(path, "once") as tape:
        take = tape.begin(ask("a"))
        take.responded(200, "OK", ())
        take.chunk(b"half")
    take.chunk(b"late")
    take.ended("complete")
    (one,) = read_cassette(path)
    assert (one.response.body, one.response.ended.how) == (b"half", "cancelled")


def test_a_body_that_goes_to_another_folder_is_saved_where_it_was_to_be(
    path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    with open_tape(Path(path.name), "once") as tape:
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        record(tape, "a")
    assert bodies(path) == ["live a"]
    assert list(path.parent.iterdir()) == [path]


def test_a_cassette_that_is_not_there_is_named_as_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecordingError, match="cassette 'a/b/c/d.yaml' is missing: no file at a/b/c/d.yaml;"):
        open_tape(Path("a/b/c/d.yaml"), "none").__enter__()


def test_times_are_told_by_the_clock_that_was_given(path: Path) -> None:
    ticks = iter([100.0, 100.0123, 100.5])
    with open_tape(path, "once", clock=lambda: next(ticks)) as tape:
        record(tape, "a")
    (one,) = read_cassette(path)
    assert (one.response.chunks[0].at_ms, one.response.ended.at_ms) == (12.3, 500.0)


def test_the_scope_of_a_request_is_recorded_and_preferred(path: Path) -> None:
    scope: tuple[str, ...] = ()
    with open_tape(path, "once", scope_of=lambda: scope) as tape:
        scope = ("flow", "left")
        record(tape, "same")
        scope = ("flow", "right")
        record(tape, "same")
    with open_tape(path, "none", scope_of=lambda: scope) as tape:
        scope = ("flow", "right")
        answer = tape.answer(ask("same"))
    assert answer is not None
    assert answer.scope == ("flow", "right")


def test_an_exchange_that_no_file_can_hold_is_told_and_the_others_are_kept_beside(path: Path) -> None:
    with (
        pytest.raises(RecordingError, match=r"cassette\.yaml' can't be written: .* is no text") as refused,
        open_tape(path, "all") as tape,
    ):
        perform(tape, "a")
        take = tape.begin(ask("b"))
        take.responded(200, "OK", (("etag", "na\udcefve"),))
        take.ended("complete")
        perform(tape, "c")
    assert refused.value.__notes__ == [f"what was recorded is in {path}.partial"]
    assert bodies(path.with_name("cassette.yaml.partial")) == ["live a", "live c"]
    assert not path.exists()


def test_a_full_disk_is_told_and_what_was_recorded_is_kept_beside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    write_cassette(path, [Interaction(ask("old"), told("old"))])
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordingError, match="No space left") as refused, open_tape(path, "all") as tape:
        perform(tape, "a")
    assert refused.value.__notes__ == [f"what was recorded is in {path}.partial"]
    assert bodies(path) == ["old"]
    assert bodies(path.with_name("cassette.yaml.partial")) == ["live a"]
    assert len(list(path.parent.iterdir())) == 2
    with (
        pytest.raises(ValueError, match="the run's own") as surfaced,
        open_tape(path, "new") as tape,
    ):
        perform(tape, "a")
        raise ValueError("the run's own")
    assert "No space left" in surfaced.value.__notes__[0]


def test_room_that_ends_within_an_exchange_is_told_as_such(path: Path) -> None:
    resource: Any = pytest.importorskip("resource", reason="files are not limited here")
    write_cassette(path, [Interaction(ask("old"), told("old"))])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(RecordingError, match=r"cassette\.yaml' can't be written"), open_tape(path, "all") as tape:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
            perform(tape, "a" * 3000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert bodies(path) == ["old"]


def test_a_body_that_raises_leaves_a_whole_recording_as_it_stands(path: Path) -> None:
    write_cassette(path, [Interaction(ask("old"), told("old"))])
    with pytest.raises(ValueError, match="the run's own") as surfaced, open_tape(path, "all") as tape:
        perform(tape, "a")
        raise ValueError("the run's own")
    assert bodies(path) == ["old"]
    assert bodies(path.with_name("cassette.yaml.partial")) == ["live a"]
    assert surfaced.value.__notes__ == [f"what was recorded is in {path}.partial"]


@pytest.mark.parametrize("mode", ["once", "new", "all"])
def test_a_folder_that_can_not_be_written_to_is_told_before_the_run(mode: Mode, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="can't be written"):
        open_tape(tmp_path / "file" / "cassette.yaml", mode).__enter__()
    assert current_tape() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "some"}, "must be one of none, once, new, all"),
        ({"mode": "none", "speed": 0}, "must be above zero"),
        ({"mode": "none", "base_url": "localhost:80"}, "must be absolute"),
        ({"mode": "none", "base_url": "http://[::1"}, "must be absolute"),
        ({"mode": "none", "base_url": "http://localhost:port"}, "must be absolute"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_call(path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_tape(path, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("base_url", "url", "destination"),
    [
        (None, "https://h/v1/chat?a=1", "https://h/v1/chat?a=1"),
        ("http://127.0.0.1:8080", "https://h/v1/chat?a=1", "http://127.0.0.1:8080/v1/chat?a=1"),
        ("http://127.0.0.1:8080/proxy/", "https://h:444/v1/chat", "http://127.0.0.1:8080/proxy/v1/chat"),
        ("http://127.0.0.1:8080/v1", "https://h/v1/chat", "http://127.0.0.1:8080/v1/chat"),
        ("http://127.0.0.1:8080/proxy/v1/", "https://h/v1/chat", "http://127.0.0.1:8080/proxy/v1/chat"),
        ("http://127.0.0.1:8080/v1/chat", "https://h/v1/chat", "http://127.0.0.1:8080/v1/chat"),
        ("http://127.0.0.1:8080/v", "https://h/v1/chat", "http://127.0.0.1:8080/v/v1/chat"),
    ],
)
def test_a_base_url_replaces_the_origin_and_goes_before_the_path_with_what_both_have_there_once(
    path: Path, base_url: str | None, url: str, destination: str
) -> None:
    with open_tape(path, "once", base_url=base_url) as tape:
        assert tape.destination(url) == destination


def seen_by_a_thread() -> Tape | None:
    """Return the tape of a plain thread, whose context is empty."""
    seen: list[Tape | None] = []
    thread = threading.Thread(target=lambda: seen.append(current_tape()))
    thread.start()
    thread.join()
    return seen[0]


def test_the_innermost_open_tape_of_a_context_is_its_own(tmp_path: Path) -> None:
    assert current_tape() is None
    with open_tape(tmp_path / "outer", "once") as outer:
        assert current_tape() is outer
        with open_tape(tmp_path / "inner", "once") as inner:
            assert current_tape() is inner
            inside = contextvars.copy_context()
        assert current_tape() is outer
        # A context that outlives a tape has the one around it.
        assert inside.run(current_tape) is outer
    assert current_tape() is None
    assert inside.run(current_tape) is None


def test_a_plain_thread_has_the_one_open_tape_of_the_process(tmp_path: Path) -> None:
    assert seen_by_a_thread() is None
    with open_tape(tmp_path / "one", "once") as one:
        assert seen_by_a_thread() is one
        with open_tape(tmp_path / "two", "once"):
            assert seen_by_a_thread() is None
        assert seen_by_a_thread() is one
    assert seen_by_a_thread() is None


def test_a_task_that_is_older_than_a_tape_has_it_where_it_is_the_only_one(tmp_path: Path) -> None:
    async def main() -> None:
        opened, looked = asyncio.Event(), asyncio.Event()

        async def record_something() -> None:
            with open_tape(tmp_path / "one", "once") as one:
                opened.set()
                await looked.wait()
                assert current_tape() is one
                assert await asyncio.create_task(asyncio.to_thread(current_tape)) is one

        recording = asyncio.create_task(record_something())
        await opened.wait()
        only = current_tape()
        assert only is not None
        assert only.path == tmp_path / "one"
        with open_tape(tmp_path / "two", "once"):
            assert contextvars.Context().run(current_tape) is None, "there are two"
        looked.set()
        await recording

    asyncio.run(main())


def test_another_loop_of_the_same_thread_has_no_business_with_a_tape(tmp_path: Path) -> None:
    async def opened() -> AbstractContextManager[Tape]:
        context = open_tape(tmp_path / "one", "once")
        context.__enter__()
        return context

    async def other() -> Tape | None:
        return current_tape()

    loop = asyncio.new_event_loop()
    try:
        context = loop.run_until_complete(opened())
        assert asyncio.run(other()) is None
        assert loop.run_until_complete(other()) is not None
        context.__exit__(None, None, None)
    finally:
        loop.close()


def test_a_guard_blocks_where_no_tape_is_in_every_thread(tmp_path: Path) -> None:
    assert tape_for("GET", "https://h/") is None
    with network_guard(), network_guard():
        with pytest.raises(TransportFault) as fault:
            tape_for("GET", "https://user:secret@h/p?key=secret")
        assert isinstance(fault.value.error, NetworkBlockedError)
        assert str(fault.value).startswith("GET https://h/p was about to leave")
        assert "harness record" in str(fault.value)
        with open_tape(tmp_path / "one", "once") as tape:
            assert tape_for("GET", "https://h/") is tape
    assert tape_for("GET", "https://h/") is None


def test_what_is_left_of_a_closed_run_is_no_fault_of_the_next_replay() -> None:
    run = Run()
    token = enter(Scope("session", None, current_scope(), run, ()))
    run.cancel()
    try:
        with network_guard() as guard, pytest.raises(RunCancelled):
            tape_for("GET", "https://h/")
        assert guard.blocked == ()
    finally:
        reset(token)


def test_a_tape_is_shared_by_threads_without_loss(path: Path) -> None:
    names = [str(n) for n in range(200)]
    with open_tape(path, "once") as tape:
        threads = [threading.Thread(target=perform, args=(tape, name)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(bodies(path)) == sorted(f"live {name}" for name in names)


class WaitingRedactor:
    """Takes as long as it is made to."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.threads: set[int] = set()

    def request(self, request: WireRequest) -> WireRequest:
        self.threads.add(threading.get_ident())
        return request

    def response(self, response: WireResponse) -> WireResponse:
        assert self.goes_on.wait(20), "the loop is held while a response is redacted"
        self.threads.add(threading.get_ident())
        return response


@pytest.mark.asyncio
async def test_a_loop_goes_on_while_what_it_has_received_is_redacted(path: Path) -> None:
    redactor = WaitingRedactor()
    with open_tape(path, "all", redactor=redactor) as tape:
        assert tape.answer(ask("a")) is None
        record(tape, "a")
        record(tape, "b")
        await asyncio.sleep(0)
        redactor.goes_on.set()
        assert [one.response.body for one in tape.recorded] == [b"live a", b"live b"], "asking waits for it"
        assert threading.get_ident() not in redactor.threads
        record(tape, "c")
    assert bodies(path) == ["live a", "live b", "live c"], "leaving waits for it"
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("harness-redaction")]
