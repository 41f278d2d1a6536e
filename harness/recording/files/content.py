"""Files that somebody else may have written, as recordings are read from them: bytes, and JSON."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

from harness.errors import UnreadableRecordingError
from harness.recording.files.bounds import DEEPEST_JSON, json_problem
from harness.regular_file import LARGEST, NotRegularFileError, TooLargeFileError, open_regular, read_regular


def content_of(path: Path, *, limit: int = LARGEST, inside: Path | None = None) -> bytes:
    """Return what is in the file at `path`. With `inside`, a link may not lead out of that folder.

    Raises:
        UnreadableRecordingError: it is no plain file, is larger than `limit` bytes, or is a link that leads out.
        OSError: it is missing, or the system refuses to read it.
    """
    if inside is not None:
        check_link(path, inside)
    try:
        return read_regular(path, limit=limit)
    except NotRegularFileError as error:
        raise _not_regular(path, error) from error
    except TooLargeFileError as error:
        raise UnreadableRecordingError(
            f"'{path}' is larger than {limit // 1024 // 1024} MiB, the most that is read of one file; "
            "split it, or record less in one run"
        ) from error


def load_json(path: Path) -> Any:
    """Return the value that the JSON file at `path` holds.

    Raises:
        UnreadableRecordingError: it is no plain file, or more than is read: bytes, levels, values.
        OSError: it is missing, or the system refuses to read it.
        ValueError: it is no JSON.
    """
    text = content_of(path).decode("utf-8-sig")
    problem = json_problem(text, DEEPEST_JSON)
    if problem is not None:
        raise UnreadableRecordingError(f"'{path}': {problem}; expected less than that")
    return json.loads(text)


def load_toml(path: Path, *, limit: int) -> dict[str, Any]:
    """Return the tables that the TOML file at `path` holds.

    Raises:
        UnreadableRecordingError: it is no plain file, or more than is read: bytes, levels.
        OSError: it is missing, or the system refuses to read it.
        ValueError: it is no TOML.
    """
    text = content_of(path, limit=limit).decode("utf-8-sig")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise UnreadableRecordingError(f"'{path}' nests too deep to be read; expected less than that") from error


def beginning_of(path: Path, size: int) -> bytes:
    """Return the first `size` bytes of the file at `path`, or all, where there are fewer.

    Raises:
        UnreadableRecordingError: it is no plain file.
        OSError: it is missing, or the system refuses to read it.
    """
    try:
        with open_regular(path) as file:
            return file.read(size)
    except NotRegularFileError as error:
        raise _not_regular(path, error) from error


def check_link(path: Path, folder: Path) -> None:
    """Raise UnreadableRecordingError for a link that leads out of `folder`."""
    if leads_out(path, folder):
        raise UnreadableRecordingError(
            f"'{path}' is a link that leads out of '{folder}', and is not followed; put the file itself there"
        )


def leads_out(path: Path, folder: Path) -> bool:
    """Whether `path`, all links followed, lies outside of `folder`."""
    return not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _not_regular(path: Path, error: NotRegularFileError) -> UnreadableRecordingError:
    return UnreadableRecordingError(f"'{path}' can't be read: {error}")
