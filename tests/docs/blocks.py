"""The blocks of code on a page, each with the mark that stands before it in the page's source."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_BLOCK: Final = re.compile(
    r"^(?:<!-- (?P<mark>[^>]*) -->\n)?```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
#: Before a block that nobody can run here, and why.
_NOT_RUN: Final = "not run: "


@dataclass(frozen=True)
class Block:
    """One block."""

    page: str
    line: int
    #: What a comment before it says to whoever follows the page: the exit code of its last command, or why it is not run.
    mark: str
    kind: str
    text: str

    @property
    def why_not(self) -> str:
        """Why it is not run; empty where it is."""
        return self.mark.partition(_NOT_RUN)[2]

    @property
    def exit_code(self) -> int:
        ends = re.fullmatch(r"ends with (\d)", self.mark)
        return 0 if ends is None else int(ends[1])

    @property
    def is_test(self) -> bool:
        """Whether it is what pytest runs."""
        return re.search(r"^(def test_|class Test)", self.text, re.MULTILINE) is not None

    @property
    def is_suite(self) -> bool:
        """Whether it has pytest put the suite to something, which takes minutes: that it can be read is what is seen."""
        return re.search(r"^class Test\w+\(\w+Conformance\)", self.text, re.MULTILINE) is not None

    def commands(self) -> Iterator[list[str]]:
        """Yield the words of each command, whose lines may go on, without comments."""
        waiting = ""
        for line in self.text.splitlines():
            waiting += line.removesuffix("\\") if line.endswith("\\") else f"{line}\n"
            if line.endswith("\\"):
                continue
            try:
                words = shlex.split(waiting, comments=True)
            except ValueError:
                # A quotation that goes on in the next line.
                continue
            waiting = ""
            if words:
                yield words


def commands_in_text(page: Path) -> Iterator[list[str]]:
    """Yield the words of each `harness …` that stands in a sentence or a table."""
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for found in re.findall(r"`((?:[A-Z_]+=\S+ )*harness\s[^`]+)`", text):
        yield shlex.split(found)


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page.stem, text.count("\n", 0, found.start()) + 1, found["mark"] or "", found["kind"], found["text"])
        for found in _BLOCK.finditer(text)
    ]
