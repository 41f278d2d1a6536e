"""The text of a declaration: its value, and where in the text each part of it stands.

YAML is read as its version 1.2 has it where it matters to people who write flows: `yes`, `no`, `on` and dates are text.
Anchors are not read: a few lines of them could stand for more than fits into memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from harness.errors import UsageError
from harness.flow.declarations.errors import DeclarationProblem, FlowDeclarationError
from harness.regular_file import read_regular

#: The deepest nesting that is read.
_MAX_DEPTH: Final = 50
#: The most bytes of one file that are read, which takes seconds for each of them.
_LARGEST: Final = 4 * 1024 * 1024
#: How much of a value is shown that can't be read.
_SHOWN: Final = 80
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
#: The scalars of YAML 1.1 that stay text.
_TEXT: Final = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge", "tag:yaml.org,2002:value")


def source_of(contents: Any, path: str | Path | None) -> DeclarationSource:
    """Return where a declaration stands: in a text, in a value, or in the file at `path`.

    Raises:
        UsageError: neither was given, or both; or the file can't be read.
        FlowDeclarationError: the text can't be read.
    """
    if (contents is None) == (path is None):
        raise UsageError("Provide contents or path: the declaration itself, or the file that it is in")
    if path is not None:
        try:
            source = DeclarationSource(declaration_text(Path(path)), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"the declaration {str(path)!r} can't be read: {error}") from error
        source.folder = Path(path).parent
        return source
    if isinstance(contents, str):
        return DeclarationSource(contents, "<declaration>")
    source = DeclarationSource("", "<declaration>")
    source.value = contents
    return source


def declaration_text(path: Path) -> str:
    """Return the text of the file at `path`. Raises OSError, also where it is no plain file or too large; UnicodeDecodeError."""
    return read_regular(path, limit=_LARGEST).decode()


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[Any, Any] = {  # noqa: RUF012 - as PyYAML has it
        first: [
            (tag, pattern)
            for tag, pattern in resolvers
            if tag not in _TEXT and (tag != "tag:yaml.org,2002:bool" or first in "tTfF")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class DeclarationSource:
    """A declaration that has been read."""

    #: What errors call it: the path of its file, or what was given in place of one.
    name: str
    #: Plain JSON.
    value: Any
    #: Where the files are that it names: beside its own, or, of text, in the current folder.
    folder: Path = Path()

    def __init__(self, text: str, name: str) -> None:
        """Read YAML, of which JSON is a part.

        Raises:
            FlowDeclarationError: it is neither; or it has anchors, a key twice, or nests too deep.
        """
        self.name = name
        self._loader = _Loader("")
        # A tab is a space in JSON, and nothing that YAML indents by.
        text = text.replace("\t", " ") if text.lstrip().startswith("{") else text
        self._root = self._composed(text)
        self.value = None if self._root is None else self._value_of(self._root)

    def problem(self, path: Sequence[int | str], message: str, *, at_key: bool = False) -> DeclarationProblem:
        """Return a problem with the part at `path`, or, where that is not there, with what it would be in.

        A text or a number is where it begins, or with `at_key` where its key does, and all else is where its key is.
        """
        return _problem(".".join(map(str, path)), message, self._mark(path, at_key=at_key))

    def error(self, path: Sequence[int | str], message: str) -> FlowDeclarationError:
        """Return the error that one problem is."""
        return FlowDeclarationError(self.name, [self.problem(path, message)])

    def _mark(self, path: Sequence[int | str], *, at_key: bool) -> Any:
        node, mark = self._root, self._root.start_mark if self._root is not None else None
        for part in path:
            if isinstance(node, yaml.MappingNode):
                found = next(((key, item) for key, item in node.value if key.value == str(part)), None)
                if found is None:
                    continue
                key, node = found
                mark = key.start_mark if at_key or not isinstance(node, yaml.ScalarNode) else node.start_mark
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                mark = node.start_mark
        return mark

    def _composed(self, text: str) -> Any:
        try:
            depth = 0
            for event in yaml.parse(text, _Loader):
                if isinstance(event, yaml.AliasEvent):
                    raise self._unread("anchors and aliases are not read; write it out", event.start_mark)
                if isinstance(event, yaml.NodeEvent) and depth > _MAX_DEPTH:
                    raise self._unread(f"this nests deeper than {_MAX_DEPTH} levels", event.start_mark)
                depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            return yaml.compose(text, _Loader)
        except yaml.MarkedYAMLError as error:
            raise self._unread(str(error.problem or error.context), error.problem_mark) from error
        except (yaml.YAMLError, RecursionError) as error:
            raise self._unread(f"this is no YAML: {error}", None) from error

    def _unread(self, message: str, mark: Any) -> FlowDeclarationError:
        return FlowDeclarationError(self.name, [_problem("", message, mark)])

    def _value_of(self, node: Any) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return [self._value_of(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node))
        return self._scalar(node)

    def _items(self, node: yaml.MappingNode) -> Iterator[tuple[str, Any]]:
        seen = set()
        for key, item in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._unread("a key is text", key.start_mark)
            if key.value in seen:
                raise self._unread(f"the key {key.value!r} is here twice", key.start_mark)
            seen.add(key.value)
            yield key.value, self._value_of(item)

    def _scalar(self, node: Any) -> Any:
        try:
            value = self._loader.construct_object(node)
            return _joined(value) if isinstance(value, str) and _SURROGATE.search(value) else value
        except (yaml.YAMLError, ValueError) as error:
            raise self._unread(
                f"{_shortened(node.value)!r} can't be read: {getattr(error, 'problem', error)}", node.start_mark
            ) from error


def _problem(path: str, message: str, mark: Any) -> DeclarationProblem:
    return DeclarationProblem(path, message, *((mark.line + 1, mark.column + 1) if mark else ()))


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _joined(text: str) -> str:
    """Return text with the pairs of surrogates joined that JSON has for characters beyond its 16 bits."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
