"""What the pages tell to type and to write works: each page is followed from its first block to its last."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.recording.faults.faults import parse_fault
from tests.commands.command_line import runner
from tests.docs.blocks import PAGES, ROOT, blocks_of, commands_in_text
from tests.docs.place import DONE, DocsServer, prepare
from tests.docs.reader import Reader, forget
from tests.web.asgi import asked

#: A page that begins in an empty folder, without a key.
FROM_NOTHING = {"five-minutes"}
#: A page that a test of its own follows, with the server that it needs.
ELSEWHERE = {"new-provider": "tests/test_new_provider.py"}
#: Marks of blocks that CI runs as they stand there: they make an environment.
BY_CI = {"replay", "test"}
#: A mark by which another test finds a block, besides.
FOUND_BY = {"live": "tests/bridges/test_page.py"}


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """The URL of a model that answers whatever the pages ask; one, as processes of the suite keep what they began with."""
    with DocsServer() as server:
        yield f"{server.origin}/v1"


def served(names: Mapping[str, Any]) -> None:
    """The app that the page of apps has last begins runs, and lets them be followed."""

    async def scenario() -> None:
        begun = await asked(names["app"], method="POST", path="/runs", query="topic=tides")
        followed = await asked(names["app"], path=f"/runs/{json.loads(begun.body)}")
        assert b'"status":"completed"' in followed.body

    asyncio.run(scenario())


def pictured(names: Mapping[str, Any]) -> None:
    """The picture on the page is of the size that its command makes; where there is no browser, it has made none."""
    made, shown = Path("viewer.png"), ROOT / "docs" / "pictures" / "viewer.png"
    if made.exists():
        # A PNG begins with its width and height.
        assert made.read_bytes()[16:24] == shown.read_bytes()[16:24]
    assert {path.name for path in Path().iterdir()} >= {"story.py", "test_story.py", "story.html", "cassettes"}


#: What is to be true once a page has been followed.
PROOFS: Mapping[str, Callable[[Mapping[str, Any]], None]] = {"web": served, "five-minutes": pictured}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder, which programs are found in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setenv("HARNESS_STORAGE_DIR", str(tmp_path / "kept"))
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    yield tmp_path
    forget()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_whoever_follows_a_page_arrives(
    page: Path, folder: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = [block for block in blocks_of(page) if not block.why_not and block.mark not in BY_CI]
    if page.stem in ELSEWHERE or not blocks:
        return
    with ExitStack() as stack:
        reader = Reader(runner(capsys), monkeypatch, stack)
        if page.stem not in FROM_NOTHING:
            prepare(folder)
            monkeypatch.setenv("OPENAI_BASE_URL", model)
            monkeypatch.setenv("OPENAI_API_KEY", "any")
            for line in DONE.get(page.stem, ()):
                reader.type(line)
        for block in blocks:
            reader.take(block)
        reader.end()
        if page.stem in PROOFS:
            PROOFS[page.stem](reader.names)


def test_what_can_not_be_run_is_little_and_says_why() -> None:
    skipped = {
        f"{block.page}:{block.line}": block.why_not for page in PAGES for block in blocks_of(page) if block.why_not
    }
    assert len(skipped) <= 6, skipped
    assert all(re.match(r"needs |takes ", why) for why in skipped.values()), skipped


def test_each_mark_says_something_to_whoever_follows() -> None:
    followed = {path: (ROOT / path).read_text("utf-8") for path in (*ELSEWHERE.values(), *FOUND_BY.values())}
    for page in PAGES:
        for block in blocks_of(page):
            named = FOUND_BY.get(block.mark, ELSEWHERE.get(block.page))
            known = block.mark in ("", "shows", *BY_CI) or block.why_not or re.fullmatch(r"ends with \d", block.mark)
            assert known or (named is not None and block.mark in followed[named]), block


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_that_are_not_run_are_those_that_there_are(page: Path) -> None:
    """Each names a command, options of it, and faults."""
    from harness.commands import harness as group

    not_run = [words for block in blocks_of(page) if block.why_not for words in block.commands()]
    for words in (*not_run, *commands_in_text(page)):
        typed = list(dropwhile(lambda word: "=" in word, words))
        if typed[0] != "harness":
            continue
        command = group.get_command(None, typed[1])  # type: ignore[arg-type]
        assert command is not None, typed
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word.partition("=")[0] for word in typed if word.startswith("-")} <= known, typed
        for option, value in pairwise(typed):
            if option == "--fault":
                parse_fault(value)
