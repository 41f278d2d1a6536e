"""Whose code a recording may have run: what the project and the caller vouch for, told before anything is imported.

A recording is somebody's file, and the target that it names is somebody's program. Where a module would be found decides,
not what it is called: the finders are asked, and nothing is imported until every module on the way is trusted.
"""

from __future__ import annotations

import importlib
import os
import site
import sys
import sysconfig
from collections.abc import Sequence
from functools import cache, partial
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final, Self

from msgspec import Struct

from harness.errors import UntrustedTargetError, UsageError
from harness.recording.settings import project_settings
from harness.recording.trust.factories import ENTRIES, gives_session, starts_runs

#: The packages that come with this project.
_OURS: Final = frozenset({"harness", "conformance"})
#: Where the targets of the shipped recordings are.
_SHIPPED: Final = Path(__file__).parents[2] / "shipped"
#: Folders of other people's code, wherever they lie.
_FOREIGN_FOLDERS: Final = frozenset({"site-packages", "dist-packages", "node_modules"})


class Trust(Struct, frozen=True):
    """What recordings may name beside the targets of the shipped ones.

    The modules under `project` are trusted, but for Python's own, installed ones, and those that came with the
    recording; and what `names` has: modules, packages with all that is in them, and whole targets.
    """

    names: tuple[str, ...] = ()
    project: Path | None = None

    @classmethod
    def here(cls, names: Sequence[str] = ()) -> Self:
        """Return trust in the project of the current folder, in what its settings name, and in `names`.

        Raises:
            UsageError: the settings can't be read.
        """
        here = Path.cwd()
        # All files of a machine are no project.
        return cls((*names, *project_settings(here).trust), None if here == here.parent else here)

    def gate(self, target: str, recording: Path) -> Gate:
        """Return what lets `target` in, or not, which the recording at `recording` names."""
        return Gate(self, target, recording)


class Gate(Struct, frozen=True):
    """Lets a target that a recording names in, or refuses it, step by step."""

    trust: Trust
    #: `package.module:attribute`.
    target: str
    recording: Path

    def check_module(self, name: str) -> None:
        """Refuse a module that is not trusted, or lies in a package that is not. Imports nothing.

        Raises:
            UntrustedTargetError: with the reason, and what to do.
            UsageError: there is no such module.
        """
        parts = name.split(".")
        names = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
        if self._is_named_itself() or self._is_named(name):
            return
        search: list[str] | None = None
        for part in names:
            spec = _found(part, search)
            if spec is None:
                raise self._missing(name, f"no module named {part!r}")
            # Our own packages have been imported long since, and their targets alone may be named.
            if part == name or names[0] not in _OURS:
                self._check_place(part, spec)
            if part == name and not _has_code(spec):
                raise self._refused(f"{name!r} is a folder without code")
            if spec.submodule_search_locations is None and part != name:
                raise self._missing(name, f"{part!r} is no package")
            search = _search_of(part, spec, search)

    def imported(self, name: str) -> ModuleType:
        """Import a module that was checked, package by package: what a package does to its own path is looked at too."""
        parts = name.split(".")
        for count in range(1, len(parts)):
            importlib.import_module(".".join(parts[:count]))
            self.check_module(name)
        return importlib.import_module(name)

    def check_step(self, owner: Any, step: str, found: Any) -> None:
        """Refuse an attribute that leads out of what is trusted."""
        if self._is_named_itself():
            return
        if step.startswith("__"):
            raise self._refused(f"{step!r} is a matter of Python's own")
        if isinstance(found, ModuleType):
            self.check_module(found.__name__)
        # A namespace only holds things, and each of them is looked at.
        elif (
            type(found) is not SimpleNamespace
            and not self._is_defined_in_trusted(found)
            and not starts_runs(found)
            and not _is_entry_of(owner, step)
        ):
            raise self._refused(f"{step!r} is {_described(found)}, which is defined outside of what is trusted")

    def check_kind(self, subject: Any, entry: str | None) -> None:
        """Refuse what is no flow, LLM or crew, and can't be known to give a session; and an entry that can't."""
        if self._is_named_itself():
            return
        if entry is not None and entry not in ENTRIES and not gives_session(getattr(subject, entry, None)):
            raise UntrustedTargetError(
                f"target {self.target!r}: the entry {entry!r} is not known to give a session, and was not called. Annotate "
                f"what it returns (-> StreamSession), or name the target with --trust {self.target}"
            )
        if not starts_runs(subject) and not gives_session(subject):
            raise UntrustedTargetError(
                f"target {self.target!r} is {_described(subject)}, which is not known to give a session, and was not "
                "called; expected a flow, an LLM, a crew, or a callable that returns one, or a session. Annotate what it "
                f"returns (-> StreamSession, or -> Crew), or name it with --trust {self.target}"
            )

    def _is_named_itself(self) -> bool:
        return self.target in self.trust.names

    def _is_defined_in_trusted(self, found: Any) -> bool:
        while isinstance(found, partial):
            found = found.func
        named = found if isinstance(found, type) else getattr(found, "__func__", found)
        module = getattr(named, "__module__", None) if callable(named) else None
        try:
            self.check_module(module if isinstance(module, str) else type(found).__module__)
        except UsageError:
            return False
        return True

    def _is_named(self, name: str) -> bool:
        return any(
            f"{name}.".startswith(f"{trusted.partition(':')[0]}.") for trusted in self.trust.names if ":" not in trusted
        )

    def _check_place(self, name: str, spec: ModuleSpec) -> None:
        if not _has_code(spec):
            if spec.submodule_search_locations is None:
                raise self._refused(f"{name!r} is a part of Python itself, or comes from no file")
            return
        path = Path(os.path.realpath(str(spec.origin)))
        if not path.is_file():
            raise self._refused(f"{name!r} would come from '{spec.origin}', which is no plain file")
        project = None if self.trust.project is None else _identity(self.trust.project)
        for folder in path.parents:
            identity = _identity(folder)
            if identity == _identity(_SHIPPED):
                return
            if name.partition(".")[0] in _OURS:
                continue
            if identity in _folders_of(self.recording, self.trust.project):
                raise self._refused(f"{name!r} lies at '{path}', beside or in the recording itself")
            installed = identity in _python_folders() or folder.name in _FOREIGN_FOLDERS
            if project is not None and identity == project and not installed:
                return
            if installed or (folder / "pyvenv.cfg").exists():
                raise self._refused(f"{name!r} lies at '{path}', which is installed and no part of the project")
        if name.partition(".")[0] in _OURS:
            raise self._refused(f"{name!r} is a part of stream-harness, and none of its targets")
        where = "the project" if self.trust.project is None else f"the current folder '{self.trust.project}'"
        raise self._refused(f"{name!r} lies at '{path}', outside of {where}")

    def _missing(self, name: str, why: str) -> UsageError:
        return UsageError(f"target {self.target!r}: module {name!r} can't be imported from {Path.cwd()}: {why}")

    def _refused(self, why: str) -> UntrustedTargetError:
        module = self.target.partition(":")[0]
        return UntrustedTargetError(
            f"target {self.target!r} was not imported: {why}. A recording may name modules of the project that you are "
            f"in; if you know this one and want its code to run, name it with --trust {module}, or in pyproject.toml as "
            "trust = […] under [tool.harness]"
        )


def _found(name: str, search: list[str] | None) -> ModuleSpec | None:
    """Return where a module is, or would be found; as `importlib` does, but without importing its package."""
    loaded = sys.modules.get(name)
    if loaded is not None:
        # `__main__` of a script has no spec.
        return getattr(loaded, "__spec__", None) or ModuleSpec(name, None, origin=getattr(loaded, "__file__", None))
    specs = (finder.find_spec(name, search) for finder in sys.meta_path if hasattr(finder, "find_spec"))
    try:
        return next((spec for spec in specs if spec is not None), None)
    except KeyError:
        # A folder without code in another that has not been imported: making its spec asks for that one.
        return ModuleSpec(name, None, is_package=True)


def _search_of(name: str, spec: ModuleSpec, around: list[str] | None) -> list[str]:
    """Return the folders in which the modules of a package are sought; `around` are those of the package around it."""
    loaded = getattr(sys.modules.get(name), "__path__", None)
    if loaded is not None:
        return list(loaded)
    if _has_code(spec) or around is None:
        return list(spec.submodule_search_locations or ())
    # A namespace within one that has not been imported can't tell its folders: they are all those of its name.
    folders = (Path(folder, name.rpartition(".")[2]) for folder in around)
    return [str(folder) for folder in folders if folder.is_dir()]


def _has_code(spec: ModuleSpec) -> bool:
    return spec.origin is not None and spec.origin not in ("built-in", "frozen", "namespace")


def _folders_of(recording: Path, project: Path | None) -> frozenset[tuple[int, int]]:
    """Return a recording's own folder, and the one that it lies in unless that is the whole project."""
    own = Path(os.path.realpath(recording))
    around = [] if project is None or _identity(own.parent) in _above(project) else [own.parent]
    return frozenset(found for folder in (own, *around) if (found := _identity(folder)) is not None)


def _above(folder: Path) -> frozenset[tuple[int, int] | None]:
    resolved = Path(os.path.realpath(folder))
    return frozenset(map(_identity, (resolved, *resolved.parents)))


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what is the same for all names of a folder: other case, links, mounts."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@cache
def _python_folders() -> frozenset[tuple[int, int] | None]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    folders += [*site.getsitepackages(), site.getusersitepackages()]
    return frozenset(map(_identity, map(Path, folders))) - {None}


def _is_entry_of(owner: Any, step: str) -> bool:
    return step in ENTRIES and starts_runs(owner)


def _described(found: Any) -> str:
    if isinstance(found, type) or callable(found):
        name = getattr(found, "__qualname__", None) or type(found).__qualname__
        return f"{'the class' if isinstance(found, type) else 'the callable'} {name}"
    return f"of the type {type(found).__qualname__}"
