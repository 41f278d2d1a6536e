"""The document in a cassette file, in whichever form it was written: YAML or JSON, plain or as gzip.

Forms that other tools write and that hold the same are brought to the one of vcrpy: those of other recorders
(`foreign_forms`), lists of requests and responses side by side (langchain's tests), and a list of interactions without a
head (vcrpy before 1.0).
"""

from __future__ import annotations

import codecs
import json
import re
from pathlib import Path
from typing import Any, Final

from harness.errors import UnreadableRecordingError
from harness.recording.files.bounds import DEEPEST_CASSETTE, MOST_DIGITS, json_problem, whole_number
from harness.recording.files.cassette_yaml import BadYamlError, comments_in, load_yaml
from harness.recording.files.content import content_of
from harness.recording.files.foreign_forms import interactions_of
from harness.recording.redact.bodies import redacted_text
from harness.recording.redact.content_coding import gunzipped
from harness.recording.words.advice import with_mode
from harness.regular_file import LARGEST

#: The version of vcrpy's format that we read and write.
FORMAT_VERSION: Final = 1

#: How much of a value messages show.
_SHOWN: Final = 60
_GZIP: Final = b"\x1f\x8b"
#: Where git has left both sides of a merge. In the first column, YAML has them for a part of a quoted text around them.
_CONFLICTS: Final = (b"\n<<<<<<< ", b"\n>>>>>>> ")
_SIDES: Final = frozenset({"request", "requests", "response", "responses"})
#: What of these is read; of requests the URL, too, while responses have others; what holds the text of a body in archives.
_READ: Final = frozenset({"headers", "body", "parsed_body", "status", "ended", "method", "uri"})
_ARCHIVED: Final = frozenset({"content", "postData"})
#: How the files begin that stand beside a recording's cassette.
_OF_RECORDING: Final = re.compile(rb'\{\s*"format": ?"harness\.(?:recording|frames)/')


def cassette_name(path: Path) -> str:
    """Return how messages name the cassette at `path`: a relative path as it is, of an absolute one the last parts."""
    parts = path.parts
    return "/".join(parts[-3:]) if len(parts) > 3 and path.is_absolute() else path.as_posix()


def cassette_content(path: Path) -> bytes:
    """Return what is in the file, unpacked and without a byte order mark.

    Raises:
        UnreadableRecordingError: it is missing, empty, too large, in the middle of a merge, or another part of a recording.
    """
    name = cassette_name(path)
    try:
        content = content_of(path)
    except FileNotFoundError as error:
        raise UnreadableRecordingError(
            f"cassette '{name}' is missing: no file at {path}; check the path, or record it with {with_mode('once')}"
        ) from error
    except OSError as error:
        raise UnreadableRecordingError(f"cassette '{name}' can't be read: {error.strerror} ({path})") from error
    if content.startswith(_GZIP):
        content = _unpacked(content, name)
    if not content or content.isspace():
        raise unreadable(name, "it is empty", "a mapping with 'interactions'")
    if _OF_RECORDING.match(content):
        raise unreadable(name, "it is a part of a recording", f"a cassette, or all of the recording, '{path.parent}'")
    for mark in _CONFLICTS:
        if (place := content.find(mark)) >= 0:
            line = content.count(b"\n", 0, place) + 2
            raise unreadable(
                name, f"line {line}: git has left a merge there that nobody has resolved", "one side of it"
            )
    return content.removeprefix(codecs.BOM_UTF8)


def entries_of(content: bytes, name: str, *, typed: bool = False) -> list[Any]:
    """Return the interactions of a document as plain values, each to be looked at.

    Scalars are text, but where the document is JSON, or with `typed`, which bodies need that were written as values.

    Raises:
        UnreadableRecordingError: it is torn, no text, no cassette, or of a later version.
    """
    document = _document(content, name, typed=typed)
    if isinstance(document, list) and document and isinstance(document[0], dict) and "request" in document[0]:
        document = {"interactions": document}
    if not isinstance(document, dict):
        raise unreadable(name, "it is not a cassette", "a mapping with 'interactions'")
    foreign = interactions_of(document)
    if foreign is not None:
        # A version here is that of another format.
        return foreign
    if "interactions" not in document and {"requests", "responses"} <= document.keys():
        document = {**document, "interactions": _side_by_side(document, name)}
    if "interactions" not in document:
        raise unreadable(name, "it is not a cassette", "a mapping with 'interactions'")
    _check_version(document.get("version", FORMAT_VERSION), name)
    entries = document["interactions"]
    if not isinstance(entries, list):
        raise unreadable(name, f"interactions is {kind_of(entries)}", "a list")
    return entries


def rest_of(content: bytes, name: str) -> tuple[Any, str]:
    """Return what a document holds beside the interactions that are read from it, as plain values, and its comments.

    Other tools write a request's cookies and query once more, where the server was, and what somebody has noted.

    Raises:
        UnreadableRecordingError: it is torn, or no text.
    """
    return _unread(_document(content, name, typed=True)), "\n".join(comments_in(content.decode()))


def _unread(value: Any) -> Any:
    if isinstance(value, list):
        return list(map(_unread, value))
    if not isinstance(value, dict):
        return value
    return {key: _unread_side(part) if key in _SIDES else _unread(part) for key, part in value.items()}


def _unread_side(side: Any) -> Any:
    if isinstance(side, list):
        return list(map(_unread_side, side))
    if not isinstance(side, dict):
        return side
    read = {*_READ, "url"} if "method" in side else _READ
    return {key: _unarchived(part) if key in _ARCHIVED else part for key, part in side.items() if key not in read}


def _unarchived(part: Any) -> Any:
    return {key: value for key, value in part.items() if key != "text"} if isinstance(part, dict) else None


def _unpacked(content: bytes, name: str) -> bytes:
    expected = "a cassette, plain or as gzip"
    try:
        return gunzipped(content, LARGEST)
    except OverflowError:
        why = f"unpacks to more than {LARGEST // 1024 // 1024} MiB, the most that is read of one file"
        raise unreadable(name, f"it is a gzip file that {why}", expected) from None
    except EOFError:
        raise unreadable(name, "it is a gzip file that ends in the middle", expected) from None
    except ValueError as error:
        raise unreadable(name, f"it is no whole gzip file ({error})", expected) from error


def _document(content: bytes, name: str, *, typed: bool) -> Any:
    try:
        return _value(content, name, typed=typed)
    except UnicodeDecodeError as error:
        raise unreadable(name, f"byte {error.start} is not UTF-8", "a text file") from error


def _value(content: bytes, name: str, *, typed: bool) -> Any:
    # Not as YAML, which JSON nearly is: the two halves of an emoji's escape are no characters to YAML.
    if content.lstrip().startswith((b"{", b"[")):
        text = content.decode()
        problem = json_problem(text, DEEPEST_CASSETTE)
        if problem is not None:
            raise unreadable(name, f"{problem}, too much to be a cassette", "a mapping with 'interactions'")
        try:
            return json.loads(text, object_pairs_hook=_without_doubles)
        except _DoubleKeyError as error:
            raise unreadable(name, f"it is JSON in which the key {error} comes twice", "each key once") from error
        except ValueError:
            # A flow mapping of YAML begins like this, too.
            pass
    try:
        return load_yaml(content, typed=typed)
    except BadYamlError as error:
        raise unreadable(name, f"{error}", "a whole YAML document") from error


class _DoubleKeyError(Exception):
    """The key that comes twice."""


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DoubleKeyError(repr(key))
        found[key] = value
    return found


def _side_by_side(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    requests, responses = document["requests"], document["responses"]
    if not isinstance(requests, list) or not isinstance(responses, list) or len(requests) != len(responses):
        raise unreadable(name, "requests and responses are not two lists of one length", "a response for each request")
    return [{"request": request, "response": response} for request, response in zip(requests, responses, strict=True)]


def _check_version(version: Any, name: str) -> None:
    number = whole_number(version)
    if number is None:
        raise unreadable(name, f"version is {shown(version)}", f"a whole number of at most {MOST_DIGITS} digits")
    if number > FORMAT_VERSION:
        raise UnreadableRecordingError(
            f"cassette '{name}' can't be read: its version is {number} and {FORMAT_VERSION} is the latest known here; "
            "read it with the version of the program that wrote it, or a later one"
        )


def shown(value: Any) -> str:
    """Return a plain value as messages show it: what it is, and a text, without credentials, or number with its beginning."""
    if isinstance(value, str | float):
        text = repr(redacted_text(value)[0] if isinstance(value, str) else value)
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    # A whole number of thousands of digits can't even be shown.
    return str(value) if isinstance(value, int) and abs(value) < 10**MOST_DIGITS else kind_of(value)


def kind_of(value: Any) -> str:
    """Return what a plain value is, as messages name it."""
    for kind, name in (
        (dict, "a mapping"),
        (list, "a list"),
        (str, "text"),
        (bytes, "binary"),
        (bool, "true or false"),
    ):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "a number"


def unreadable(name: str, found: str, expected: str) -> UnreadableRecordingError:
    """Return the error for a cassette that this reader does not take. What another tool reads may be well.

    `found` may quote the file: it is told without credentials.
    """
    return UnreadableRecordingError(f"cassette '{name}' can't be read: {redacted_text(found)[0]}; expected {expected}")
