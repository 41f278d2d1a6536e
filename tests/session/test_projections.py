"""Claims about projections, for both kinds of session: laziness, views, replay, channels, threads, retention."""

from __future__ import annotations

import threading
from collections.abc import Callable
from traceback import extract_tb
from typing import Any

import pytest

from harness.errors import UsageError
from harness.frames.channels import CHANNELS
from harness.frames.frame import StreamFrame
from harness.session.session import AsyncStreamSession, StreamSession
from tests.session.bodies import (
    KINDS,
    Driver,
    Kind,
    a_flow,
    emitting,
    harness_threads,
    notes,
    raising,
    session_of,
)

pytestmark = pytest.mark.parametrize("kind", KINDS)
TYPES = ["flow_started", "note", "tool_selection_error", "flow_finished"]


def types(frames: list[StreamFrame]) -> list[str]:
    return [frame.type for frame in frames]


def test_an_unused_session_starts_no_thread_and_runs_nothing(kind: Kind) -> None:
    ran = threading.Event()
    session = session_of(kind, ran.set)
    views: list[Any] = [session.events, session.llm, session.interleave(["flow"]), session.subscribe()]
    assert (harness_threads(), ran.is_set(), len(views), session.frames) == ([], False, 4, [])
    assert getattr(session, "_task", None) is None


def test_a_session_closed_before_its_first_frame_never_runs(kind: Kind, driver: Driver) -> None:
    ran = threading.Event()
    session = session_of(kind, ran.set)
    session.close()
    assert (driver.all(session), session.frames, ran.is_set(), harness_threads()) == ([], [], False, [])
    assert getattr(session, "_task", None) is None


def test_iterating_the_session_is_iterating_its_events(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, a_flow)
    assert types(driver.all(session)) == TYPES
    assert driver.all(session.events) == session.frames


#: Each channel has a projection of its name.
VIEWS: dict[str, tuple[str, ...]] = {"events": CHANNELS, **{channel: (channel,) for channel in CHANNELS}}


@pytest.mark.parametrize("live", [True, False], ids=["live", "replayed"])
@pytest.mark.parametrize(("name", "channels"), VIEWS.items(), ids=VIEWS.keys())
def test_a_projection_has_the_frames_of_its_channels_in_order(
    name: str, channels: tuple[str, ...], live: bool, kind: Kind, driver: Driver
) -> None:
    session = session_of(kind, a_flow)
    if not live:
        driver.all(session)
    frames = driver.all(getattr(session, name))
    assert frames == [frame for frame in session.frames if frame.channel in channels]
    assert types(session.frames) == TYPES


@pytest.mark.parametrize("how", ["interleave", "subscribe"])
@pytest.mark.parametrize("collect", [list, tuple, set, iter])
def test_several_channels_keep_their_common_order(
    collect: Callable[[list[str]], Any], how: str, kind: Kind, driver: Driver
) -> None:
    frames = driver.all(getattr(session_of(kind, a_flow), how)(collect(["tools", "custom"])))
    assert types(frames) == ["note", "tool_selection_error"]


BAD_CHANNELS: dict[str, tuple[Any, str]] = {
    "an unknown channel": (["llm", "other"], "there is no channel 'other'"),
    "an empty list": ([], "no channel was chosen"),
    "a bare string": ("llm", "not as the string 'llm'"),
    "a name that is no text": ([3], "there is no channel 3"),
    "a name that can't be hashed": ([["llm"]], r"there is no channel \['llm'\]"),
}


@pytest.mark.parametrize("how", ["interleave", "subscribe"])
@pytest.mark.parametrize(("channels", "message"), BAD_CHANNELS.values(), ids=BAD_CHANNELS.keys())
def test_bad_channels_are_refused_at_the_call_and_the_good_ones_named(
    channels: Any, message: str, how: str, kind: Kind
) -> None:
    session = session_of(kind, a_flow)
    with pytest.raises(ValueError, match=f"{message}.*the channels are {', '.join(CHANNELS)}"):
        getattr(session, how)(channels)


def test_two_live_projections_each_see_every_frame_of_their_channels(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, a_flow)
    flow, custom, everything = session.flow, session.custom, session.events
    first = driver.next(flow)
    assert driver.next(custom).type == "note"
    assert types([first, *driver.iterate(flow)]) == ["flow_started", "flow_finished"]
    assert types(driver.all(everything)) == TYPES


def test_a_projection_begun_after_another_stopped_half_way_begins_at_the_first_frame(
    kind: Kind, driver: Driver
) -> None:
    session = session_of(kind, notes(5))
    half = session.events
    assert [driver.next(half).seq for _ in range(3)] == [1, 2, 3]
    assert [frame.seq for frame in driver.iterate(session)] == [1, 2, 3, 4, 5]
    assert [frame.seq for frame in driver.iterate(half)] == [4, 5]


@pytest.mark.parametrize("name", ["llm", "custom"])
def test_exhausting_one_projection_exhausts_the_session(name: str, kind: Kind, driver: Driver) -> None:
    session = session_of(kind, a_flow)
    driver.all(getattr(session, name))
    assert (types(session.frames), session.is_exhausted, session.result) == (TYPES, True, "done")


def test_replay_gives_the_same_frames_again_and_runs_nothing_twice(kind: Kind, driver: Driver) -> None:
    runs: list[int] = []

    def body() -> None:
        runs.append(1)
        notes(3)()

    session = session_of(kind, body)
    first = driver.all(session)
    again = driver.all(session)
    assert [frame.seq for frame in first] == [1, 2, 3]
    assert first == again
    assert runs == [1]


def test_a_failed_session_replays_its_frames_and_then_the_same_error_whose_traceback_does_not_grow(
    kind: Kind, driver: Driver
) -> None:
    error = ValueError("told")
    session = session_of(kind, raising(error))
    lengths = []
    for _ in range(4):
        frames, raised = driver.failure(session)
        assert ([frame.seq for frame in frames], raised is error) == ([1, 2], True)
        with pytest.raises(ValueError, match="told"):
            session.result  # noqa: B018
        lengths.append(len(extract_tb(error.__traceback__)))
    assert len(set(lengths)) == 1
    # It leads to where the run raised it.
    assert extract_tb(error.__traceback__)[-1].line == "raise error"


def test_a_finished_view_stays_finished(kind: Kind, driver: Driver) -> None:
    view = session_of(kind, notes(1)).events
    assert [len(driver.all(view)) for _ in range(3)] == [1, 0, 0]


def test_frames_is_a_copy(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, notes(2))
    driver.all(session)
    session.frames.clear()
    assert [frame.seq for frame in session.frames] == [1, 2]


def test_without_retention_read_frames_are_released_and_a_new_projection_is_refused(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, notes(50), retain=False)
    view = session.events
    driver.next(view)
    with pytest.raises(UsageError, match=r"does not retain its frames \(retain=False\)"):
        session.llm  # noqa: B018
    assert [frame.seq for frame in driver.iterate(view)] == list(range(2, 51))
    assert (session.frames, session.result) == ([], "done")


def test_without_retention_a_view_that_was_dropped_holds_nothing_back(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, notes(5), retain=False)
    view, dropped = session.events, session.events
    driver.next(dropped)
    del dropped
    assert len(driver.all(view)) == 5
    assert session.frames == []


def test_without_retention_projections_taken_before_reading_see_every_frame(kind: Kind, driver: Driver) -> None:
    session = session_of(kind, a_flow, retain=False)
    custom, flow = session.custom, session.flow
    assert types(driver.all(custom)) == ["note"]
    assert types(driver.all(flow)) == ["flow_started", "flow_finished"]


@pytest.mark.parametrize("options", [{"look_ahead": 3000}, {"retain": False}], ids=["look-ahead", "no retention"])
def test_a_projection_passes_over_any_number_of_frames(options: dict[str, Any], kind: Kind, driver: Driver) -> None:
    session = session_of(kind, notes(2000), **options)
    tools, custom = session.tools, session.custom
    assert len(driver.all(custom)) == 2000
    assert driver.all(tools) == []


def test_both_kinds_have_the_same_surface(kind: Kind) -> None:
    def names(cls: type) -> set[str]:
        return {name for name in dir(cls) if not name.startswith("_")}

    assert names(AsyncStreamSession) - names(StreamSession) == {"aclose"}
    assert names(StreamSession) - names(AsyncStreamSession) == set()


def test_frames_of_eight_emitting_threads_are_delivered_in_their_order(kind: Kind, driver: Driver) -> None:
    assert [frame.seq for frame in driver.iterate(session_of(kind, emitting(8, 50)))] == list(range(1, 401))
