"""The check of `envelope.immutable`: edits are tried, looked for in the other view, and undone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from conformance.timeline.any_frame import AnyFrame
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import Breach

#: Deeper parts of a payload are not tried; one that contains itself has no end.
_MAX_LEVELS = 200
_MARK = "\x00edited by a consumer"
#: Dicts come first: the general kind takes ten times as long to ask for.
_MAPPINGS = (dict, Mapping)
_CONTAINERS = (dict, list, Mapping)
#: Most of what stands in a payload, and what nothing stands in.
_LEAVES = frozenset({str, int, float, bool, type(None)})


def immutable(evidence: Evidence) -> Iterator[Breach]:
    """No edit of a frame or its payload is seen in another view.

    The other view is the same frame in `replayed`. Without a replay it is the frame itself read again, since readers
    may then be sharing it: an edit that stays is an edit that others see.
    """
    replayed = evidence.replayed
    for place, frame in enumerate(evidence.frames):
        other = replayed[place] if replayed is not None and place < len(replayed) else frame
        if _edit_of_field_shows(frame, other):
            yield frame.seq, f"the fields of {frame.type} can be assigned, and another reader sees it"
        for path in _edits_that_show(frame.data, partial(getattr, other, "data"), "data"):
            yield frame.seq, f"{path} of {frame.type} can be edited, and another reader sees it"
        for path in _edits_that_show(frame.namespace, partial(getattr, other, "namespace"), "namespace"):
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


def _edits_that_show(value: Any, other: Callable[[], Any], path: str, level: int = 1) -> Iterator[str]:
    """Edit every container in `value`; give the paths whose edit shows at the same place of `other()`."""
    if isinstance(value, _MAPPINGS):
        if _edit_of_mapping_shows(value, other):
            yield path
        items: Iterator[tuple[Any, Any]] = iter(list(value.items()))
        step = ".{}"
    elif isinstance(value, list):
        if _edit_of_list_shows(value, other):
            yield path
        items = iter(list(enumerate(value)))
        step = "[{}]"
    else:
        return
    for key, item in items:
        if type(item) not in _LEAVES and isinstance(item, _CONTAINERS) and level < _MAX_LEVELS:
            yield from _edits_that_show(item, partial(_part, other, key), path + step.format(key), level + 1)


def _part(whole: Callable[[], Any], key: Any) -> Any:
    return whole()[key]


def _edit_of_mapping_shows(value: Any, other: Callable[[], Any]) -> bool:
    try:
        value[_MARK] = _MARK
    except Exception:
        return False
    shows = _MARK in other()
    # What can be added to and not taken from stays edited: one more fault, and no reason to judge nothing.
    with contextlib.suppress(Exception):
        del value[_MARK]
    return shows


def _edit_of_list_shows(value: list[Any], other: Callable[[], Any]) -> bool:
    try:
        value.append(_MARK)
    except Exception:
        return False
    shows = bool(other()) and other()[-1] == _MARK
    value.pop()
    return shows
