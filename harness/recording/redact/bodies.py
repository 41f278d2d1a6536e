"""Texts and bodies, each searched in its own framing: JSON, server-sent events, AWS event streams, forms, multipart.

What enters leaves with the same length and the same framing, so that chunk marks stay true.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable
from functools import partial

from msgspec.structs import replace

from harness.recording.boundaries import media_type
from harness.recording.redact import aws_stream
from harness.recording.redact.environment import environment_secrets
from harness.recording.redact.judge import Judge, default_judge
from harness.recording.redact.names import SHORTEST_OPAQUE
from harness.recording.redact.passage import JSON, UTF_8, WIDE, Buffer, Decoded, JoinedPassage, Passage, Slice, is_wide
from harness.recording.redact.search import INSIDE, Hit, Search, is_json

#: Looks at a whole text with a search.
_Look = Callable[[Search, Passage], None]

#: A line and its end: CR LF, LF or CR (WHATWG HTML, "Interpreting an event stream", read 2025-11).
_SSE_LINE = re.compile(r"(?P<field>\ufeff?data: ?)?(?P<value>[^\r\n]*+)(?P<end>\r\n|\n|\r|\Z)")
_SSE_START = re.compile(r"[\ufeff\r\n]{0,9}(?:(?:data|event|id|retry): ?|:)[^\r\n]*+[\r\n]")
_LINE = re.compile(r"[^\r\n]+")
_FORM_START = re.compile(r"[A-Za-z0-9_.%*-]{1,100}=[^\s{}\"]*+\Z")
_JSON_START = re.compile(r"[\ufeff\s]*+[\[{]")
#: Where one JSON object ends and the next begins.
_JSON_NEXT = re.compile(r"\}\s*+\{|\n\{")
#: What may stand before a document.
_BLANK = "\ufeff \t\r\n"
_JSON_LINES = frozenset(
    {"application/jsonl", "application/x-ndjson", "application/jsonlines", "application/stream+json"}
)
#: What no text has: control characters, but for those of terminals. With bytes that are no UTF-8 beside it, it is a file
#: of another kind.
_CONTROL = re.compile(r"[\0-\x06\x0e-\x1a\x1c-\x1f]")
_NO_UTF8 = re.compile(r"[\udc80-\udcff]")
#: What is readable in one. Shorter is no secret.
_READABLE = re.compile(r"[^\0-\x06\x0e-\x1a\x1c-\x1f\udc80-\udcff]{6,}")
_BOUNDARY = re.compile(r"boundary=\"?([^\";\s]{1,100})", re.IGNORECASE)
_PART_HEAD = re.compile(r"(?:\r?\n)?(?P<head>(?:[^\r\n]{1,4000}\r?\n){0,20})\r?\n")
_PART_NAME = re.compile(r"[;\s]name=\"?(?P<name>[^\";\r\n]{1,200})", re.IGNORECASE)
_PART_TYPE = re.compile(r"content-type:\s{0,8}([^\r\n]{1,200})", re.IGNORECASE)

#: So many multipart bodies may stand in one another; what is deeper is read as text.
_DEEPEST = 10
#: Each pass can bring to light what the one before had hidden; more than a few are never needed.
_PASSES = 4


def redacted_body(body: bytes, content_type: str, judge: Judge | None = None) -> tuple[bytes, tuple[Hit, ...]]:
    """Return `body` with every secret in it blotted, and what was blotted. Redacting the result changes nothing."""
    binary = media_type(content_type) == aws_stream.MEDIA_TYPE
    # A byte that is no UTF-8 becomes a character of its own, and that byte again.
    encoding, errors = ("latin-1", "strict") if binary else ("utf-8", "surrogateescape")
    text = body.decode(encoding, errors)
    redacted, hits = _settled(text, _aws if binary else _reading(text, content_type), judge)
    if is_wide(redacted) and not binary:
        look = _reading(redacted.replace("\0", ""), content_type)
        redacted, more = _settled(redacted, lambda search, body: look(search, Decoded(body, WIDE)), judge)
        hits += more
    if not hits:
        return body, ()
    edited = redacted.encode(encoding, errors)
    return (aws_stream.resealed(body, edited) if binary else edited), hits


def redacted_text(text: str, judge: Judge | None = None) -> tuple[str, tuple[Hit, ...]]:
    """Return `text` with every secret in it blotted, character for character, and what was blotted."""
    return _settled(text, _plain, judge)


def redacted_field(name: str, value: str, judge: Judge | None = None) -> tuple[str, tuple[Hit, ...]]:
    """Return the `value` of a header field without credentials, as `redacted_text` does, and judged by its `name` first."""
    buffer = Buffer(value)
    span = (judge or default_judge()).field(name, value)
    if span is None:
        return redacted_text(value, judge)
    return (buffer.render(), (Hit("credential-header", ""),)) if buffer.blot(*span) else (value, ())


def redacted_json_lines(text: str, judge: Judge | None = None) -> tuple[str, tuple[Hit, ...]]:
    """Return JSON documents, one a line, such as frames, with every secret blotted, deltas put together field by field."""
    return _settled(text, partial(_json_lines, framed=True), judge)


def _settled(text: str, look: _Look, judge: Judge | None) -> tuple[str, tuple[Hit, ...]]:
    """Look until nothing more is found; the hits are the first look's."""
    hits: tuple[Hit, ...] = ()
    judge = judge or default_judge()
    if len(text) >= SHORTEST_OPAQUE:
        judge = replace(judge, values=environment_secrets())
    for _ in range(_PASSES):
        buffer, search = Buffer(text), Search(judge)
        look(search, buffer)
        places = {} if hits else {hit.where: _place(hit.where, judge) for hit in search.hits}
        hits = hits or tuple(Hit(hit.rule, places[hit.where]) for hit in search.hits)
        if not search.hits:
            break
        text = buffer.render()
    return text, hits


def _place(where: str, judge: Judge) -> str:
    """Return the place of a hit for a reader. It is made of names, and a name may be a secret itself."""
    return ": ".join(redacted_text(names, judge)[0] for names in where.split(INSIDE))


def _reading(text: str, content_type: str, depth: int = 0) -> _Look:
    """How a body of the media type `content_type` is read, in so many multipart bodies."""
    kind = media_type(content_type)
    # Not all servers and proxies send what they say that they send.
    if kind == "text/event-stream":
        return _each(_sse, _json_stream) if _JSON_START.match(text) else _sse
    if _SSE_START.match(text):
        return _each(_sse, _plain)
    if kind in _JSON_LINES:
        return _json_lines
    if _JSON_NEXT.search(text) is not None and text.lstrip(_BLANK)[:1] == "{" and not is_json(text):
        return _each(_json_lines, _json_stream, _plain)
    if kind.startswith("multipart/") and depth < _DEEPEST and (boundary := _BOUNDARY.search(content_type)) is not None:
        return _multipart(boundary[1], depth + 1)
    if kind == "application/x-www-form-urlencoded" or (not kind.startswith("text/") and _FORM_START.match(text)):
        return _form
    if not text.isascii() and _CONTROL.search(text) is not None and _NO_UTF8.search(text) is not None:
        return _pieces
    if text.lstrip(_BLANK)[:1] == "[":
        return _json_stream
    return _plain


def _each(*looks: _Look) -> _Look:
    """In one way and in others: what either finds is blotted."""

    def look(search: Search, body: Passage) -> None:
        for each in looks:
            each(search, body)

    return look


def _plain(search: Search, body: Passage) -> None:
    search.text(body, "")


def _pieces(search: Search, body: Passage) -> None:
    """A file of another kind, such as an image: what is readable in it, piece by piece, with what no text has between."""
    pieces = (Slice(body, *piece.span()) for piece in _READABLE.finditer(body.text))
    search.text(JoinedPassage([part for piece in pieces for part in (piece, _mark("\0"))]), "")


def _form(search: Search, body: Passage) -> None:
    """A form reads as the query of a URL; its first name lacks the mark before it."""
    search.text(JoinedPassage([_mark("?"), body]), "")


def _json_stream(search: Search, body: Passage) -> None:
    """One JSON list of events, as Gemini answers where server-sent events were not asked for; or objects in a row."""
    search.documents([body], "", streamed=True)
    search.malformed(body, "")


def _json_lines(search: Search, body: Passage, *, framed: bool = False) -> None:
    _look_at_events(search, [Slice(body, *line.span()) for line in _LINE.finditer(body.text)], framed=framed)


def _multipart(boundary: str, depth: int) -> _Look:
    """Each part by its name, and in its own framing."""

    def look(search: Search, body: Passage) -> None:
        text = body.text
        marks = [match.span() for match in re.finditer(rf"--{re.escape(boundary)}", text)]
        edges = [(0, 0), *marks, (len(text), len(text))]
        for (_, start), (stop, _) in itertools.pairwise(edges):
            _part(search, Slice(body, start, stop), depth)

    return look


def _part(search: Search, part: Passage, depth: int) -> None:
    head = _PART_HEAD.match(part.text)
    if head is None:
        search.text(part, "")
        return
    name, kind = _PART_NAME.search(head["head"]), _PART_TYPE.search(head["head"])
    # The line break before the next boundary is no part of the content.
    stop = len(part.text.removesuffix("\n").removesuffix("\r"))
    content = Slice(part, head.end(), max(stop, head.end()))
    search.text(Slice(part, *head.span("head")), "")
    if name is None or not search.field(name["name"], content, name["name"]):
        _reading(content.text, kind[1] if kind is not None else "text/plain", depth)(search, content)


def _sse(search: Search, body: Passage) -> None:
    events: list[Passage] = []
    pending: list[Passage] = []
    remaining: list[Passage] = []
    text = body.text
    for line in _SSE_LINE.finditer(text):
        start, stop = line.span("value")
        if line["field"] is not None:
            # The lines of one event's data are one text, with a line break between them.
            pending.extend([_mark("\n"), Slice(body, start, stop)] if pending else [Slice(body, start, stop)])
        elif start < stop:
            remaining.append(Slice(body, start, stop))
        elif pending:
            # A blank line; the end of the body matches as one.
            events.append(pending[0] if len(pending) == 1 else JoinedPassage(pending))
            pending = []
    _look_at_lines(search, remaining)
    _look_at_events(search, events)


def _aws(search: Search, body: Passage) -> None:
    found = list(aws_stream.messages(body.text.encode("latin-1")))
    _look_at_lines(search, [Slice(body, message.headers, message.payload) for message in found])
    _look_at_events(search, [Decoded(Slice(body, message.payload, message.checksum), UTF_8) for message in found])


def _look_at_events(search: Search, events: list[Passage], *, framed: bool = False) -> None:
    """Look at the data of events: JSON, of which deltas go on from one to the next, or texts that do."""
    documents = [event for event in events if _JSON_START.match(event.text)]
    texts = [_string(event) for event in events if not _JSON_START.match(event.text)]
    search.documents(documents, "", streamed=True, framed=framed)
    for document in documents:
        search.malformed(document, "")
    _look_at_lines(search, texts)
    if not framed:
        search.text(JoinedPassage(texts), "")


def _string(event: Passage) -> Passage:
    """What an event reads as that is one JSON string."""
    if event.text[:1] == '"' and is_json(event.text):
        return Decoded(Slice(event, 1, len(event.text.rstrip()) - 1), JSON)
    return event


def _look_at_lines(search: Search, lines: Iterable[Passage]) -> None:
    """Look at lines that have nothing to do with one another; what comes again and again is looked at once."""
    clean: set[str] = set()
    for line in lines:
        if line.text in clean:
            continue
        hits = len(search.hits)
        search.text(line, "")
        if len(search.hits) == hits:
            clean.add(line.text)


def _mark(char: str) -> Passage:
    """A character that stands between passages, and in no body."""
    return Buffer(char)
