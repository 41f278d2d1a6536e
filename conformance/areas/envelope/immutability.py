"""The check of `envelope.immutable`: edits are tried, looked for in the other view, and undone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import is_, methodcaller
from typing import Any

from conformance.timeline.evidence import AnyFrame, Evidence
from conformance.timeline.expected import Breach

#: Deeper parts of a payload are not tried; one that contains itself has no end.
_MAX_LEVELS = 200
_MARK = "\x00edited by a consumer"
Edit = Callable[[Any], object]
_EDITS_OF_MAPPINGS: Sequence[Edit] = (
    methodcaller("__setitem__", _MARK, _MARK),
    methodcaller("update", {_MARK: _MARK}),
    methodcaller("setdefault", _MARK, _MARK),
    methodcaller("__ior__", {_MARK: _MARK}),
    lambda mapping: mapping.__delitem__(next(iter(mapping))),
    lambda mapping: mapping.pop(next(iter(mapping))),
    methodcaller("popitem"),
    methodcaller("clear"),
)
_EDITS_OF_LISTS: Sequence[Edit] = (
    methodcaller("append", _MARK),
    methodcaller("extend", [_MARK]),
    methodcaller("insert", 0, _MARK),
    methodcaller("__iadd__", [_MARK]),
    methodcaller("__imul__", 2),
    methodcaller("__setitem__", 0, _MARK),
    methodcaller("__delitem__", 0),
    lambda items: items.remove(items[0]),
    methodcaller("pop"),
    methodcaller("reverse"),
    methodcaller("sort", key=id),
    methodcaller("sort", key=id, reverse=True),
    methodcaller("clear"),
)
#: Dicts come first: the general kind takes ten times as long to ask for.
_MAPPINGS = (dict, Mapping)
_CONTAINERS = (dict, list, Mapping)
#: Most of what stands in a payload, and what nothing stands in.
_LEAVES = frozenset({str, int, float, bool, type(None)})


def immutable(evidence: Evidence) -> Iterator[Breach]:
    """No edit of a frame or its payload is seen in another view, which is the same frame in `replayed`."""
    closed: set[type] = set()
    for frame, other in zip(evidence.frames, evidence.replayed or (), strict=False):
        if _edit_of_field_shows(frame, other):
            yield frame.seq, f"the fields of {frame.type} can be assigned, and another reader sees it"
        for path in _edits_that_show(frame.data, partial(getattr, other, "data"), "data", closed):
            yield frame.seq, f"{path} of {frame.type} can be edited, and another reader sees it"
        for path in _edits_that_show(frame.namespace, partial(getattr, other, "namespace"), "namespace", closed):
            yield frame.seq, f"{path} of {frame.type} can be edited, and another reader sees it"


def _edit_of_field_shows(frame: AnyFrame, other: AnyFrame) -> bool:
    original = frame.type
    try:
        setattr(frame, "type", _MARK)
    except Exception:
        return False
    shows = other.type == _MARK
    setattr(frame, "type", original)
    return shows


def _edits_that_show(
    value: Any, other: Callable[[], Any], path: str, closed: set[type], level: int = 1
) -> Iterator[str]:
    """Edit every container in `value`; give the paths whose edit shows at the same place of `other()`."""
    if isinstance(value, _MAPPINGS):
        if _edit_shows(value, other, _EDITS_OF_MAPPINGS, closed):
            yield path
        items: Iterator[tuple[Any, Any]] = iter(list(value.items()))
        step = ".{}"
    elif isinstance(value, list):
        if _edit_shows(value, other, _EDITS_OF_LISTS, closed):
            yield path
        items = iter(list(enumerate(value)))
        step = "[{}]"
    else:
        return
    for key, item in items:
        if type(item) not in _LEAVES and isinstance(item, _CONTAINERS) and level < _MAX_LEVELS:
            yield from _edits_that_show(item, partial(_part, other, key), path + step.format(key), closed, level + 1)


def _part(whole: Callable[[], Any], key: Any) -> Any:
    return whole()[key]


def _edit_shows(value: Any, other: Callable[[], Any], edits: Sequence[Edit], closed: set[type]) -> bool:
    """Return whether any edit of a container is seen in the other view. What was edited is put back.

    Of a kind that has been found `closed` to all edits, only the first is tried again.
    """
    before: Any = [*list.__iter__(value)] if isinstance(value, list) else dict(value)
    shows, is_closed = False, bool(before)
    for edit in edits[:1] if type(value) in closed else edits:
        with contextlib.suppress(Exception):
            edit(value)
        if _is_edited(value, before):
            is_closed = False
            try:
                seen = other()
            except LookupError:
                # It is gone from where it was: a container inside itself.
                seen = value
            shows = shows or seen is value or _is_edited(seen, before, by_marks=True)
            # What is closed to whoever mends it stays edited: one more fault, and no reason to judge nothing.
            with contextlib.suppress(Exception):
                _put_back(value, before)
    if is_closed:
        closed.add(type(value))
    return shows


def _is_edited(value: Any, before: Any, *, by_marks: bool = False) -> bool:
    """Whether a container is not as it was; `by_marks`, by what edits put in or take out, where its items may be others."""
    if len(value) != len(before):
        return True
    if not isinstance(value, list):
        return _MARK in value
    return bool(before) and (value[0] == _MARK if by_marks else not all(map(is_, list.__iter__(value), before)))


def _put_back(value: Any, items: Any) -> None:
    # Past what a container closes of its own.
    if isinstance(value, list):
        list.__setitem__(value, slice(None), items)
    elif isinstance(value, dict):
        dict.clear(value)
        dict.update(value, items)
    else:
        value.clear()
        value.update(items)
