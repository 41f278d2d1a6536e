"""The YAML of a cassette as plain values, without trusting it.

Built from the parser's events, not through a YAML constructor: no tag can run code, nesting and aliases are bounded
while reading, a key that comes twice is refused, and 3,000 interactions take a fraction of a second. Scalars stay
text (numbers are converted by whoever knows what a field means), `!!binary` is bytes, null is None. An `io.BytesIO`, an
iterator and other objects that vcrpy writes of what a client sent are the text or bytes in them.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import contextlib
import math
import re
from collections.abc import Callable
from typing import Any, Final

import yaml

from harness.recording.files.bounds import DEEPEST_CASSETTE, LONGEST, MOST_DIGITS, MOST_VALUES

# libyaml's parser where PyYAML was built with it; the pure one reads the same, ten times slower.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_RESOLVER: Any = yaml.resolver.Resolver()
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset(
    {"!", *(_TAG + name for name in ("str", "int", "float", "bool", "null", "python/str", "python/unicode"))}
)
#: Ruby's Psych writes these as tags of its own.
_RUBY_TAGS = {f"!{name}": _TAG + name for name in ("binary", "str", "float")}
_COLLECTION_TAGS = frozenset({"!", _TAG + "map", _TAG + "seq", _TAG + "python/tuple"})
#: What vcrpy writes where a client has sent a file, piece by piece, or a bytearray, and of names that aiohttp gives: objects
#: that begin with what is in them, in a list, in `args`, or in `state`.
_OBJECT: Final = re.compile(
    re.escape(_TAG)
    + r"python/object/(?:new|apply):(?:_?io\.(?:BytesIO|StringIO)|builtins\.(?:iter|bytearray)|multidict\.\w+\.istr)"
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
#: Of mappings that are like others but for a part (https://yaml.org/type/merge.html), as people write them.
_MERGE: Final = "<<"

# Looked up for each event.
_SCALAR, _SEQUENCE = yaml.ScalarEvent, yaml.SequenceStartEvent
_MAPPING_END, _SEQUENCE_END = yaml.MappingEndEvent, yaml.SequenceEndEvent
#: What stands around a document.
_BOUNDARIES = frozenset({yaml.StreamStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent})


#: How many characters a parser may have read beyond what it has told, to see whether a key is coming.
_READ_AHEAD = 5_000
#: vcrpy writes aliases for lists that are one object, which expand a file by little. A file that grows beyond both
#: bounds is an attack or damage.
_EXPANSION_FACTOR = 10
_EXPANSION_FLOOR = 1_000_000
#: How a file begins that the parser would read as UTF-16.
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
#: Outside of a scalar, what YAML passes over (YAML 1.2.2, 6.6).
_COMMENT: Final = re.compile(r"(?<!\S)#.*")
#: In place of a value: it is still open, so that an alias to it would be a cycle; or there is none.
_OPEN: Final = object()
_UNKNOWN: Final = object()


class BadYamlError(ValueError):
    """The text is not YAML, or YAML that no cassette needs. The message says where and why."""


class _Values:
    """Puts the events of a parser together to values.

    Each collection is a call, whose loop takes a scalar without tag and anchor by itself: nearly all of a cassette are.
    """

    def __init__(self, content: bytes, resolve: Callable[[str], Any] | None) -> None:
        next_event = _Loader(content).get_event
        # No byte has more than two events: what is too much comes in large files alone.
        is_small = len(content) <= min(MOST_VALUES // 4, LONGEST)
        self._next: Callable[[], Any] = next_event if is_small else _watched(next_event)
        #: What aliases may stand for, together: characters and values.
        self._limit = max(_EXPANSION_FACTOR * len(content), _EXPANSION_FLOOR)
        self._expanded = 0
        #: Makes of a scalar that was not quoted what it stands for.
        self._resolve = resolve
        #: Values by their anchors; of one that is still open, `_OPEN`.
        self._anchors: dict[str, Any] = {}
        #: How much stands under an anchor, of those that an alias has named.
        self._sizes: dict[str, int] = {}

    def root(self) -> Any:
        """Return the value of the one document; None where there is none."""
        root: Any = None
        documents = 0
        while (event := self._next()) is not None:
            kind = type(event)
            if kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    raise BadYamlError(f"line {_line(event)}: a second document begins")
            elif kind not in _BOUNDARIES:
                root = self._value(event, 0)
        return root

    def _value(self, event: Any, depth: int) -> Any:
        """Return the value that begins with `event`, in so many collections."""
        kind = type(event)
        if kind is _SCALAR:
            return self._scalar(event)
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if depth == DEEPEST_CASSETTE or event.tag is not None or event.anchor is not None:
            return self._marked(event, depth)
        return self._sequence(depth + 1) if kind is _SEQUENCE else self._mapping(depth + 1)

    def _marked(self, event: Any, depth: int) -> Any:
        """Return the collection with a tag or an anchor that begins with `event`."""
        tag, anchor, is_list = event.tag, event.anchor, type(event) is _SEQUENCE
        is_object = tag is not None and _OBJECT.fullmatch(tag) is not None
        if tag is not None and tag not in _COLLECTION_TAGS and not is_object:
            raise BadYamlError(f"line {_line(event)}: the tag {tag!r} has no place in a cassette")
        if depth == DEEPEST_CASSETTE:
            raise BadYamlError(_too_deep(_line(event)))
        if anchor is not None:
            self._anchors[anchor] = _OPEN
            self._sizes.pop(anchor, None)
        value: Any = self._sequence(depth + 1) if is_list else self._mapping(depth + 1)
        if is_object:
            value = _object_content(value, event)
        if anchor is not None:
            self._anchors[anchor] = value
        return value

    def _sequence(self, depth: int) -> list[Any]:
        take, resolve = self._next, self._resolve
        values: list[Any] = []
        while (kind := type(event := take())) is not _SEQUENCE_END:
            if kind is _SCALAR and event.tag is None and event.anchor is None:
                value = event.value
                if event.implicit[0] and (value in _NULLS or resolve is not None):
                    value = _plain(value, resolve)
            else:
                value = self._value(event, depth)
            values.append(value)
        return values

    def _mapping(self, depth: int) -> dict[str, Any]:
        take, resolve = self._next, self._resolve
        values: dict[str, Any] = {}
        merge: Any = None
        while (kind := type(event := take())) is not _MAPPING_END:
            if kind is _SCALAR and event.tag is None and event.anchor is None:
                key = event.value
                is_text = key not in _NULLS or not event.implicit[0]
            else:
                key = _key(self._value(event, depth), event)
                is_text = isinstance(key, str)
            if not is_text:
                raise BadYamlError(f"line {_line(event)}: a key must be text")
            if key in values:
                raise BadYamlError(f"line {_line(event)}: the key {key!r} comes twice")
            if key == _MERGE and event.implicit[0]:
                merge = event
            kind = type(event := take())
            if kind is _SCALAR and event.tag is None and event.anchor is None:
                value = event.value
                if event.implicit[0] and (value in _NULLS or resolve is not None):
                    value = _plain(value, resolve)
            else:
                value = self._value(event, depth)
            values[key] = value
        return values if merge is None else _merged(values, merge)

    def _scalar(self, event: Any) -> Any:
        value = _scalar(event)
        if self._resolve is not None and event.tag is None and event.implicit[0] and isinstance(value, str):
            value = self._resolve(value)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
            self._sizes.pop(event.anchor, None)
        return value

    def _alias(self, event: Any) -> Any:
        value = self._anchors.get(event.anchor, _UNKNOWN)
        if value is _OPEN or value is _UNKNOWN:
            why = "contains itself" if value is _OPEN else "was never defined"
            raise BadYamlError(f"line {_line(event)}: the alias *{event.anchor} {why}")
        if event.anchor not in self._sizes:
            self._sizes[event.anchor] = _size(value, self._limit)
        self._expanded += self._sizes[event.anchor]
        if self._expanded > self._limit:
            raise BadYamlError(f"line {_line(event)}: its aliases expand to more than {self._limit} characters")
        return value


def _merged(values: dict[str, Any], merge: Any) -> dict[str, Any]:
    """Return a mapping with what those have that its merge key names; its own comes first, then that of the first of them."""
    named = values[_MERGE] if isinstance(values[_MERGE], list) else [values[_MERGE]]
    if not all(isinstance(part, dict) for part in named):
        raise BadYamlError(f"line {_line(merge)}: '{_MERGE}' merges what is no mapping, nor a list of them")
    merged: dict[str, Any] = {}
    for part in (*reversed(named), values):
        merged.update(part)
    del merged[_MERGE]
    return merged


def _size(value: Any, most: int) -> int:
    """Return how many characters and values there are in a value, what aliases stand for counted each time; or more than `most`."""
    size, left = 0, [value]
    while left and size <= most:
        part = left.pop()
        size += 1
        if isinstance(part, str | bytes):
            size += len(part)
        elif isinstance(part, dict):
            left += part
            left += part.values()
        elif isinstance(part, list):
            left += part
    return size


def load_yaml(content: bytes, *, typed: bool = False) -> Any:
    """Return the one document of `content` as dicts, lists, str, bytes and None; with `typed` numbers and truths as such.

    Raises:
        BadYamlError: it is no YAML or torn, has several documents, repeats a key, nests too deep, has a tag that is
            not data, or its aliases are cyclic or expand without measure.
        UnicodeDecodeError: it is not UTF-8.
    """
    if content.startswith(_UTF_16):
        content.decode()
    try:
        return _Values(content, _number_or_truth if typed else None).root()
    except yaml.MarkedYAMLError as error:
        raise _refused(content.decode(), error) from error
    except yaml.YAMLError as error:
        # A reader's, which tells no line: what it read is not UTF-8, or text with what YAML does not take.
        content.decode()
        raise BadYamlError("it holds control characters, which YAML has no place for") from error


def comments_in(text: str) -> list[str]:
    """Return the comments of a text, as far as it is YAML; but for those that stand after the mark of a block."""
    found: list[str] = []
    if _COMMENT.search(text) is None:
        return found
    next_event, read_to = _Loader(text).get_event, 0
    with contextlib.suppress(yaml.YAMLError):
        while (event := next_event()) is not None:
            if type(event) in (_SCALAR, yaml.StreamEndEvent):
                found += _COMMENT.findall(text[read_to : event.start_mark.index])
                read_to = event.end_mark.index
    return found


def _watched(next_event: Callable[[], Any]) -> Callable[[], Any]:
    """Return what gives the events of a large text, as long as they are not too many, and no scalar too long."""
    left = MOST_VALUES

    def watch() -> Any:
        nonlocal left
        event = next_event()
        left -= 1
        if left < 0 and event is not None:
            raise BadYamlError(f"line {_line(event)}: more than {MOST_VALUES:,} values come before it")
        if type(event) is yaml.ScalarEvent and len(event.value) > LONGEST:
            raise BadYamlError(f"line {_line(event)}: a text that is longer than {LONGEST // 1024 // 1024} MiB")
        return event

    return watch


def _refused(text: str, error: Any) -> BadYamlError:
    """Return what to say of a text that the parser refuses with `error`."""
    depth = read_to = 0
    with contextlib.suppress(yaml.YAMLError):
        next_event = _Loader(text).get_event
        while (event := next_event()) is not None:
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            read_to = event.end_mark.index
    # The parser reads ahead, and has a limit of its own: ours comes first.
    if _is_deeper(text[read_to : read_to + _READ_AHEAD], DEEPEST_CASSETTE - depth):
        return BadYamlError(_too_deep(text.count("\n", 0, read_to) + 1))
    line = error.problem_mark.line + 1 if error.problem_mark else "?"
    return BadYamlError(f"line {line}: {error.problem or error.context}")


def _is_deeper(text: str, levels: int) -> bool:
    """Whether more than so many collections are open at once in `text`, as far as it is YAML."""
    depth = 0
    with contextlib.suppress(yaml.YAMLError):
        for event in yaml.parse(text, Loader=yaml.BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > levels:
                return True
    return False


def _too_deep(line: int) -> str:
    return f"line {line}: nested deeper than {DEEPEST_CASSETTE} levels"


def _plain(text: str, resolve: Callable[[str], Any] | None) -> Any:
    """Return what a scalar stands for that was not quoted."""
    if text in _NULLS:
        return None
    return text if resolve is None else resolve(text)


def _key(value: Any, event: Any) -> Any:
    """Return what stands for a key, where it is text; a number that a scalar stands for is its text again."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return event.value if isinstance(value, bool | int | float) and type(event) is yaml.ScalarEvent else value


def _number_or_truth(text: str) -> Any:
    """Return what YAML has an unquoted text stand for, as far as JSON has it."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    if tag not in (_TAG + "int", _TAG + "float", _TAG + "bool"):
        return text
    if len(text) > MOST_DIGITS and tag == _TAG + "int":
        return text
    try:
        value = yaml.safe_load(text)
    except (ValueError, OverflowError):
        return text
    return value if math.isfinite(value) else text


def _object_content(value: Any, start: Any) -> str | bytes:
    held = value if isinstance(value, list) else value.get("args", value.get("state"))
    # An empty bytearray is made of nothing.
    content, *more = (held or [b""]) if isinstance(held, list) else [None]
    if isinstance(content, list) and all(isinstance(piece, bytes) for piece in content):
        content = b"".join(content)
    elif isinstance(content, list) and all(isinstance(piece, str) for piece in content):
        content = "".join(content)
    elif isinstance(content, str) and more == ["latin-1"]:
        with contextlib.suppress(UnicodeEncodeError):
            content = content.encode("latin-1")
    if not isinstance(content, str | bytes):
        raise BadYamlError(f"line {_line(start)}: an object without what is in it")
    return content


def _scalar(event: Any) -> str | bytes | None:
    tag = _RUBY_TAGS.get(event.tag, event.tag)
    if tag is None:
        return None if event.implicit[0] and event.value in _NULLS else str(event.value)
    if tag == _TAG + "binary":
        try:
            return base64.b64decode("".join(event.value.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadYamlError(f"line {_line(event)}: !!binary that is not base64") from error
    if tag in _TEXT_TAGS:
        return None if tag == _TAG + "null" else str(event.value)
    raise BadYamlError(f"line {_line(event)}: the tag {tag!r} has no place in a cassette")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
