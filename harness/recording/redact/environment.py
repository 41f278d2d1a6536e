"""The credentials in this process's environment: what answers may tell again, with nothing before it that announces it."""

from __future__ import annotations

import os
from functools import lru_cache

from harness.recording.redact.names import weight
from harness.recording.redact.values import is_held_doubtful


def environment_secrets() -> tuple[str, ...]:
    """Return what stands under the names of credentials and looks like one: a word would be found in any text."""
    return _opaque(tuple(os.environ.get(name, "") for name in _of_credentials(tuple(os.environ))))


@lru_cache(maxsize=16)
def _of_credentials(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(_is_of_credential, names))


def _is_of_credential(name: str) -> bool:
    settles = weight(name)
    # `S3_KEY` may be where a file is, and PWD is where a shell is.
    return name.endswith("TOKEN") if settles == "doubtful" else settles == "secret" and name != "PWD"


@lru_cache(maxsize=16)
def _opaque(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(is_held_doubtful, dict.fromkeys(values)))
