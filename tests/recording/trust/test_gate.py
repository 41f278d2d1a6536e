"""Whose code a recording may have run (clause `replay.trusted`): nothing that is refused is imported or called."""

from __future__ import annotations

import json
import os
import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.commands import main
from harness.errors import UntrustedTargetError, UsageError
from harness.recording.serve.served import load_served
from harness.recording.target import Target
from harness.recording.trust.gate import Trust
from harness.shipped import shipped_recording

#: A module that says when it is imported, with targets and with what is none.
MODULE = """
import os
import subprocess
from functools import partial
from os import system
from pathlib import Path
from subprocess import Popen
from typing import Any
from harness import LLM, Flow, StreamSession, start
from harness.recording import record
import payload_elsewhere as elsewhere

def trace(what):
    with open(os.environ["TRACE"], "a") as file:
        file.write(what + "\\n")

trace("imported " + __name__)

class PlanFlow(Flow):
    @start()
    def plan(self):
        return "planned"

    def purge(self):
        trace("purged")

    def planned(self) -> StreamSession:
        return self.stream_events()

class Holder:
    flow = PlanFlow()
    where = Path("/")
    def make(self):
        return PlanFlow().stream_events()

a_flow = PlanFlow()
holder = Holder()
an_llm = LLM("openai/gpt-4o-mini", api_key="none")

def annotated() -> "StreamSession[Any]":
    return PlanFlow().stream_events()

def plain():
    return PlanFlow().stream_events()

def through_another():
    return plain()

class Caller:
    def __call__(self):
        return PlanFlow().stream_events()

called = Caller()
bound = partial(plain)
short = lambda: PlanFlow().stream_events()

def made() -> PlanFlow:
    return PlanFlow()

def made_late() -> "PlanFlow | LLM":
    return PlanFlow()

def made_elsewhere() -> "Crew":
    return PlanFlow()

def made_and_not_said():
    return PlanFlow()

def purge():
    trace("purged")

def purge_and_say() -> None:
    PlanFlow().stream_events
    trace("purged")

class Purger:
    def __init__(self):
        trace("purged")

class Fake:
    def __getattr__(self, name):
        return lambda *args, **kwargs: trace("purged")

fake = Fake()
remover = partial(os.system, "true")
"""


class Project:
    """A current folder with modules, a recording in it, and a trace of what has been imported and called."""

    def __init__(self, root: Path) -> None:
        self.root = root / "project"
        self.recording = self.root / "recordings" / "story"
        self.recording.mkdir(parents=True)
        self.elsewhere = root / "elsewhere"
        self.elsewhere.mkdir()
        self.trace = root / "trace"
        self.trace.touch()
        self.add(self.elsewhere / "payload_elsewhere.py", "def flow(): ...\n")

    def add(self, path: Path, code: str = MODULE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)

    def traced(self) -> list[str]:
        return self.trace.read_text().splitlines()

    def start(self, target: str, *names: str, entry: str | None = None) -> None:
        gate = Trust.here(names).gate(target, self.recording)
        for session in Target(target, entry, gate=gate).sessions():
            session.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    made = Project(tmp_path)
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("TRACE", str(made.trace))
    monkeypatch.setattr(sys, "path", [*sys.path, str(made.elsewhere)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield made
    for name in set(sys.modules) - before:
        if "payload" in name or name.startswith(("recordings", "env")):
            del sys.modules[name]


@pytest.mark.parametrize(
    "attribute",
    ["PlanFlow", "a_flow", "holder.flow", "Holder.flow", "annotated", "plain", "through_another", "called", "bound",
     "short", "holder.make", "a_flow.stream_events", "made", "made_late", "made_elsewhere"],
)  # fmt: skip
def test_what_gives_a_session_in_the_project_is_let_in(attribute: str, project: Project) -> None:
    project.add(project.root / "payload_app.py")
    project.start(f"payload_app:{attribute}")
    assert project.traced() == ["imported payload_app"]


@pytest.mark.parametrize(
    ("attribute", "why"),
    [
        ("os.system", "a part of Python itself|installed and no part of the project"),
        ("os", "a part of Python itself|installed and no part of the project"),
        ("system", "'system' is the callable system, which is defined outside"),
        ("subprocess.Popen", "installed and no part of the project"),
        ("Popen", "'Popen' is the class Popen, which is defined outside"),
        ("remover", "'remover' is the callable partial, which is defined outside"),
        ("record", "'record' is the callable record, which is defined outside"),
        ("elsewhere.flow", "outside of the current folder"),
        ("holder.where.unlink", "'where' is of the type PosixPath, which is defined outside"),
        ("plain.__globals__", "'__globals__' is a matter of Python's own"),
        ("purge", "is the callable purge, which is not known to give a session, and was not called"),
        ("purge_and_say", "is the callable purge_and_say, which is not known to give a session"),
        ("made_and_not_said", r"which is not known to give a session.*-> Crew"),
        ("Purger", "is the class Purger, which is not known to give a session"),
        ("PlanFlow.purge", "which is not known to give a session"),
        ("fake", "is of the type Fake, which is not known to give a session"),
    ],
)  # fmt: skip
def test_an_attribute_that_leads_out_or_gives_no_session_is_not_called(
    attribute: str, why: str, project: Project
) -> None:
    project.add(project.root / "payload_app.py")
    with pytest.raises(UntrustedTargetError, match=why) as refused:
        project.start(f"payload_app:{attribute}")
    assert "--trust payload_app" in str(refused.value)
    assert project.traced() == ["imported payload_app"]


def test_an_entry_that_gives_no_session_is_not_called(project: Project) -> None:
    project.add(project.root / "payload_app.py")
    with pytest.raises(UntrustedTargetError, match="the entry 'purge' is not known to give a session"):
        project.start("payload_app:PlanFlow", entry="purge")
    project.start("payload_app:PlanFlow", entry="planned")
    project.start("payload_app:PlanFlow", entry="stream_frames")
    assert project.traced() == ["imported payload_app"]


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("os:system", "a part of Python itself|installed and no part"),
        ("posix:system", "a part of Python itself"),
        ("builtins:exec", "a part of Python itself"),
        ("subprocess:Popen", "installed and no part of the project"),
        ("shutil:rmtree", "installed and no part of the project"),
        ("code:interact", "installed and no part of the project"),
        ("pytest:main", "installed and no part of the project"),
        ("httpx:get", "installed and no part of the project"),
        ("__main__:main", "installed and no part of the project|outside of the current folder|from no file"),
        ("harness.recording.record:record", "a part of stream-harness, and none of its targets"),
        ("harness.commands:main", "a part of stream-harness, and none of its targets"),
        ("conformance.proof.__main__:main", "a part of stream-harness, and none of its targets"),
    ],
)  # fmt: skip
def test_modules_of_python_and_of_others_are_not_imported(target: str, why: str, project: Project) -> None:
    with pytest.raises(UntrustedTargetError, match=why):
        project.start(target)


def in_the_recording(project: Project) -> str:
    project.add(project.recording / "payload.py")
    return "recordings.story.payload"


def beside_the_recording(project: Project) -> str:
    project.add(project.recording.parent / "payload.py")
    return "recordings.payload"


def in_a_package_of_the_recording(project: Project) -> str:
    for folder in (project.recording.parent, project.recording, project.recording / "payload"):
        project.add(folder / "__init__.py")
    return "recordings.story.payload"


def by_a_link_to_the_recording(project: Project) -> str:
    project.add(project.recording / "payload.py")
    (project.root / "payload.py").symlink_to(project.recording / "payload.py")
    return "payload"


def by_a_linked_folder(project: Project) -> str:
    project.add(project.elsewhere / "hidden" / "__init__.py")
    (project.root / "payload").symlink_to(project.elsewhere / "hidden")
    return "payload"


def by_a_path_file(project: Project) -> str:
    project.add(project.elsewhere / "payload.py")
    return "payload"


def in_a_namespace_of_two_places(project: Project) -> str:
    project.add(project.root / "payload" / "ours.py")
    project.add(project.elsewhere / "payload" / "theirs.py")
    return "payload.theirs"


def in_a_virtual_environment(project: Project) -> str:
    project.add(project.root / "env" / "pyvenv.cfg", "")
    project.add(project.root / "env" / "payload.py")
    return "env.payload"


def in_vendored_packages(project: Project) -> str:
    project.add(project.root / "vendor" / "site-packages" / "payload" / "__init__.py")
    sys.path.append(str(project.root / "vendor" / "site-packages"))
    return "payload"


def in_a_zip(project: Project) -> str:
    with zipfile.ZipFile(project.root / "payload.zip", "w") as archive:
        archive.writestr("payload.py", MODULE)
    sys.path.append(str(project.root / "payload.zip"))
    return "payload"


def in_a_package_from_elsewhere(project: Project) -> str:
    project.add(
        project.elsewhere / "payload" / "__init__.py", f"{MODULE}\n__path__ = [{str(project.root / 'inner')!r}]"
    )
    project.add(project.root / "inner" / "flows.py")
    return "payload.flows"


PLACES = [
    in_the_recording, beside_the_recording, in_a_package_of_the_recording, by_a_link_to_the_recording, by_a_linked_folder,
    by_a_path_file, in_a_namespace_of_two_places, in_a_virtual_environment, in_vendored_packages, in_a_zip,
    in_a_package_from_elsewhere,
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_where_a_module_would_be_found_decides(place: object, project: Project) -> None:
    assert callable(place)
    name = place(project)
    with pytest.raises(UntrustedTargetError, match=r"was not imported: .+ name it with --trust"):
        project.start(f"{name}:annotated")
    assert project.traced() == []


@pytest.mark.parametrize(
    "place", [in_the_recording, by_a_linked_folder, by_a_path_file], ids=lambda place: place.__name__
)
@pytest.mark.parametrize("named", ["{0}", "{0}:annotated"])
def test_what_the_caller_names_is_let_in(place: object, named: str, project: Project) -> None:
    assert callable(place)
    name = place(project)
    project.start(f"{name}:annotated", named.format(name))
    assert project.traced() == [f"imported {name}"]


def test_a_target_that_is_named_itself_may_be_anything(project: Project) -> None:
    project.add(project.root / "payload_app.py")
    with pytest.raises(UsageError, match="which is no session"):
        project.start("payload_app:purge", "payload_app:purge")
    assert project.traced() == ["imported payload_app", "purged"]


def test_a_name_vouches_for_no_other_that_begins_alike(project: Project) -> None:
    project.add(project.elsewhere / "payload.py")
    for name in ("pay", "payload.more", "payload:flow", "payloads"):
        with pytest.raises(UntrustedTargetError):
            project.start("payload:annotated", name)
    assert project.traced() == []


def test_the_configuration_of_the_project_names_modules_too(project: Project) -> None:
    project.add(project.elsewhere / "payload.py")
    project.add(project.root / "pyproject.toml", '[tool.harness]\ntrust = ["payload"]\n')
    project.start("payload:annotated")
    assert project.traced() == ["imported payload"]


def test_a_package_that_turns_its_path_elsewhere_is_followed_no_further(project: Project) -> None:
    project.add(project.root / "payload" / "__init__.py", f"{MODULE}\n__path__ = [{str(project.elsewhere)!r}]")
    project.add(project.root / "payload" / "flows.py")
    project.add(project.elsewhere / "flows.py")
    with pytest.raises(UntrustedTargetError, match="outside of the current folder"):
        project.start("payload.flows:annotated")
    assert project.traced() == ["imported payload"]


def test_another_case_of_the_letters_finds_nothing(project: Project) -> None:
    project.add(project.root / "payload_app.py")
    with pytest.raises(UsageError, match="no module named 'Payload_App'"):
        project.start("Payload_App:annotated")


def test_run_from_the_recordings_own_folder_nothing_in_it_is_let_in(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.add(project.recording / "payload.py")
    monkeypatch.chdir(project.recording)
    with pytest.raises(UntrustedTargetError, match="beside or in the recording itself"):
        project.start("payload:annotated")
    assert project.traced() == []


def test_the_root_of_all_files_is_no_project(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.add(project.elsewhere / "payload.py")
    monkeypatch.chdir("/")
    with pytest.raises(UntrustedTargetError, match="outside of the project"):
        project.start("payload:annotated")


@pytest.mark.skipif(
    not os.access(sysconfig.get_paths()["purelib"], os.R_OK), reason="installed packages can't be listed"
)
def test_installed_packages_below_the_current_folder_are_no_project(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(sysconfig.get_paths()["purelib"]).parents[2])
    with pytest.raises(UntrustedTargetError, match="installed and no part of the project"):
        project.start("pytest:main")


@pytest.mark.parametrize("code", ["raise SystemExit(0)", "import sys; sys.exit()", "1 / 0", "def ("])
def test_a_module_that_ends_while_it_is_imported_is_an_error(code: str, project: Project) -> None:
    project.add(project.root / "payload_app.py", code)
    with pytest.raises(UsageError, match="module 'payload_app' can't be imported from .+ it raised"):
        project.start("payload_app:flow")


def test_a_name_that_is_none_is_refused_as_such(project: Project) -> None:
    for name in ("payload/app:flow", "..payload:flow", "payload:flow\n", "payload:a b", "pay\0load:x"):
        with pytest.raises(UsageError, match=r"expected package\.module:attribute"):
            project.start(name)


def test_targets_of_the_shipped_recordings_are_let_in_from_anywhere(project: Project) -> None:
    project.start("harness.shipped.targets:openai.text")
    with pytest.raises(UntrustedTargetError, match="'PROVIDERS' is of the type dict"):
        project.start("harness.shipped.targets:PROVIDERS.clear")


#: Commands that look at a recording, and run nothing that it names.
LOOKING = [
    ("show", "PATH"),
    ("show", "PATH", "--html", "OUT"),
    ("diff", "PATH", "PATH"),
    ("scan", "PATH"),
    ("export", "PATH", "--to", "agui", "-o", "OUT"),
    ("pack", "AROUND", "-o", "OUT"),
]


@pytest.mark.parametrize("command", LOOKING, ids=" ".join)
def test_what_only_looks_at_a_recording_imports_nothing_of_it(command: tuple[str, ...], project: Project) -> None:
    project.add(project.root / "payload_app.py")
    shutil.copytree(shipped_recording("openai/text"), project.recording, dirs_exist_ok=True)
    about = json.loads((project.recording / "recording.json").read_text())
    (project.recording / "recording.json").write_text(json.dumps(about | {"target": "payload_app:purge"}))
    places = {"PATH": project.recording, "AROUND": project.recording.parent, "OUT": project.root / "out"}
    with pytest.raises(SystemExit) as ended:
        main([str(places.get(part, part)) for part in command])
    assert ended.value.code == 0
    assert load_served(project.recording) is not None
    assert project.traced() == []
