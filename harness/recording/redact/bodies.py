"""Texts and bodies, each searched in its own framing: JSON, server-sent events, AWS event streams, forms.

What enters leaves with the same length and the same framing, so that chunk marks stay true.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from harness.recording.framing import media_type
from harness.recording.redact import aws_stream
from harness.recording.redact.passage import Buffer, Joined, Passage, Slice
from harness.recording.redact.search import Hit, Search, may_hold_a_secret

#: Looks at a whole text with a search.
_Look = Callable[[Search, Passage], None]

#: A line and its end: CR LF, LF or CR (WHATWG HTML, "Interpreting an event stream", read 2025-11).
_SSE_LINE = re.compile(r"(?P<field>data: ?)?(?P<value>[^\r\n]*)(?P<end>\r\n|\n|\r|\Z)")
_SSE_START = re.compile(r"(?:data|event|id|retry)?:")
_LINE = re.compile(r"[^\r\n]+")
_FORM_START = re.compile(r"[A-Za-z0-9_.%*-]+=[^\s{}\"]*\Z")
_JSON_START = re.compile(r"\s*[\[{]")
_JSON_LINES = frozenset({"application/jsonl", "application/x-ndjson", "application/jsonlines"})

#: Each pass can bring to light what the one before had hidden; more than a few are never needed.
_PASSES = 4


def redacted_body(body: bytes, content_type: str) -> tuple[bytes, tuple[Hit, ...]]:
    """Return `body` with every secret in it blotted, and what was blotted. Redacting the result changes nothing."""
    # Latin-1 gives each byte one character, whatever the bytes are; every form of credential is ASCII.
    text = body.decode("latin-1")
    look, whole = _reading(text, media_type(content_type))
    if whole and not may_hold_a_secret(text):
        return body, ()
    redacted, hits = _settled(text, look)
    if not hits:
        return body, ()
    edited = redacted.encode("latin-1")
    return (aws_stream.resealed(body, edited) if look is _aws else edited), hits


def redacted_text(text: str) -> tuple[str, tuple[Hit, ...]]:
    """Return `text` with every secret in it blotted, character for character, and what was blotted."""
    return _settled(text, _plain)


def redacted_json_lines(text: str) -> tuple[str, tuple[Hit, ...]]:
    """Return JSON documents, one a line, with every secret in them blotted, deltas put together field by field."""
    return _settled(text, _json_lines)


def _settled(text: str, look: _Look) -> tuple[str, tuple[Hit, ...]]:
    """Look until nothing more is found; the hits are the first look's."""
    hits: tuple[Hit, ...] = ()
    for _ in range(_PASSES):
        buffer, search = Buffer(text), Search()
        look(search, buffer)
        hits = hits or tuple(search.hits)
        if not search.hits:
            break
        text = buffer.render()
    return text, hits


def _reading(text: str, kind: str) -> tuple[_Look, bool]:
    """How a body of the media type `kind` is read, and whether each string in it stands alone."""
    if kind == aws_stream.MEDIA_TYPE:
        return _aws, False
    if kind == "text/event-stream" or _SSE_START.match(text):
        return _sse, False
    if kind in _JSON_LINES:
        return _json_lines, False
    if kind == "application/x-www-form-urlencoded" or _FORM_START.match(text):
        return _form, True
    if text.lstrip()[:1] == "[":
        return _json_stream, False
    return _plain, True


def _plain(search: Search, body: Passage) -> None:
    search.text(body, "")


def _form(search: Search, body: Passage) -> None:
    """A form reads as the query of a URL; its first name lacks the mark before it."""
    search.text(Joined([_mark("?"), body]), "")


def _json_stream(search: Search, body: Passage) -> None:
    """One JSON list of events, as Gemini answers where server-sent events were not asked for."""
    search.documents([body], "", streamed=True)
    search.malformed(body, "")


def _json_lines(search: Search, body: Passage) -> None:
    _look_at_events(search, [Slice(body, *line.span()) for line in _LINE.finditer(body.text)])


def _sse(search: Search, body: Passage) -> None:
    events: list[Passage] = []
    pending: list[Passage] = []
    others: list[Passage] = []
    for line in _SSE_LINE.finditer(body.text):
        value = Slice(body, *line.span("value"))
        if line["field"] is not None:
            # The lines of one event's data are one text, with a line break between them.
            pending.extend([_mark("\n"), value] if pending else [value])
        elif value.text:
            others.append(value)
        elif pending:
            # A blank line; the end of the body matches as one.
            events.append(_one(pending))
            pending = []
    search.text(_apart(others), "")
    _look_at_events(search, events)


def _aws(search: Search, body: Passage) -> None:
    found = list(aws_stream.messages(body.text.encode("latin-1")))
    search.text(_apart([Slice(body, message.headers, message.payload) for message in found]), "")
    _look_at_events(search, [Slice(body, message.payload, message.checksum) for message in found])


def _look_at_events(search: Search, events: list[Passage]) -> None:
    """Look at the data of events: JSON, of which deltas go on from one to the next, or texts that do."""
    documents = [event for event in events if _JSON_START.match(event.text)]
    others = [event for event in events if not _JSON_START.match(event.text)]
    search.documents(documents, "", streamed=True)
    for document in documents:
        search.malformed(document, "")
    search.text(_apart(others), "")
    search.text(Joined(others), "")


def _one(passages: list[Passage]) -> Passage:
    return passages[0] if len(passages) == 1 else Joined(passages)


def _apart(passages: list[Passage]) -> Passage:
    """Passages that have nothing to do with one another, to be looked at in one go."""
    return Joined([part for passage in passages for part in (passage, _mark("\n"))])


def _mark(char: str) -> Passage:
    """A character that stands between passages, and in no body."""
    return Buffer(char)
