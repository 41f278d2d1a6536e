"""The pytest plugin: recorded traffic, whole recordings and timeline snapshots as fixtures, with the network blocked.

It imports pytest alone when it is loaded, and the rest when a test asks for it.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from harness import StreamFrame
    from harness.recording import Mode, NetworkGuard, Recording, Tape

_MODES: Final = ("none", "once", "new", "all")
_SHARD: Final = re.compile(r"(\d+)/(\d+)")
#: What file systems or shells make something else of; most come from the ids of parametrised tests.
_UNFIT: Final = re.compile(r"[<>?%*:|\"'/\\\s]+")
#: What pytest-recording replaces of it, one by one.
_UNFIT_THERE: Final = str.maketrans(dict.fromkeys("<>?%*:|\"'/\\", "-"))
#: How long the name of a test's file may be, in bytes: 255 with what is added to it while it is written.
_LONGEST: Final = 240


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


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("stream-harness", "recorded LLM traffic")
    # pytest-recording has an option of this name and means the same by it; which of the two is loaded first is chance.
    if find_spec("pytest_recording") is None:
        group.addoption(
            "--record-mode",
            choices=_MODES,
            default=None,
            help="none: play cassettes only (default); once: record where there is none; new: play what is there and "
            "record the rest; all: record anew",
        )
    group.addoption(
        "--shard",
        metavar="I/N",
        default=None,
        help="run every N-th test only, from the I-th; what shares costly work stays together",
    )
    group.addoption(
        "--recordings",
        metavar="DIR",
        default=None,
        help="where cassettes and recordings are, instead of the folder `cassettes` beside each test module: a folder, or a pack",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    early_config.stash[_OUTSIDE] = dict(os.environ)


def pytest_configure(config: pytest.Config) -> None:
    # Where a conftest brings this plugin, nothing earlier is known.
    config.stash.setdefault(_OUTSIDE, dict(os.environ))
    config.addinivalue_line(
        "markers",
        "cassette(name): play, or record, the cassette or the recording of this name; sought in the folder of cassettes, "
        "then among the recordings that come with stream-harness",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    fixtures = getattr(item, "fixturenames", [])
    if "_environment" in fixtures:
        # Its end is the last: others put back what they found in the environment, in their own order.
        fixtures.remove("_environment")
        fixtures.insert(0, "_environment")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    shard = config.getoption("--shard")
    if shard is None:
        return
    found = _SHARD.fullmatch(shard)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        raise pytest.UsageError(f"--shard {shard}: expected I/N with I from 1 to N, as in 2/5")
    index, of = int(found[1]), int(found[2])
    numbers: dict[object, int] = {}
    mine = [numbers.setdefault(_work(item), len(numbers)) % of == index - 1 for item in items]
    deselected = [item for item, chosen in zip(items, mine, strict=True) if not chosen]
    items[:] = [item for item, chosen in zip(items, mine, strict=True) if chosen]
    if deselected:
        config.hook.pytest_deselected(items=deselected)


def _work(item: pytest.Item) -> object:
    """Return what a test shares with others, so that it is done once: of its parameters, one may name it so."""
    parameters = getattr(item, "callspec", None)
    shared = [
        name
        for value in (parameters.params if parameters else {}).values()
        if (name := getattr(value, "shared_work", None))
    ]
    return (item.getparent(pytest.Class), *shared) if shared else item


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    # Of many shards, one may have no test at all.
    if session.config.getoption("--shard") is not None and exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.OK


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    try:
        yield
    except (KeyboardInterrupt, pytest.exit.Exception):
        # Of what its subtests came to, nothing is said of the test.
        item.stash[_OUTCOME] = None
        raise
    finally:
        blocked = _blocked(item)
    if blocked:
        pytest.fail(f"the test reached for the network, which is blocked:\n{_listed(blocked)}", pytrace=False)
    tape = item.stash.get(_TAPE, None)
    if tape is not None and not tape.records:
        _refuse(item, tape, [str(miss) for miss in tape.misses])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    outcome = "xfailed" if report.skipped and hasattr(report, "wasxfail") else report.outcome
    if call.when != "call":
        item.stash[_OUTCOME] = None
    elif item.stash.get(_OUTCOME, None) != "failed":
        # A subtest that failed was reported before its test, which may be told as one that passed.
        item.stash[_OUTCOME] = outcome
    return report


def _refuse(item: pytest.Item, tape: Tape, problems: list[str]) -> None:
    """Fail where there are problems with the tape of a test."""
    if problems:
        message = f"cassette '{_shown(tape.path)}' and the test do not fit:\n{_listed(problems)}\n{item.stash[_ADVICE]}"
        pytest.fail(message, pytrace=False)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for group in terminalreporter.stats.values() for report in group]
    sections = (section for report in reports for section in getattr(report, "sections", ()))
    notes = dict.fromkeys(text for title, text in sections if _NOTES in title)
    if notes:
        terminalreporter.section(_NOTES)
        for text in notes:
            terminalreporter.write_line(text)


def _blocked(item: pytest.Item) -> list[str]:
    """Return what was stopped on its way to the network since this was asked, whatever became of the errors."""
    guard = item.stash.get(_GUARD, None)
    blocked = [] if guard is None else [str(error) for error in guard.blocked]
    reported = item.stash.setdefault(_REPORTED, set())
    new = [attempt for attempt in blocked if attempt not in reported]
    reported.update(new)
    return new


def _shown(path: Path) -> Path:
    """Return a path as somebody writes it who is in the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _listed(problems: list[str]) -> str:
    return "\n".join(f"  {problem}" for problem in problems)


@pytest.fixture(autouse=True)
def _marked_cassette(request: pytest.FixtureRequest) -> None:
    """Open the cassette of a test that is only marked; without it, the test would go out to the network."""
    if request.node.get_closest_marker("cassette") and not {"cassette", "recording"} & set(request.fixturenames):
        request.getfixturevalue("cassette")


@pytest.fixture
def _offline(request: pytest.FixtureRequest) -> Iterator[None]:
    from harness.recording import network_guard

    with network_guard() as guard:
        request.node.stash[_GUARD] = guard
        yield
    if blocked := _blocked(request.node):
        message = f"beside the test, something reached for the network, which is blocked:\n{_listed(blocked)}"
        pytest.fail(message, pytrace=False)


@pytest.fixture
def _environment() -> Iterator[ExitStack]:
    with ExitStack() as environment:
        yield environment


@pytest.fixture
def cassette(request: pytest.FixtureRequest, _environment: ExitStack, _offline: None) -> Iterator[Tape]:
    """The tape that plays, or records, this test's traffic: `<test>.yaml`, or what the marker `cassette` names.

    What the run of a whole recording asked a person is answered as it was when it was recorded.

    The test fails where it makes a request that no interaction answers, or reaches for the network past the tape, whatever
    became of the error. What it leaves unplayed is an error of the test, told when the fixtures are gone that it has used:
    they may ask, too, to take back what they have made.
    """
    from harness.errors import HarnessError, UsageError
    from harness.recording import CASSETTE, Redactor, at_hand, current_path, is_folder, open_tape, pack_of
    from harness.recording.environment import played_environment
    from harness.recording.tape.recorded_answers import answered_beside
    from harness.recording.vcr_config import filtering, without_effect
    from harness.recording.words.advice import mode_option, record_command, with_mode

    vcr_config = _vcr_config(request)
    mode = _mode(request.config, vcr_config.get("record_mode"))
    path = _cassette_path(request, mode)
    pack = pack_of(path)
    if pack is not None and mode in ("new", "all"):
        raise UsageError(f"'{pack}' is a pack, which is only played; record into a folder, and pack that")
    item = request.node

    def note(text: str) -> None:
        item.add_report_section("setup", _NOTES, text)

    # What lies beside the traffic of a whole recording is of use, too, and would not fit to other traffic.
    is_whole = path.name == CASSETTE and is_folder(path.parent)
    # One that comes with stream-harness is made anew among one's own.
    is_own = is_whole and pack is None and path.is_relative_to(_folder(request))
    again = record_command(_shown(path.parent)) if is_own else "--record-mode"
    if is_whole and mode in ("new", "all"):
        note(
            f"'{_shown(path.parent)}' was played: it is a recording with its frames. Make it again with {again} {mode}"
        )
    if pack is not None or is_whole:
        mode = "none"
    elif mode != "none":
        path.parent.mkdir(parents=True, exist_ok=True)
    problem = ""
    with ExitStack() as stack:
        stack.enter_context(mode_option(again))
        item.stash[_ADVICE] = f"record it again with {with_mode('all')}"
        for text in without_effect(vcr_config):
            note(text)
        try:
            here = (
                stack.enter_context(at_hand(path.parent)) / CASSETTE if is_whole else stack.enter_context(at_hand(path))
            )
            redactor = filtering(Redactor(), vcr_config)
            tape = stack.enter_context(open_tape(here, mode, redactor=redactor, scope_of=current_path, on_note=note))
            if is_whole and not tape.records:
                stack.enter_context(answered_beside(here))
        except HarnessError as error:
            problem = str(error)
            tape = None
        if tape is None:
            # Beyond the handler: what has led to the error says no more.
            pytest.fail(problem, pytrace=False)
        item.stash[_TAPE] = tape
        if not tape.records:
            # What is only played needs no key, and none of the machine's addresses, whoever asks for them.
            _environment.enter_context(played_environment(tape.unplayed, item.config.stash[_OUTSIDE]))
        yield tape
        # What the test has set up has been taken down, which may have made requests, too.
        _end(item, tape)


def _end(item: pytest.Item, tape: Tape) -> None:
    """Fail where a test that has passed does not fit what was played to it; or note whose recording it is, and whether of all."""
    outcome = item.stash.get(_OUTCOME, None)
    # One that was skipped, or failed before it asked for anything, has nothing to keep.
    tape.is_interrupted = outcome is None or not (outcome == "passed" or tape.recorded)
    tape.has_failed = outcome in ("failed", "skipped")
    if tape.recorded:
        item.config.stash.setdefault(_OWNERS, {})[tape.path] = item.nodeid
    if not tape.records and outcome == "passed":
        from harness.recording import Redactor

        unplayed = (
            f"unplayed: {interaction.request.method} {interaction.request.url}" for interaction in tape.unplayed
        )
        _refuse(item, tape, [*(str(miss) for miss in tape.misses), *map(Redactor().text, unplayed)])


@pytest.fixture
def recording(request: pytest.FixtureRequest, _offline: None) -> Iterator[LoadedRecording]:
    """The recording that the marker `cassette` names, or the parameter of an indirect parametrisation."""
    from harness.recording import at_hand, is_folder, is_recording, load_frames, load_recording
    from harness.shipped import shipped_recording

    name = getattr(request, "param", None) or _marked_name(request)
    if name is None:
        pytest.fail(
            "which recording? Mark the test with cassette(name), or parametrise `recording` indirectly", pytrace=False
        )
    places = [_folder(request) / name, shipped_recording(name)]
    for place in filter(is_folder, places):
        with at_hand(place) as here:
            if is_recording(here):
                yield LoadedRecording(here, load_recording(here), tuple(load_frames(here / "frames.jsonl")))
                return
    pytest.fail(
        f"there is no recording {name!r} in '{_shown(_folder(request))}'{_nearly(name, _folder(request))}, nor does one of "
        "that name come with stream-harness; record it with harness record",
        pytrace=False,
    )


def _nearly(name: str, folder: Path) -> str:
    from harness.recording import recordings_below

    known = [path.relative_to(folder).as_posix() for path in recordings_below(folder)] if folder.is_dir() else []
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


#: Under this name, what a cassette has to say goes with a test's reports, to the end of the run, from other processes too.
_NOTES: Final = "stream-harness"
#: What to do where a cassette and its test do not fit.
_ADVICE: Final = pytest.StashKey[str]()
_TAPE: Final = pytest.StashKey["Tape"]()
#: The environment before any conftest was loaded.
_OUTSIDE: Final = pytest.StashKey[dict[str, str]]()
#: Which test has recorded a cassette in this run.
_OWNERS: Final = pytest.StashKey[dict[Path, str]]()
#: What became of a test: `passed`, `failed`, `skipped` or `xfailed`; None where it has not come to its end.
_OUTCOME: Final = pytest.StashKey[str | None]()
_GUARD: Final[pytest.StashKey[NetworkGuard]] = pytest.StashKey()
#: What a test has reported already.
_REPORTED: Final = pytest.StashKey[set[str]]()
#: What pytest-recording calls the same modes.
_OTHER_NAMES: Final = {None: "none", "new_episodes": "new", "rewrite": "all"}


def _mode(config: pytest.Config, otherwise: Any = None) -> Mode:
    mode_name = config.getoption("--record-mode", default=None) or getattr(otherwise, "value", otherwise)
    mode = _OTHER_NAMES.get(mode_name, mode_name)
    if mode not in _MODES:
        raise pytest.UsageError(f"record_mode of vcr_config is {mode_name!r}; expected one of {', '.join(_MODES)}")
    return cast("Mode", mode)


def _cassette_path(request: pytest.FixtureRequest, mode: Mode) -> Path:
    from harness.recording import Redactor, is_folder
    from harness.shipped import shipped_recording

    folder = _folder(request)
    name = _marked_name(request)
    if name is None:
        owner = f"{request.cls.__name__}." if request.cls is not None else ""
        # Its parameters are in its name, and one may be a key.
        test = Redactor().text(owner + request.node.name)
        path = folder / request.path.stem / f"{_file_name(test)}.yaml"
        # One that pytest-recording has made keeps its name.
        there = path.with_name(f"{owner}{request.node.name}.yaml".translate(_UNFIT_THERE))
        if not path.exists() and os.path.isfile(there):  # noqa: PTH113 - a Path is not asked with a name that is too long
            path = there
        other = request.config.stash.get(_OWNERS, {}).get(path, request.node.nodeid)
        if mode != "none" and other != request.node.nodeid:
            pytest.fail(
                f"cassette '{_shown(path)}' has just been recorded by {other}: as files, both tests have one name; give one "
                "of them another with the marker cassette",
                pytrace=False,
            )
        return path
    # Recordings of an installed package are played, and never written to.
    places = [folder / name, shipped_recording(name)] if mode in ("none", "once") else [folder / name]
    own = folder / (name if Path(name).suffix in (".yaml", ".yml", ".json") else f"{name}.yaml")
    for place in places:
        # One's own comes before one of the same name that comes with the project.
        if place != places[0] and own.is_file():
            break
        if is_folder(place):
            return place / "cassette.yaml"
    return own


def _file_name(test: str) -> str:
    """Return what a test's file is called; one that is too long ends in what tells it from others that begin so."""
    name = _UNFIT.sub("-", test)
    if len(name.encode()) <= _LONGEST:
        return name
    ending = f"-{hashlib.sha256(test.encode()).hexdigest()[:16]}"
    return name.encode()[: _LONGEST - len(ending)].decode(errors="ignore") + ending


def _marked_name(request: pytest.FixtureRequest) -> str | None:
    marker = request.node.get_closest_marker("cassette")
    if marker is None:
        return None
    if len(marker.args) != 1 or marker.kwargs or not isinstance(marker.args[0], str):
        from harness.errors import UsageError

        raise UsageError(f"the marker cassette takes one name, as in cassette('openai/text'), not {marker.args}")
    return marker.args[0]


def _folder(request: pytest.FixtureRequest) -> Path:
    named: Any = request.config.getoption("--recordings")
    if named is None:
        named = _vcr_config(request).get("cassette_library_dir")
    return request.path.parent / "cassettes" if named is None else request.config.invocation_params.dir / named


def _vcr_config(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    """Return what the fixture `vcr_config` says, which vcrpy's plugins know; nothing where there is no such fixture."""
    from harness.recording.vcr_config import checked

    try:
        return checked(request.getfixturevalue("vcr_config"))
    except pytest.FixtureLookupError:
        return {}
