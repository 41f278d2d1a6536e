"""HTML pages of replays and of runs of the suite: one file that needs nothing else, no script, and no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from conformance.report import conformance_page, matrix, matrix_page, replay_page
from conformance.report.characters import legal
from conformance.run import outcome, replay as replaying
from harness.errors import UsageError
from harness.recording import write_atomically

#: The format of a document → its template, and what fills it.
_PAGES: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any]], dict[str, Any]]]]] = {
    replaying.FORMAT: ("replay.html.jinja", replay_page.content),
    outcome.FORMAT: ("conformance.html.jinja", conformance_page.content),
    matrix.FORMAT: ("matrix.html.jinja", matrix_page.content),
}


def write(document: Mapping[str, Any], folder: Path) -> Path:
    """Write the page of a JSON document as `index.html` in `folder`, and return its path."""
    if document.get("format") not in _PAGES:
        known = " or ".join(map(repr, _PAGES))
        raise UsageError(f"a page can be made of {known}, not of {document.get('format')!r}")
    template, content = _PAGES[document["format"]]
    page = _environment().get_template(template).render(content(document))
    path = folder / "index.html"
    write_atomically(path, legal(page).encode())
    return path


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("conformance", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
