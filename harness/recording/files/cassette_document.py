"""The document in a cassette file, in whichever form it was written: YAML or JSON, plain or as gzip.

Forms that other tools write and that hold the same are brought to the one of vcrpy: those of other recorders
(`foreign_forms`), lists of requests and responses side by side (langchain's tests), and a list of interactions without a
head (vcrpy before 1.0).
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any, Final

from harness.errors import UnreadableRecordingError
from harness.recording.files.cassette_yaml import BadYamlError, load_yaml
from harness.recording.files.content import LARGEST, content_of
from harness.recording.files.foreign_forms import interactions_of

#: The version of vcrpy's format that we read and write.
FORMAT_VERSION: Final = 1

_GZIP: Final = b"\x1f\x8b"


def cassette_name(path: Path) -> str:
    """Return how messages name the cassette at `path`: a relative path as it is, of an absolute one the last parts."""
    return Path(*path.parts[-3:]).as_posix() if path.is_absolute() else path.as_posix()


def cassette_text(path: Path) -> str:
    """Return what is in the file.

    Raises:
        UnreadableRecordingError: it is missing, empty, too large, or no text.
    """
    name = cassette_name(path)
    try:
        content = content_of(path)
    except FileNotFoundError as error:
        raise UnreadableRecordingError(
            f"cassette '{name}' is missing: no file at {path}; check the path, or record it with --mode once"
        ) from error
    except OSError as error:
        raise UnreadableRecordingError(f"cassette '{name}' can't be read: {error.strerror} ({path})") from error
    if content.startswith(_GZIP):
        content = _unpacked(content, name)
    if not content.strip():
        raise unreadable(name, "it is empty", "a mapping with 'interactions'")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(name, f"byte {error.start} is not UTF-8", "a text file") from error


def entries_of(text: str, name: str, *, typed: bool = False) -> list[Any]:
    """Return the interactions of a document as plain values, each to be looked at.

    Scalars are text, but where the document is JSON, or with `typed`, which bodies need that were written as values.

    Raises:
        UnreadableRecordingError: it is torn, no cassette, or of a later version.
    """
    document = _document(text, name, typed=typed)
    if isinstance(document, list) and document and isinstance(document[0], dict) and "request" in document[0]:
        return document
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


def _unpacked(content: bytes, name: str) -> bytes:
    decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        unpacked = decoder.decompress(content, LARGEST)
    except zlib.error as error:
        raise unreadable(name, f"it is no whole gzip file ({error})", "a cassette, plain or as gzip") from error
    if not decoder.eof:
        why = "unpacks to more than is read of one file" if decoder.unconsumed_tail else "ends in the middle"
        raise unreadable(name, f"it is a gzip file that {why}", "a cassette, plain or as gzip")
    return unpacked


def _document(text: str, name: str, *, typed: bool) -> Any:
    # Not as YAML, which JSON nearly is: the two halves of an emoji's escape are no characters to YAML.
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_pairs_hook=_without_doubles)
        except RecursionError as error:
            raise unreadable(
                name, "it is JSON, nested too deep to be a cassette", "a mapping with 'interactions'"
            ) from error
        except _DoubleKeyError as error:
            raise unreadable(name, f"it is JSON in which the key {error} comes twice", "each key once") from error
        except ValueError:
            # A flow mapping of YAML begins like this, too.
            pass
    try:
        return load_yaml(text, typed=typed)
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
    if isinstance(version, bool) or not str(version).isdecimal():
        raise unreadable(name, f"version is {version!r}", "a whole number")
    if int(version) > FORMAT_VERSION:
        raise UnreadableRecordingError(
            f"cassette '{name}' can't be read: its version is {version} and {FORMAT_VERSION} is the latest known here; "
            "read it with the version of the program that wrote it, or a later one"
        )


def kind_of(value: Any) -> str:
    """Return what a plain value is, as messages name it."""
    for kind, told in (
        (dict, "a mapping"),
        (list, "a list"),
        (str, "text"),
        (bytes, "binary"),
        (bool, "true or false"),
    ):
        if isinstance(value, kind):
            return told
    return "null" if value is None else "a number"


def unreadable(name: str, found: str, expected: str) -> UnreadableRecordingError:
    """Return the error for a cassette that this reader does not take. What another tool reads may be well."""
    return UnreadableRecordingError(f"cassette '{name}' can't be read: {found}; expected {expected}")
