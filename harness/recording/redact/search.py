"""Looking for secrets in passages and in JSON documents, and blotting what is found.

A `Search` reads one body or one text. It looks at each string as it reads when decoded, at the deltas of a stream
put together field by field, at JSON inside strings, at what base64 and percent-encoding hide; what it finds it blots
where it is written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.recording.redact.document import Leaf, leaves
from harness.recording.redact.names import is_secret_value
from harness.recording.redact.passage import Base64, Joined, Passage, PercentEncoded, Slice, decoded_base64
from harness.recording.redact.rules import Rule, find, live_rules

#: JSON in base64 in JSON … is followed this far.
_DEPTH = 4
#: Shorter base64 holds no credential.
_BASE64_RUN = re.compile(r"[A-Za-z0-9+/_-]{20,}={0,2}")
#: Longer runs are files, which start where the run starts; in shorter ones the base64 may start anywhere.
_SHORT_RUN = 4096
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
#: Where log probabilities spell the text: OpenAI, Gemini, and the older completions.
_LOGPROB_FIELDS = frozenset({"bytes", "token", "tokens"})
#: How JSON may write an ASCII character of a secret other than as itself.
_HIDING_ESCAPE = re.compile(r"\\u00[0-7]|\\/")
#: Where a JSON object or list may begin, at the start of a text or after prose.
_JSON_START = re.compile(r'(?:\{\s*["}]|\[\s*[{\["\]])')
_JSON_PUNCTUATION = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)|\"", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Hit:
    """A secret that was blotted: what kind, and under which field. Never the secret itself."""

    rule: str
    where: str


def may_hold_a_secret(text: str) -> bool:
    """Return False only where no search of `text`, raw JSON or not, could find anything. Quick."""
    # What names announce is among the rules: their anchors hold those of every secret name.
    return bool(live_rules(text)) or _HIDING_ESCAPE.search(text) is not None or _hidden_rules(text) != ()


class Search:
    """One pass over one body or text. `hits` lists what was blotted."""

    def __init__(self) -> None:
        self.hits: list[Hit] = []
        #: Every secret that was met, also those that were blotted already.
        self._matches = 0

    def text(self, passage: Passage, where: str, *, depth: int = 0) -> None:
        """Blot every secret in `passage`, a text of any kind."""
        text = passage.text
        self._look(passage, where, live_rules(text), depth, hides=bool(_hidden_rules(text)))

    def malformed(self, document: Passage, where: str) -> None:
        """Blot what a document that is no JSON, although it begins like it, holds outside of any string."""
        rules = live_rules(document.text)
        if rules and not _is_json(document.text):
            self._blot_matches(document, where, rules)

    def documents(self, documents: Sequence[Passage], where: str, *, streamed: bool, depth: int = 0) -> None:
        """Blot every secret in JSON `documents`; `streamed`: they are events whose deltas belong together."""
        found = [leaf for document in documents for leaf in leaves(document)]
        if streamed:
            found = [inner for leaf in found for inner in _unpacked(leaf)]
        looked_at: list[Leaf] = []
        for leaf in found:
            if leaf.exempt:
                continue
            if leaf.secret or is_secret_value(leaf.key, leaf.passage.text):
                self._blot(leaf.passage, 0, len(leaf.passage.text), "secret-name", _place(where, leaf.path))
            elif leaf.kind != "number":
                looked_at.append(leaf)
        self._look_at_all(looked_at, where, streamed=streamed, depth=depth)
        if self.hits:
            self._blot_logprobs(found, where)

    def _look_at_all(self, found: Sequence[Leaf], where: str, *, streamed: bool, depth: int) -> None:
        groups: dict[object, list[Leaf]] = {}
        for leaf in found:
            groups.setdefault(leaf.address if streamed else leaf, []).append(leaf)
        places: list[tuple[Passage, str]] = []
        for group in groups.values():
            # Each alone too: what has one address may be whole texts one after the other, not pieces of one.
            places.extend((leaf.passage, leaf.path) for leaf in group)
            if len(group) > 1:
                places.append((Joined([leaf.passage for leaf in group]), group[0].path))
        # One scan of everything together decides which rules are worth asking about each text.
        everything = "\n".join({passage.text for passage, _ in places})
        rules = live_rules(everything)
        hides = bool(_hidden_rules(everything))
        clean: set[str] = set()
        for passage, path in places:
            if passage.text in clean or not (rules or hides or _JSON_START.search(passage.text)):
                continue
            matches = self._matches
            self._look(passage, _place(where, path), rules, depth, hides=hides)
            if self._matches == matches:
                clean.add(passage.text)

    def _look(self, passage: Passage, where: str, rules: Sequence[Rule], depth: int, *, hides: bool) -> None:
        text = passage.text
        json_start = _JSON_START.search(text)
        if json_start is not None and depth < _DEPTH:
            document = Slice(passage, json_start.start(), len(text))
            self.documents([document], where, streamed=False, depth=depth + 1)
            if not text[: json_start.start()].strip() and _is_json(text):
                return
        self._blot_matches(passage, where, rules)
        if hides and depth < _DEPTH:
            self._look_at_base64(passage, where, depth + 1)
            if _PERCENT.search(text):
                self.text(PercentEncoded(passage), where, depth=_DEPTH)

    def _blot_matches(self, passage: Passage, where: str, rules: Sequence[Rule]) -> None:
        text = passage.text
        protected = _punctuation(text) if _JSON_START.search(text) else frozenset[int]()
        for rule, start, stop in find(text, rules):
            self._blot(passage, start, stop, rule.name, where, protected)

    def _look_at_base64(self, passage: Passage, where: str, depth: int) -> None:
        for run in _BASE64_RUN.finditer(passage.text):
            for start in _alignments(*run.span()):
                if live_rules(_decoded(run.string[start : run.end()])):
                    self.text(Base64(passage, start, run.end()), where, depth=depth)

    def _blot_logprobs(self, found: Sequence[Leaf], where: str) -> None:
        """Blot the log probabilities whole: they spell the text again, token by token, with alternatives and bytes."""
        for leaf in found:
            if leaf.kind != "name" and leaf.key in _LOGPROB_FIELDS and "logprobs" in leaf.path:
                self._blot(leaf.passage, 0, len(leaf.passage.text), "logprobs", _place(where, leaf.path))

    def _blot(
        self, passage: Passage, start: int, stop: int, rule: str, where: str, protected: frozenset[int] = frozenset()
    ) -> None:
        self._matches += 1
        changed = False
        for index in range(start, stop):
            if index not in protected:
                changed |= passage.blot(index, index + 1)
        if changed:
            self.hits.append(Hit(rule, where))


def _place(where: str, path: str) -> str:
    return f"{where}: {path}" if where and path else where or path


def _unpacked(leaf: Leaf) -> list[Leaf]:
    """The leaves of an event that stands in another as base64, as Bedrock's InvokeModelWithResponseStream sends it."""
    if leaf.kind == "string" and leaf.key == "bytes" and leaf.passage.text.startswith("eyJ"):
        return leaves(Base64(leaf.passage, 0, len(leaf.passage.text)))
    return [leaf]


def _hidden_rules(text: str) -> tuple[Rule, ...]:
    """The rules that could match in what `text` holds in base64 or percent-encoding."""
    hidden = [
        _decoded(text[start : run.end()]) for run in _BASE64_RUN.finditer(text) for start in _alignments(*run.span())
    ]
    if _PERCENT.search(text):
        hidden.append(_PERCENT.sub(lambda match: chr(int(match.group()[1:], 16)), text))
    return live_rules("\n".join(hidden))


def _alignments(start: int, stop: int) -> range:
    return range(start, start + (4 if stop - start <= _SHORT_RUN else 1))


def _decoded(encoded: str) -> str:
    return decoded_base64(encoded).decode("latin-1")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _punctuation(text: str) -> frozenset[int]:
    """Where the quotes and escapes of a text stand that may be JSON, so that blotting leaves them whole."""
    return frozenset(index for match in _JSON_PUNCTUATION.finditer(text) for index in range(*match.span()))
