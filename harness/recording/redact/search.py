"""Looking for secrets in passages and in JSON documents, and blotting what is found.

A `Search` reads one body or one text. It looks at each string as it reads when decoded, at the deltas of a stream
put together field by field, at JSON inside strings, at what base64, percent-encoding and queries hide; what it finds it
blots where it is written. What a secret is, `judge` says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

import orjson
from msgspec import Struct
from msgspec.structs import replace

from harness.recording.redact.document import Container, Leaf, leaves, numbers
from harness.recording.redact.judge import SHORTEST_BASE64, Judge, Lens
from harness.recording.redact.passage import (
    CODE,
    COLOURED,
    FOLDED,
    FORM,
    URL,
    UTF_8,
    WIDE,
    Base64,
    Buffer,
    Decoded,
    JoinedPassage,
    Passage,
    Slice,
    decoded_base64,
    has_escapes,
    is_coloured,
    is_wide,
)
from harness.recording.redact.structures import arguments
from harness.recording.redact.templates import stream_leaves

#: JSON in base64 in JSON … is followed this far.
_DEPTH = 5
_BASE64_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{{SHORTEST_BASE64},}}+={{0,2}}")
#: What a text has that another hides in.
_MAY_HIDE = re.compile(rf"[=%{{\[]|[A-Za-z0-9+/_-]{{{SHORTEST_BASE64}}}")
#: Longer runs are files, which start where the run starts; in shorter ones the base64 may start anywhere.
_SHORT_RUN = 4096
#: Bytes that are text: what base64 of anything else holds no credential without.
_READABLE = re.compile(rb"[\x20-\x7e\t\r\n]{12,}+")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_QUERY = re.compile(r"(?P<mark>[?&#;])(?P<name>[A-Za-z0-9_.\[\]%-]{1,80})=(?P<value>[^&#\s\"'<>\\]*+)")
#: Where the program stands beside a list of its arguments.
_COMMAND_FIELDS = frozenset({"cmd", "command", "executable", "program"})
_OPTION = re.compile(r"--?[A-Za-z]")
#: Where log probabilities spell the text: OpenAI, Gemini, and the older completions.
_LOGPROB_FIELDS = frozenset({"token", "tokens"})
_LOGPROB_BYTES = re.compile(r'"bytes"\s{0,8}:\s{0,8}\[')
#: Where a JSON object or list may begin, at the start of a text or after prose.
_JSON_START = re.compile(r'(?:\{\s{0,40}["}]|\[\s{0,40}[{\["\]])')
#: What a text that is written again in another has, and that must stay whole where it is decoded.
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|[nrtbf/])")
#: Parts where a text stands from where something stands in it, in the places of a search.
INSIDE: Final = "\0"


class Hit(Struct, frozen=True):
    """A secret that was blotted: what kind, and under which field. Never the secret itself."""

    rule: str
    where: str


class Search:
    """One pass over one body or text. `hits` lists what was blotted."""

    def __init__(self, judge: Judge) -> None:
        self.hits: list[Hit] = []
        self._judge = judge
        #: Every secret that was met, also those that were blotted already.
        self._matches = 0

    def text(self, passage: Passage, where: str, *, depth: int = 0) -> None:
        """Blot every secret in `passage`, a text of any kind."""
        self._look(passage, where, None, depth)

    def malformed(self, document: Passage, where: str) -> None:
        """Blot what a document that is no JSON, although it begins like it, holds outside of any string."""
        if not is_json(document.text):
            self._blot_matches(document, where, self._judge.lens(document.text))

    def field(self, name: str, passage: Passage, where: str) -> bool:
        """Blot `passage` where the `name` that it stands under makes it a secret; return whether it is one."""
        span = self._judge.field(name, passage.text)
        if span is not None:
            self._blot(passage, *span, "secret-name", where)
        return span is not None

    def documents(
        self, documents: Sequence[Passage], where: str, *, streamed: bool, framed: bool = False, depth: int = 0
    ) -> None:
        """Blot every secret in JSON `documents`; `streamed`: they are events whose deltas belong together.

        `framed`: by their names alone it is known which are deltas. What else follows one another may still be a key in
        pieces, but nothing that the text before announces.
        """
        weight = self._judge.weight
        if streamed:
            found = [inner for leaf in stream_leaves(documents, weight) for inner in self._unpacked(leaf)]
        else:
            found = [leaf for document in documents for leaf in leaves(document, weight)]
        looked_at: list[Leaf] = []
        for leaf in found:
            if leaf.exempt:
                continue
            span = self._held(leaf) if leaf.kind == "string" else None
            if span is not None:
                self._blot(leaf.passage, *span, "secret-name", _inside(where, leaf.path))
            elif len(leaf.text) > 1 or streamed:
                looked_at.append(leaf)
        self._look_at_arguments(looked_at, where)
        self._look_at_all(looked_at, where, streamed=streamed, framed=framed, depth=depth)
        if self.hits:
            self._blot_logprobs(documents, found, where)

    def _held(self, leaf: Leaf) -> tuple[int, int] | None:
        if leaf.settles:
            return self._judge.field(leaf.key, leaf.text, inside=leaf.inside)
        if leaf.lead and (span := self._judge.argument(leaf.lead, leaf.text)) is not None:
            return span
        return self._judge.field(leaf.title, leaf.text) if leaf.title else None

    def _look_at_arguments(self, found: Sequence[Leaf], where: str) -> None:
        """Look at lists that are a command's arguments, also where the command stands beside them."""
        if not any(_OPTION.match(leaf.text) and not leaf.container.is_object for leaf in found):
            return
        lists: dict[tuple[Container, Passage], list[Leaf]] = {}
        commands: dict[tuple[Container | None, Passage], Leaf] = {}
        for leaf in found:
            if not leaf.container.is_object:
                lists.setdefault((leaf.container, leaf.document), []).append(leaf)
            elif leaf.key in _COMMAND_FIELDS and leaf.kind == "string":
                commands[leaf.container, leaf.document] = leaf
        for (container, document), words in lists.items():
            command = commands.get((container.parent, document))
            beside = [] if command is None else [command.passage, Buffer(" ")]
            passage = JoinedPassage([*beside, *(piece for word in words for piece in (word.passage, Buffer(" ")))])
            for rule, start, stop in arguments(passage.text):
                self._blot(passage, start, stop, rule, _inside(where, words[0].path))

    def _look_at_all(self, found: Sequence[Leaf], where: str, *, streamed: bool, framed: bool, depth: int) -> None:
        groups = _grouped(found) if streamed else [[leaf] for leaf in found]
        alone: dict[str, list[Leaf]] = {}
        joined = _numbered(groups) if streamed else []
        for group in groups:
            if len(group) > 1 and not _is_repeated(group):
                joined.append(group)
                if group[0].is_piece:
                    continue
            # What has one address may also be whole texts one after the other, not pieces of one.
            for leaf in group:
                alone.setdefault(leaf.text, []).append(leaf)
        texts = ["".join([leaf.text for leaf in group]) for group in joined]
        # One look at everything together decides which rules are worth asking about each text.
        everything = "\n".join([*alone, *texts])
        lens = self._judge.lens(everything)
        if not lens:
            return
        whole: list[list[Leaf]] = []
        for group, text in zip(joined, texts, strict=True):
            if framed and not group[0].is_piece:
                whole.append(group)
            elif lens.judges or _MAY_HIDE.search(text) is not None:
                self._look(JoinedPassage([leaf.passage for leaf in group]), _inside(where, group[0].path), lens, depth)
        hits = len(self.hits)
        self._look_alone(alone, where, lens, depth)
        if len(self.hits) == hits:
            # Once nothing is found in any text alone: what ends one would seem to go on in the next.
            forms = replace(lens, structures=(), announces=False)
            for group in whole:
                self._blot_matches(JoinedPassage([leaf.passage for leaf in group]), where, forms)

    def _look_alone(self, alone: Mapping[str, Sequence[Leaf]], where: str, lens: Lens, depth: int) -> None:
        for text, equal_leaves in alone.items():
            if not lens.judges and _MAY_HIDE.search(text) is None:
                continue
            for leaf in equal_leaves:
                matches = self._matches
                self._look(leaf.passage, _inside(where, leaf.path), lens, depth)
                if self._matches == matches:
                    break

    def _look(self, passage: Passage, where: str, lens: Lens | None, depth: int) -> None:
        """Look at a text with `lens`, made for it or for more; None: what is asked of it is still to be found out."""
        text = passage.text
        if depth < _DEPTH and is_coloured(text):
            self._look(Decoded(passage, COLOURED), where, None, depth + 1)
        if depth < _DEPTH and ("{" in text or "[" in text) and (json_start := _JSON_START.search(text)) is not None:
            self.documents([Slice(passage, json_start.start(), len(text))], where, streamed=False, depth=depth + 1)
            if not text[: json_start.start()].strip() and is_json(text):
                return
        lens = lens or self._judge.lens(text)
        if lens.decodes and "=" in text and (decoded := self._look_at_queries(passage, where, depth + 1)):
            # What a query encodes means something else as it is written.
            passage = _without(passage, decoded)
        if lens.judges:
            self._blot_matches(passage, where, lens)
        if lens.encodes and depth < _DEPTH:
            self._look_at_base64(passage, where, depth + 1)
            if "\n" in passage.text and FOLDED.pattern.search(passage.text) is not None:
                self._look_at_base64(Decoded(passage, FOLDED), where, depth + 1)
            if _PERCENT.search(passage.text):
                self.text(Decoded(passage, URL), where, depth=max(depth + 1, _DEPTH - 1))

    def _blot_matches(self, passage: Passage, where: str, lens: Lens) -> None:
        for view in (passage, Decoded(passage, CODE)) if has_escapes(passage.text) else (passage,):
            protected = _escapes(view.text)
            for rule, start, stop in lens.secrets(view.text):
                self._blot(view, start, stop, rule, where, protected)

    def _look_at_queries(self, passage: Passage, where: str, depth: int) -> list[tuple[int, int]]:
        """Look at the values of a URL's query, a form's, or one that stands in a text: by name, and each as it reads.

        Returns where those stand that are encoded.
        """
        text = passage.text
        encoded: list[tuple[int, int]] = []
        for match in _QUERY.finditer(text):
            start, stop = match.span("value")
            if start == stop:
                continue
            value: Passage = Slice(passage, start, stop)
            spaced = "+" in value.text and match["mark"] in "?&"
            if spaced or _PERCENT.search(value.text):
                encoded.append((start, stop))
                value = Decoded(value, FORM if spaced else URL)
            around = text[max(0, start - 200) : start], text[stop : stop + 200]
            if self._judge.query(URL.decoded(match["name"]), value.text, *around):
                self._blot(passage, start, stop, "query-key", where)
            elif encoded and encoded[-1] == (start, stop) and depth < _DEPTH:
                self.text(value, where, depth=depth)
        return encoded

    def _look_at_base64(self, passage: Passage, where: str, depth: int) -> None:
        for run in _BASE64_RUN.finditer(passage.text):
            for start in _alignments(*run.span()):
                decoded = decoded_base64(run.string[start : run.end()])
                if is_wide(decoded.decode("latin-1")):
                    # As PowerShell encodes its commands.
                    self.text(Decoded(Base64(passage, start, run.end()), WIDE), where, depth=depth)
                if _READABLE.search(decoded) is None:
                    continue
                text = _utf8_of(decoded)
                if text is not None:
                    lens = self._judge.lens(text)
                    if lens or _JSON_START.search(text) is not None:
                        content = Base64(passage, start, run.end())
                        self._look(content if decoded.isascii() else Decoded(content, UTF_8), where, lens, depth)
                    continue
                # What is readable in a file of another kind.
                content = Base64(passage, start, run.end())
                for piece in _READABLE.finditer(decoded):
                    self.text(Slice(content, *piece.span()), where, depth=depth)

    def _blot_logprobs(self, documents: Sequence[Passage], found: Sequence[Leaf], where: str) -> None:
        """Blot the log probabilities whole: they spell the text again, token by token, with alternatives and bytes."""
        for leaf in found:
            if leaf.kind == "string" and leaf.key in _LOGPROB_FIELDS and "logprobs" in leaf.path:
                self._blot(leaf.passage, 0, len(leaf.text), "logprobs", _inside(where, leaf.path))
        for document in documents:
            if '"logprobs"' not in document.text:
                continue
            for match in _LOGPROB_BYTES.finditer(document.text):
                for number in numbers(document, match.end()):
                    _spell_filler(number)

    def _unpacked(self, leaf: Leaf) -> list[Leaf]:
        """The leaves of an event that stands in another as base64, as Bedrock's InvokeModelWithResponseStream sends it."""
        if leaf.kind == "string" and leaf.key == "bytes" and leaf.text.startswith("eyJ"):
            return leaves(Base64(leaf.passage, 0, len(leaf.text)), self._judge.weight)
        return [leaf]

    def _blot(
        self, passage: Passage, start: int, stop: int, rule: str, where: str, protected: frozenset[int] = frozenset()
    ) -> None:
        self._matches += 1
        if passage.blot(start, stop, protected):
            self.hits.append(Hit(rule, where))


def _spell_filler(number: Slice) -> None:
    """Make a byte that spells a character of a secret spell the filler: 42, after a space where it had a third digit."""
    if len(number.text) >= 2:
        for index, char in enumerate("42".rjust(len(number.text))):
            number.put(index, char)


def _inside(where: str, path: str) -> str:
    return f"{where}{INSIDE}{path}" if where and path else where or path


def _is_repeated(group: Sequence[Leaf]) -> bool:
    """Whether a group is one whole text that comes with each event: an id, the name of a model."""
    first = group[0].text
    return len(group) > 2 and len(first) > 3 and all(leaf.text == first for leaf in group)


def _grouped(found: Sequence[Leaf]) -> list[list[Leaf]]:
    """Return the leaves of a stream by their fields."""
    groups: dict[object, list[Leaf]] = {}
    for leaf in found:
        groups.setdefault(leaf.address if leaf.group is None else leaf.group, []).append(leaf)
    return list(groups.values())


def _numbered(groups: Sequence[list[Leaf]]) -> list[list[Leaf]]:
    """Return the fields whose events each have a number, where others tell streams apart: as Hugging Face's text generation."""
    fields: dict[str, list[Leaf]] = {}
    for group in groups:
        if len(group) == 1 and group[0].kind == "string":
            fields.setdefault(group[0].path, []).append(group[0])
    return [field for field in fields.values() if len(field) > 1 and not _is_repeated(field)]


def _without(passage: Passage, spans: Sequence[tuple[int, int]]) -> Passage:
    """Return a passage without some stretches of it, which are looked at otherwise."""
    edges = [(0, 0), *spans, (len(passage.text), 0)]
    pieces = (Slice(passage, start, stop) for (_, start), (stop, _) in pairwise(edges))
    return JoinedPassage([part for piece in pieces for part in (piece, Buffer("\0"))])


def _utf8_of(content: bytes) -> str | None:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _alignments(start: int, stop: int) -> range:
    return range(start, start + (4 if stop - start <= _SHORT_RUN else 1))


def is_json(text: str) -> bool:
    """Whether a text is one JSON value."""
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _escapes(text: str) -> frozenset[int]:
    if "\\" not in text:
        return frozenset()
    return frozenset(index for match in _ESCAPE.finditer(text) for index in range(*match.span()))
