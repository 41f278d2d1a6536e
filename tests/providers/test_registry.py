"""One row makes a provider known: whatever else names one is its own package, its wire reader, or its recordings."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from conformance.wire import format_of
from harness.llm import BaseLLM
from harness.providers import Provider, providers, recognized
from harness.providers.registry import ROWS, integration
from harness.recording import dialect_of
from harness.recording.files.cassette_reader import read_cassette
from tests.recording.support.remade import SHIPPED

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: Final[dict[str, list[str]]] = PROJECT["optional-dependencies"]
#: Extras that bring no provider's SDK, and one that brings a second client of one.
OTHER_EXTRAS: Final = {
    "aiobotocore", "all", "brotli", "dask", "declarations", "dev", "docs", "match", "otel", "pack", "pytest", "serve",
    "test", "web",
}  # fmt: skip
#: Extras that can't stand beside the others.
APART: Final = {"litellm"}

each_row: Final = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
each_api: Final = pytest.mark.parametrize("row", [row for row in ROWS if row.recordings], ids=lambda row: row.name)


def test_no_two_rows_claim_a_name() -> None:
    names = [name for row in providers() for name in row.models]
    assert len(names) == len(set(names))
    assert [row.name for row in ROWS] == list(dict.fromkeys(row.name for row in ROWS))


@each_row
def test_the_extra_of_a_row_brings_its_sdk(row: Provider) -> None:
    assert row.extra is not None
    assert row.distributions[0] in {re.split(r"[\[<>=]", needed)[0] for needed in EXTRAS[row.extra]}
    assert (f"{row.extra}" in re.split(r"[\[\],]", EXTRAS["all"][0])) is (row.extra not in APART)


def test_every_extra_with_an_sdk_has_a_row() -> None:
    assert set(EXTRAS) - OTHER_EXTRAS == {row.extra for row in ROWS}


@each_row
def test_the_page_of_providers_names_each(row: Provider) -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    assert f"`{next(iter(row.models))}/…`" in page, f"say in docs/providers.md what {row.name} speaks"


@each_row
def test_each_name_of_a_row_finds_its_integration(row: Provider) -> None:
    if row.extra in APART:
        pytest.skip(f"the extra `{row.extra}` can't stand beside the others")
    for name in row.models:
        assert issubclass(integration(name), BaseLLM)


@each_api
def test_the_shipped_recordings_of_a_row_are_recognized_as_its_own(row: Provider) -> None:
    assert row.recordings is not None
    (one,) = read_cassette(SHIPPED / row.recordings / "text" / "cassette.yaml")
    # A server on loopback has another host than the provider, so that the path alone tells.
    known = recognized(one.request.method, one.request.url)
    assert known is row, "another row's URLs are like these; rows are tried from the first"
    assert dialect_of(one.response) is row.dialect, "the mark of its dialect is not in its answers, or another's is"
    assert row.dialect is not None
    reader = f"conformance/wire/{row.dialect.name.replace('-', '_')}.py"
    assert format_of(one.response) == row.dialect.name, f"the suite has no reader of its own: write {reader}"
    assert row.parse(one.request.url, one.request.body).model.partition("/")[0] in row.models


#: Where code of this project may name a provider, and why. A file that is not here and names one is a table too many.
NAMED: Final = {
    "harness/agents/agent_settings.py": "a variable of that name holds an agent's model",
    "harness/bridges/": "one of them speaks OpenAI's format to others, another says by OpenTelemetry's names who was asked",
    "harness/commands/export.py": "the formats of bridges",
    "harness/recording/export.py": "the formats of bridges",
    "conformance/areas/llm/saboteurs.py": "the runtime that is broken speaks one provider's format",
    "conformance/run/workers/processes.py": "what the stage's server needs is imported before the workers begin",
    "conformance/subjects/crewai.py": "as above",
    "conformance/subjects/harness.py": "as above",
    "harness/commands/init.py": "a first project asks one of them",
    "harness/llm/parameters/context_windows.py": "what fits into a model is known by its name, whoever serves it",
    "harness/llm/llm.py": "parameters that callers know by these names",
    "harness/llm/settings.py": "as above",
    "harness/pytest_plugin/places.py": "an example in a message",
    "harness/recording/calls/unsupported.py": "calls that no row reads are told apart by who answers them",
    "harness/recording/redact/": "secrets are known by who issues them",
}


def named_in(path: Path, names: re.Pattern[str]) -> Iterator[str]:
    """Yield the providers that the code of a file names; prose about them is not code."""
    text = path.read_text(encoding="utf-8")
    if not names.search(text):
        return
    tree = ast.parse(text)
    prose = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        for words in (
            getattr(node, "id", None),
            getattr(node, "attr", None),
            getattr(node, "arg", None),
            getattr(node, "module", None),
            *(alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)),
            node.value if isinstance(node, ast.Constant) and id(node) not in prose else None,
        ):
            if isinstance(words, str) and (found := names.search(words)):
                yield found[0]


def test_a_provider_is_named_in_its_own_places_only() -> None:
    words = {word for row in ROWS for name in (row.name, row.extra or "") for word in name.split("-")}
    words -= {"responses", "invoke", "completions", "vertex", "v2"}
    names = re.compile("|".join(sorted(words)), re.IGNORECASE)
    own = re.compile(
        rf"harness/providers/(registry\.py|({'|'.join(words)})(_invoke)?/)|conformance/wire/({'|'.join(words)})|harness/shipped/"
    )
    found = {
        path.as_posix()
        for path in (
            path.relative_to(ROOT) for top in ("harness", "conformance") for path in (ROOT / top).rglob("*.py")
        )
        if not own.match(path.as_posix()) and any(named_in(ROOT / path, names))
    }
    excused = {place: {path for path in found if path.startswith(place)} for place in NAMED}
    strangers = found - set().union(*excused.values())
    assert strangers == set(), "what these say of a provider belongs into its row or its package"
    assert [place for place, paths in excused.items() if not paths] == []


def test_another_package_adds_a_row_by_an_entry_point(tmp_path: Path) -> None:
    (tmp_path / "tern-1.dist-info").mkdir()
    named = "[stream_harness.providers]\ntern = tests.tern.row:TERN\n"
    (tmp_path / "tern-1.dist-info" / "entry_points.txt").write_text(named)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import harness; llm = harness.LLM('tern/tern-1', temperature=0.5)\n"
        "print(type(llm).__name__, llm.model, llm.temperature)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (ended.returncode, ended.stdout) == (0, "Tern tern-1 0.5\n"), ended.stderr


def test_an_entry_point_that_is_no_row_is_named(tmp_path: Path) -> None:
    (tmp_path / "tern-1.dist-info").mkdir()
    (tmp_path / "tern-1.dist-info" / "entry_points.txt").write_text("[stream_harness.providers]\ntern = os:sep\n")
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import harness\n"
        "try: harness.LLM('tern/tern-1')\n"
        "except harness.UsageError as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.stdout == "the entry point 'tern' in stream_harness.providers is no Provider, but '/'\n", ended.stderr
