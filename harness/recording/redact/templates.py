"""The leaves of a stream's events, read by template: most events differ from the one before in a few values only.

The first event of a kind is walked; what it has besides its values becomes a pattern. An event that fits a pattern has
the same leaves in the same places, and costs one match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise

from harness.recording.redact.document import Leaf, leaves, mark_names, may_lead
from harness.recording.redact.names import Weight
from harness.recording.redact.passage import Passage

#: How many kinds of events are remembered: a stream has a handful.
_MOST = 16
#: Shorter streams are walked: making a pattern costs as much as walking some twenty events.
_FEWEST = 24
#: A longer event is walked: it is no delta.
_LONGEST = 4000
#: A value, with the quotes of a string; a name has a colon after it.
_VALUE = re.compile(r'"(?:[^"\\]++|\\.)*+"(?P<colon>\s*:)?|(?P<number>-?[0-9][0-9.eE+-]*+)', re.DOTALL)
_STRING = r'"((?:[^"\\]++|\\.)*+)"'
_NUMBER = r"(-?[0-9][0-9.eE+-]*+)"


class _Template:
    """One kind of event."""

    def __init__(self, event: Passage, found: Sequence[Leaf], weight: Callable[[str], Weight]) -> None:
        self._weight = weight
        text = event.text
        parts: list[str] = []
        starts: list[int] = []
        position = 0
        for match in _VALUE.finditer(text):
            if match["colon"] is not None:
                continue
            parts += [re.escape(text[position : match.start()]), _NUMBER if match["number"] is not None else _STRING]
            starts.append(match.start() + (match["number"] is None))
            position = match.end()
        parts.append(re.escape(text[position:]))
        self.pattern = _compiled("".join(parts))
        slots = {start: slot for slot, start in enumerate(starts, 1)}
        #: The groups by whose values events of this kind are told apart: indexes, types, ids of items.
        self.marks = tuple(slots[start] for start in mark_names(text) if start in slots)
        #: The groups of what another string follows in a list, which it may announce.
        self.leads = tuple(
            slots[leaf.start]
            for leaf, follower in pairwise(found)
            if leaf.container is follower.container and not leaf.container.is_object and leaf.start in slots
        )
        #: For each value of the marks, the leaves that the walk gave.
        self.leaves: dict[tuple[str, ...], list[tuple[int, Leaf]]] = {}
        fit = self.pattern.fullmatch(text)
        self.fits = fit is not None and self.learn(fit, found)

    def key(self, match: re.Match[str]) -> tuple[str, ...]:
        """Return the marks of an event that fits."""
        leads = (match[slot] if may_lead(match[slot], self._weight) else "" for slot in self.leads)
        return (*(match[slot] for slot in self.marks), *leads)

    def learn(self, match: re.Match[str], found: Sequence[Leaf]) -> bool:
        """Keep the leaves of an event whose marks have not been met; False where some have no place in the pattern."""
        slots = {match.start(slot): slot for slot in range(1, self.pattern.groups + 1)}
        strings = [leaf for leaf in found if leaf.kind == "string"]
        if any(leaf.start not in slots for leaf in strings):
            return False
        self.leaves[self.key(match)] = [(slots[leaf.start], leaf) for leaf in strings]
        return True


def stream_leaves(events: Sequence[Passage], weight: Callable[[str], Weight]) -> Iterator[Leaf]:
    """Yield the strings and names of JSON `events`, in order; names that a kind of event repeats come once."""
    groups: dict[object, int] = {}
    templates: list[_Template] = []
    remembers = len(events) >= _FEWEST
    for event in events:
        for place, template in enumerate(templates):
            match = template.pattern.fullmatch(event.text)
            if match is None:
                continue
            if place:
                templates.insert(0, templates.pop(place))
            known = template.leaves.get(template.key(match))
            if known is None:
                found = _walked(event, weight, groups)
                template.learn(match, found)
                yield from found
            else:
                for slot, leaf in known:
                    yield leaf.like(event, match[slot], match.start(slot))
            break
        else:
            found = _walked(event, weight, groups)
            yield from found
            if remembers and len(templates) < _MOST and len(event.text) <= _LONGEST:
                template = _Template(event, found, weight)
                if template.fits:
                    templates.insert(0, template)


def _walked(event: Passage, weight: Callable[[str], Weight], groups: dict[object, int]) -> list[Leaf]:
    found = leaves(event, weight)
    for leaf in found:
        leaf.group = groups.setdefault(leaf.address, len(groups))
    return found


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)
