"""The YAML of a cassette as plain values, without trusting it.

Built from the parser's events, not through a YAML constructor: no tag can run code, nesting and aliases are bounded
while reading, a key that comes twice is refused, and 3,000 interactions take a fraction of a second. Scalars stay
text (numbers are converted by whoever knows what a field means), `!!binary` is bytes, null is None. An `io.BytesIO`, which
vcrpy writes where a client sent a file, is the text or bytes in it.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml
from msgspec import Struct

from harness.recording.files.bounds import DEEPEST_CASSETTE, LONGEST, MOST_DIGITS, MOST_VALUES

# libyaml's parser where PyYAML was built with it; the pure one reads the same, ten times slower.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_RESOLVER: Any = yaml.resolver.Resolver()
_TAG = "tag:yaml.org,2002:"
_TEXT_TAGS = frozenset(
    {"!", *(_TAG + name for name in ("str", "int", "float", "bool", "null", "python/str", "python/unicode"))}
)
_COLLECTION_TAGS = frozenset({"!", _TAG + "map", _TAG + "seq", _TAG + "python/tuple"})
#: A file in memory: a mapping whose `state` begins with what is in it.
_FILE_TAGS = frozenset(
    _TAG + f"python/object/new:{module}.{name}" for module in ("_io", "io") for name in ("BytesIO", "StringIO")
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

#: How many characters a parser may have read beyond what it has told, to see whether a key is coming.
_READ_AHEAD = 5_000
#: vcrpy writes aliases for lists that are one object, which expand a file by little. A file that grows beyond both
#: bounds is an attack or damage.
_EXPANSION_FACTOR = 10
_EXPANSION_FLOOR = 1_000_000


class BadYamlError(ValueError):
    """The text is not YAML, or YAML that no cassette needs. The message says where and why."""


class _Open(Struct, gc=False):
    """A collection whose end has not come yet."""

    value: Any
    anchor: str | None
    start: Any
    is_list: bool
    key: Any = None
    has_key: bool = False
    #: Characters and nodes in it, what aliases stand for counted each time.
    size: int = 1


@dataclass(slots=True)
class _Builder:
    """Puts events together to values."""

    limit: int
    #: Makes of a scalar that was not quoted what it stands for.
    resolve: Callable[[str], Any] | None = None
    root: Any = None
    documents: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Any, int] | None] = field(default_factory=dict)

    def document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            raise BadYamlError(f"line {_line(event)}: a second document begins")

    def open_mapping(self, event: Any) -> None:
        self._open({}, event, is_list=False)

    def open_sequence(self, event: Any) -> None:
        self._open([], event, is_list=True)

    def _open(self, value: Any, event: Any, *, is_list: bool) -> None:
        tag, anchor = event.tag, event.anchor
        if tag is not None and tag not in _COLLECTION_TAGS and (is_list or tag not in _FILE_TAGS):
            raise BadYamlError(f"line {_line(event)}: the tag {tag!r} has no place in a cassette")
        if len(self.stack) == DEEPEST_CASSETTE:
            raise BadYamlError(_too_deep(_line(event)))
        if anchor is not None:
            # None: known, but still open, so that an alias to it would be a cycle.
            self.anchors[anchor] = None
        self.stack.append(_Open(value, anchor, event, is_list))

    def close(self, _event: Any) -> None:
        done = self.stack.pop()
        if done.start.tag in _FILE_TAGS:
            done.value = _file_content(done)
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.value, done.size)
        self.add(done.value, done.size, done.start)

    def scalar(self, event: Any) -> None:
        value = _scalar(event)
        if self.resolve is not None and event.tag is None and event.implicit[0] and isinstance(value, str):
            value = self.resolve(value)
        size = 1 + len(event.value)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, size)
        self.add(value, size, event)

    def text(self, event: Any) -> None:
        """Take a scalar without tag and anchor."""
        text = event.value
        if len(text) > LONGEST:
            raise BadYamlError(_too_long(event))
        value = None if event.implicit[0] and text in _NULLS else text
        around = self.stack[-1] if self.stack else None
        if around is not None and around.size + len(text) < self.limit and (around.has_key or around.is_list):
            around.size += 1 + len(text)
            if around.is_list:
                around.value.append(value)
            else:
                around.value[around.key] = value
                around.has_key = False
        else:
            self.add(value, 1 + len(text), event)

    def alias(self, event: Any) -> None:
        known = self.anchors.get(event.anchor, ())
        if not known:
            why = "contains itself" if known is None else "was never defined"
            raise BadYamlError(f"line {_line(event)}: the alias *{event.anchor} {why}")
        self.add(*known, event)

    def add(self, value: Any, size: int, event: Any) -> None:
        if not self.stack:
            self.root = value
            return
        around = self.stack[-1]
        around.size += size
        if around.size > self.limit:
            raise BadYamlError(f"line {_line(event)}: its aliases expand to more than {self.limit} characters")
        if around.is_list:
            around.value.append(value)
        elif around.has_key:
            around.value[around.key] = value
            around.has_key = False
        else:
            key = value.decode("latin-1") if isinstance(value, bytes) else value
            if self.resolve is not None and isinstance(key, bool | int | float):
                key = event.value
            if not isinstance(key, str):
                raise BadYamlError(f"line {_line(event)}: a key must be text")
            if key in around.value:
                raise BadYamlError(f"line {_line(event)}: the key {key!r} comes twice")
            around.key, around.has_key = key, True


def load_yaml(text: str, *, typed: bool = False) -> Any:
    """Return the one document of `text` as dicts, lists, str, bytes and None; with `typed` numbers and truths as such.

    Raises:
        BadYamlError: it is no YAML or torn, has several documents, repeats a key, nests too deep, has a tag that is
            not data, or its aliases are cyclic or expand without measure.
    """
    builder = _Builder(
        limit=max(_EXPANSION_FACTOR * len(text), _EXPANSION_FLOOR), resolve=_number_or_truth if typed else None
    )
    handlers: dict[type[Any], Callable[[Any], None]] = {
        yaml.ScalarEvent: builder.scalar,
        yaml.MappingStartEvent: builder.open_mapping,
        yaml.SequenceStartEvent: builder.open_sequence,
        yaml.MappingEndEvent: builder.close,
        yaml.SequenceEndEvent: builder.close,
        yaml.AliasEvent: builder.alias,
        yaml.DocumentStartEvent: builder.document,
    }
    last: Any = None
    scalar, take_text = yaml.ScalarEvent, builder.text
    try:
        # Not yaml.parse, which asks twice for each event: they are most of the work of opening a cassette.
        next_event = _Loader(text).get_event
        left = MOST_VALUES
        while (event := next_event()) is not None:
            last = event
            left -= 1
            if left < 0:
                raise BadYamlError(f"line {_line(event)}: more than {MOST_VALUES:,} values come before it")
            # Nearly all are scalars without a tag.
            kind = type(event)
            if kind is scalar and event.tag is None and event.anchor is None and not typed:
                take_text(event)
            elif (handle := handlers.get(kind)) is not None:
                handle(event)
    except yaml.MarkedYAMLError as error:
        read_to = 0 if last is None else last.end_mark.index
        # The parser reads ahead, and has a limit of its own: ours comes first.
        if _is_deeper(text[read_to : read_to + _READ_AHEAD], DEEPEST_CASSETTE - len(builder.stack)):
            raise BadYamlError(_too_deep(text.count("\n", 0, read_to) + 1)) from error
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise BadYamlError(f"line {line}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        # A reader's, which tells no line: what it read before was text.
        raise BadYamlError("it holds control characters, which YAML has no place for") from error
    return builder.root


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


def _too_long(event: Any) -> str:
    return f"line {_line(event)}: a text that is longer than {LONGEST // 1024 // 1024} MiB"


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


def _file_content(done: _Open) -> str | bytes:
    state = done.value.get("state")
    if (
        done.value.keys() != {"state"}
        or not isinstance(state, list)
        or not state
        or not isinstance(state[0], str | bytes)
    ):
        raise BadYamlError(f"line {_line(done.start)}: a file in memory without what is in it")
    return state[0]


def _scalar(event: Any) -> str | bytes | None:
    tag = event.tag
    if len(event.value) > LONGEST:
        raise BadYamlError(_too_long(event))
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
