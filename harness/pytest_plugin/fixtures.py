"""The fixtures: recorded traffic, whole recordings and timeline snapshots."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.pytest_plugin.environment import OUTSIDE
from harness.pytest_plugin.options import mode_of, vcr_config_of
from harness.pytest_plugin.places import cassette_path, folder_of, marked_name, shown
from harness.pytest_plugin.verdict import ADVICE, NOTES, TAPE, conclude, listed, newly_blocked, watch

if TYPE_CHECKING:
    from harness import StreamFrame
    from harness.recording import Recording, Tape


@dataclass(frozen=True)
class LoadedRecording:
    """A recording's folder with what stands in it."""

    path: Path
    about: Recording
    frames: tuple[StreamFrame, ...]

    @property
    def cassette(self) -> Path:
        """The traffic of the recorded run."""
        return self.path / "cassette.yaml"


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Patch the HTTP libraries where a test will need it, before others patch them for a test and put back what they found."""
    if not session.config.option.collectonly and any(
        "_offline" in getattr(item, "fixturenames", ()) or item.get_closest_marker("cassette") for item in session.items
    ):
        from harness.recording import transports

        transports.install()


@pytest.fixture(autouse=True)
def _marked_cassette(request: pytest.FixtureRequest) -> None:
    """Open the cassette of a test that is only marked; without it, the test would go out to the network."""
    if request.node.get_closest_marker("cassette") and not {"cassette", "recording"} & set(request.fixturenames):
        request.getfixturevalue("cassette")


@pytest.fixture
def _offline(request: pytest.FixtureRequest) -> Iterator[None]:
    from harness.recording import network_guard

    with network_guard(spares_loopback=bool(vcr_config_of(request).get("ignore_localhost"))) as guard:
        watch(request.node, guard)
        yield
    if blocked := newly_blocked(request.node):
        message = f"beside the test, something reached for the network, which is blocked:\n{listed(blocked)}"
        pytest.fail(message, pytrace=False)


@pytest.fixture
def cassette(request: pytest.FixtureRequest, _environment: ExitStack, _offline: None) -> Iterator[Tape]:
    """The tape that plays, or records, this test's traffic: `<test>.yaml`, or what the marker `cassette` names.

    What the run of a whole recording asked a person is answered as it was when it was recorded, and agents tell their models
    the date of then.

    The test fails where it makes a request that no interaction answers, or reaches for the network past the tape, whatever
    became of the error. What it leaves unplayed is an error of the test, told when the fixtures are gone that it has used:
    they may ask, too, to take back what they have made.
    """
    from harness.errors import HarnessError, UsageError
    from harness.recording import CASSETTE, Redactor, at_hand, current_path, is_folder, open_tape, pack_of
    from harness.recording.environment import played_environment
    from harness.recording.tape.recorded_answers import played_beside
    from harness.recording.vcr_config import filtering, without_effect
    from harness.recording.words.advice import mode_option, record_command, with_mode

    vcr_config = vcr_config_of(request)
    mode = mode_of(request.config, vcr_config.get("record_mode"))
    path = cassette_path(request, mode)
    pack = pack_of(path)
    if pack is not None and mode in ("new", "all"):
        raise UsageError(f"'{pack}' is a pack, which is only played; record into a folder, and pack that")
    item = request.node

    def note(text: str) -> None:
        item.add_report_section("setup", NOTES, text)

    # What lies beside the traffic of a whole recording is of use, too, and would not fit to other traffic.
    is_whole = path.name == CASSETTE and is_folder(path.parent)
    # One that comes with stream-harness is made anew among one's own.
    is_own = is_whole and pack is None and path.is_relative_to(folder_of(request))
    again = record_command(shown(path.parent)) if is_own else "--record-mode"
    if is_whole and mode in ("new", "all"):
        note(f"'{shown(path.parent)}' was played: it is a recording with its frames. Make it again with {again} {mode}")
    if pack is not None or is_whole:
        mode = "none"
    elif mode != "none":
        path.parent.mkdir(parents=True, exist_ok=True)
    problem = ""
    with ExitStack() as stack:
        stack.enter_context(mode_option(again))
        item.stash[ADVICE] = f"record it again with {with_mode('all')}"
        for text in without_effect(vcr_config):
            note(text)
        try:
            here = (
                stack.enter_context(at_hand(path.parent)) / CASSETTE if is_whole else stack.enter_context(at_hand(path))
            )
            redactor = filtering(Redactor(), vcr_config)
            tape = stack.enter_context(open_tape(here, mode, redactor=redactor, scope_of=current_path, on_note=note))
            if is_whole and not tape.records:
                stack.enter_context(played_beside(here))
        except HarnessError as error:
            problem = str(error)
            tape = None
        if tape is None:
            # Beyond the handler: what has led to the error says no more.
            pytest.fail(problem, pytrace=False)
        item.stash[TAPE] = tape
        if not tape.records:
            # What is only played needs no key, and none of the machine's addresses, whoever asks for them.
            _environment.enter_context(played_environment(tape.unplayed, item.config.stash[OUTSIDE]))
        yield tape
        # What the test has set up has been taken down, which may have made requests, too.
        conclude(item, tape)


@pytest.fixture
def recording(request: pytest.FixtureRequest, _offline: None) -> Iterator[LoadedRecording]:
    """The recording that the marker `cassette` names, or the parameter of an indirect parametrisation."""
    from harness.recording import at_hand, is_folder, is_recording, load_frames, load_recording
    from harness.shipped import shipped_recording

    name = getattr(request, "param", None) or marked_name(request)
    if name is None:
        pytest.fail(
            "which recording? Mark the test with cassette(name), or parametrise `recording` indirectly", pytrace=False
        )
    places = [folder_of(request) / name, shipped_recording(name)]
    for place in filter(is_folder, places):
        with at_hand(place) as here:
            if is_recording(here):
                yield LoadedRecording(here, load_recording(here), tuple(load_frames(here / "frames.jsonl")))
                return
    pytest.fail(
        f"there is no recording {name!r} in '{shown(folder_of(request))}'{_nearly(name, folder_of(request))}, nor does one of "
        "that name come with stream-harness; record it with harness record",
        pytrace=False,
    )


def _nearly(name: str, folder: Path) -> str:
    from harness.recording import recordings_below

    root = folder.resolve()
    known = [path.relative_to(root).as_posix() for path in recordings_below(root)] if root.is_dir() else []
    near = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""


@pytest.fixture
def frames(request: pytest.FixtureRequest, _offline: None) -> Any:
    """The snapshot of a timeline, by syrupy: `assert session == frames`; with `frames(name="…")`, several in one test.

    It takes a session that has been read, or any frames; `--snapshot-update` writes it. Needs syrupy.
    """
    if find_spec("syrupy") is None:
        pytest.fail("snapshots of timelines need syrupy: pip install 'stream-harness[pytest]'", pytrace=False)
    from harness.snapshots import FramesExtension

    snapshot = request.getfixturevalue("snapshot")
    return snapshot.use_extension(FramesExtension)
