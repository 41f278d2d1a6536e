"""What a project says about its recordings: the table `[tool.harness]` of its `pyproject.toml`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict, Field, ValidationError

from harness.errors import UsageError
from harness.recording.files.content import load_toml
from harness.validation import UserModel, first_fault

_FILE: Final = "pyproject.toml"
_LARGEST: Final = 4 * 1024 * 1024


class Settings(UserModel):
    """The keys of `[tool.harness]`; what is not given has its default here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Modules, packages and targets that a recording may name beside the project's own, as `--trust` takes them.
    trust: tuple[str, ...] = ()
    #: Whether `harness record` replays at once what it has recorded, as `--check` does.
    check: bool = False
    #: Names of fields that hold a secret whatever it looks like, beside those that are known: `x-internal-ticket`.
    secret_names: tuple[str, ...] = ()
    #: Regular expressions of secrets, beside the forms that are known; the group `secret`, or else the match, is blotted.
    secret_patterns: tuple[str, ...] = ()
    #: Header fields that recordings keep beside those that they keep anyway; with `-` at its end, all that begin so.
    keep_headers: tuple[str, ...] = ()
    #: JSON paths of what is not compared in a request's body: `$.metadata.run_id`, `messages[*].id`.
    match_ignore: tuple[str, ...] = ()
    #: JSON path → a regular expression; what it matches in texts there is not compared.
    match_normalize: dict[str, str] = Field(default_factory=dict)
    #: Header fields of requests that are compared; they are kept, too.
    match_headers: tuple[str, ...] = ()
    #: Functions, as `module:function`, each given a request; what it returns is compared in its place.
    match_by: tuple[str, ...] = ()

    def with_more(self, more: Settings) -> Settings:
        """Return these settings with what `more` adds to their lists."""
        mine, added = self.model_dump(), more.model_dump(exclude_defaults=True)
        joined = {name: _joined(mine[name], value) for name, value in added.items()}
        return self.model_copy(update=joined)


def _joined(mine: Any, added: Any) -> Any:
    if isinstance(mine, tuple):
        return (*mine, *added)
    return {**mine, **added} if isinstance(mine, dict) else added


#: What the options of a command add, for the life of its process.
_extensions: list[Settings] = []


@contextmanager
def extended(more: Settings | None) -> Iterator[None]:
    """Have `current_settings` give the project's with `more`, in all threads, until the context is left."""
    if more is None:
        yield
        return
    _extensions.append(more)
    try:
        yield
    finally:
        _extensions.remove(more)


def current_settings() -> Settings:
    """Return the settings of the project that the current folder lies in, with those of the options that were given.

    Raises:
        UsageError: as `project_settings`.
    """
    try:
        # No Path, which takes longer to make and to look up than all else here.
        found = _settings_in(os.getcwd())  # noqa: PTH109
    except FileNotFoundError:  # the current folder is gone
        found = Settings()
    for more in _extensions:
        found = found.with_more(more)
    return found


def project_settings(folder: Path | None = None) -> Settings:
    """Return the settings of the project that `folder` (the current one) lies in: those of the nearest `pyproject.toml`.

    Raises:
        UsageError: that file can't be read, or has a key here that is not known.
    """
    start = Path.cwd() if folder is None else folder.resolve()
    for place in (start, *start.parents):
        path = place / _FILE
        if path.is_file():
            return _read(path)
    return Settings()


@cache
def _settings_in(folder: str) -> Settings:
    return project_settings(Path(folder))


def _read(path: Path) -> Settings:
    try:
        tool = load_toml(path, limit=_LARGEST).get("tool", {})
        return Settings.model_validate(tool.get("harness", {}) if isinstance(tool, dict) else tool)
    except ValidationError as error:
        known = ", ".join(Settings.model_fields)
        raise UsageError(f"'{path}': [tool.harness] {first_fault(error)}; known are {known}") from error
    except ValueError as error:
        raise UsageError(f"'{path}' can't be read: {error}; expected TOML, with settings in [tool.harness]") from error
