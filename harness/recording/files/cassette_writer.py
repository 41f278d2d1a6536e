"""Interactions as a cassette file: text that people read and diff, and that plain vcrpy plays.

It is YAML, and where its name says so JSON, which vcrpy's other serializer reads, or packed. Bodies are
literal blocks where that can hold them. What vcrpy has no place for stands in keys of `response` and
`response.body` that it ignores. The body comes last in an interaction: one that was cut off has marks that do not add
up, so it can't be taken for whole.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from harness.errors import RecordingError
from harness.recording.files.atomic import write_atomically
from harness.recording.files.cassette_document import FORMAT_VERSION, cassette_name
from harness.recording.files.exchange import claims
from harness.recording.wire import Chunk, Headers, Interaction

_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NEVER_FOLD = 2**31 - 1

#: Characters that a literal block can't carry: controls, carriage returns, and what YAML 1.1 takes for line breaks.
_NOT_LITERAL = re.compile("[^\t\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_MARKS_PER_LINE = 8

_HEAD = f"version: {FORMAT_VERSION}\ninteractions:"


def write_cassette(path: Path, interactions: Iterable[Interaction]) -> None:
    """Write `interactions` to `path` in one step.

    Raises:
        RecordingError: the file can't be written, or is to be an HTTP archive; what was there is untouched.
    """
    check_form(path)
    try:
        content = (_json if _ending(path) == ".json" else _yaml)(interactions).encode()
    except UnicodeError as error:
        raise RecordingError(
            f"cassette '{cassette_name(path)}' can't be written: a part of an exchange is no text ({error}); "
            "keep what is no UTF-8 out of headers and URLs"
        ) from error
    # Without the time, so that the same interactions make the same file.
    write_atomically(path, gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def check_form(path: Path) -> None:
    """Refuse to record to a file whose name says that another recorder's is in it. Raises RecordingError."""
    if _ending(path) == ".har":
        raise RecordingError(
            f"cassette '{cassette_name(path)}' can't be recorded: an HTTP archive is only played; record to a .yaml file"
        )


def _ending(path: Path) -> str:
    """Return how a cassette's name ends, before it was packed."""
    return Path(path.name.removesuffix(".gz")).suffix


def _yaml(interactions: Iterable[Interaction]) -> str:
    entries = "".join(render_interaction(interaction) for interaction in interactions)
    return f"{_HEAD}\n{entries}" if entries else f"{_HEAD} []\n"


def _json(interactions: Iterable[Interaction]) -> str:
    written = []
    for interaction in interactions:
        requested, answered, of_answer = _parts(interaction)
        sent, body = _json_body(interaction.request.body), _json_body(interaction.response.body)
        chunks = [[chunk.offset, chunk.length, chunk.at_ms] for chunk in interaction.response.chunks]
        written.append(
            {
                "request": {**requested, "body": sent.get("string", sent)},
                "response": {**answered, **of_answer, "body": {"chunks": chunks, **body}},
            }
        )
    return json.dumps({"version": FORMAT_VERSION, "interactions": written}, ensure_ascii=False, indent=1) + "\n"


def _json_body(body: bytes) -> dict[str, str]:
    try:
        return {"string": body.decode()}
    except UnicodeDecodeError:
        return {"base64_string": base64.b64encode(body).decode("ascii")}


class CassetteWriter:
    """Appends each interaction to `path` as it is finished, so that a killed process leaves all but its last line.

    The file is made by `open`, or with the first interaction; beside one that another writer is at, with a number in its
    name. Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        #: Where the file is; once it has been made.
        self.path = path
        self._file: Any = None

    def open(self) -> None:
        """Make the file, and its folder where needed.

        Raises:
            RecordingError: it can't be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path, self._file = _own_file(self.path)
            self._put(f"{_HEAD}\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, interaction: Interaction) -> None:
        """Write one interaction and hand it to the operating system.

        Raises:
            RecordingError: the file can't be written.
            UnicodeError: a part of the interaction is no text; nothing of it is written.
        """
        if self._file is None:
            self.open()
        content = render_interaction(interaction)
        try:
            self._put(content)
        except OSError as error:
            raise self._unwritable(error) from error

    def _put(self, text: str) -> None:
        self._file.write(text.encode())
        self._file.flush()

    def _unwritable(self, error: OSError) -> RecordingError:
        return RecordingError(
            f"cassette '{cassette_name(self.path)}' can't be written: {error.strerror or error} ({self.path})"
        )

    def close(self) -> None:
        """Close the file; it stays, but for what could not be written, of which `append` has told."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()

    def discard(self) -> None:
        """Close the file, and remove it."""
        if self._file is None:
            return
        try:
            # First, since it is anybody's once it is closed.
            self.path.unlink()
        except OSError:  # Windows removes no file that is open
            self.close()
            with suppress(OSError):
                self.path.unlink()
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _own_file(path: Path) -> tuple[Path, Any]:
    """Return an empty file that no other writer is at, and where it is. Raises OSError."""
    number, place = 1, path
    while True:
        # Not emptied before it is known to be nobody's.
        file = os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b")
        if not claims(file.fileno()):
            number += 1
            place = path.with_name(f"{path.stem}.{number}{path.suffix}")
        elif _is_at(place, file):
            file.truncate(0)
            return place, file
        file.close()


def _is_at(place: Path, file: Any) -> bool:
    """Whether an open file is still the one at `place`: who was at it may have removed it."""
    try:
        return os.path.samestat(place.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def render_interaction(interaction: Interaction) -> str:
    """Return one item of a cassette's `interactions` list.

    Raises:
        UnicodeError: a header, a URL or an error is no text.
    """
    request, response = interaction.request, interaction.response
    requested, answered, of_answer = _parts(interaction)
    return (
        f"- request:\n{_block(requested, 4)}"
        f"    body: {_content(request.body, 6)}"
        f"  response:\n{_block(answered, 4)}"
        f"{''.join(f'    {key}: {_flow(value)}' for key, value in of_answer.items())}"
        f"    body:\n"
        f"      chunks: {_marks(response.chunks)}"
        f"      string: {_content(response.body, 8)}"
    )


def _parts(interaction: Interaction) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return what stands of a request and of its response, but for their bodies, and what vcrpy has no place for."""
    request, response = interaction.request, interaction.response
    return (
        {"method": request.method, "uri": request.url, "headers": _fields(request.headers)},
        {"status": {"code": response.status, "message": response.reason}, "headers": _fields(response.headers)},
        {
            "ended": {"how": response.ended.how, "error": response.ended.error, "at_ms": response.ended.at_ms},
            "scope": list(response.scope),
        },
    )


def _fields(headers: Headers) -> dict[str, list[str]]:
    """Return vcrpy's shape of headers: every name with all its values."""
    fields: dict[str, list[str]] = {}
    for name, value in headers:
        fields.setdefault(name, []).append(value)
    return fields


def _block(value: Any, indent: int) -> str:
    text = _dump(value, default_flow_style=False)
    return "".join(f"{' ' * indent}{line}" if line.strip() else line for line in text.splitlines(keepends=True))


def _flow(value: Any) -> str:
    return _dump(value, default_flow_style=True)


def _dump(value: Any, **options: Any) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_NEVER_FOLD, **options)
    return text


def _marks(chunks: tuple[Chunk, ...]) -> str:
    marks = [f"[{chunk.offset}, {chunk.length}, {chunk.at_ms!r}]" for chunk in chunks]
    lines = [", ".join(marks[start : start + _MARKS_PER_LINE]) for start in range(0, len(marks), _MARKS_PER_LINE)]
    return f"[{f',{chr(10)}               '.join(lines)}]\n"


def _content(body: bytes, indent: int) -> str:
    """Return a body as a YAML value: a literal block, a quoted text, or base64 where it is not UTF-8."""
    margin = " " * indent
    try:
        text = body.decode()
    except UnicodeDecodeError:
        lines = base64.encodebytes(body).decode("ascii").splitlines()
        return "!!binary |\n" + "".join(f"{margin}{line}\n" for line in lines)
    if not text.strip("\n") or _NOT_LITERAL.search(text):
        return _dump(text, default_style='"')
    # A first line that starts with a blank would be taken for deeper indentation, so that it is stated.
    stated = "2" if text[0] in " \t\n" else ""
    chomping = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") else ""
    lines = text.removesuffix("\n").split("\n")
    return f"|{stated}{chomping}\n" + "".join(f"{margin}{line}\n" if line else "\n" for line in lines)
