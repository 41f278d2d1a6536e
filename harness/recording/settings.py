"""What a project says about its recordings: the table `[tool.harness]` of its `pyproject.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.errors import UsageError
from harness.recording.files.content import content_of

_FILE: Final = "pyproject.toml"
_LARGEST: Final = 4_000_000


class Settings(BaseModel):
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


def _read(path: Path) -> Settings:
    try:
        table = tomllib.loads(content_of(path, limit=_LARGEST).decode()).get("tool", {}).get("harness", {})
        return Settings.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        known = ", ".join(Settings.model_fields)
        raise UsageError(f"'{path}': [tool.harness] {place}: {first['msg']}; known are {known}") from error
    except (ValueError, AttributeError) as error:
        raise UsageError(f"'{path}' can't be read: {error}; expected TOML, with settings in [tool.harness]") from error
