"""What pages say that can be computed is what the code says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from conformance.contract.clauses import CLAUSES
from harness import BaseEvent, events
from harness.frames.channels import CHANNEL_OF
from harness.frames.states import LEGAL, State
from harness.providers.registry import ROWS
from harness.shipped.overview import render_table

ROOT = Path(__file__).parents[1]
#: What reads as a clause and is an attribute, or a file.
NO_CLAUSES = {"flow.html", "flow.stream", "llm.stream"}
ACTIONS = ("start", "append", "seal", "return", "raise", "drain", "close")


def test_the_page_of_providers_has_the_table_of_shipped_recordings() -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    shown = page.partition("harness.shipped -->\n")[2].partition("<!-- end of recordings -->")[0]
    assert shown == render_table(), "put into docs/providers.md what `python -m harness.shipped` prints"


def test_the_page_of_providers_has_every_model_with_its_extra_and_every_other_extra() -> None:
    page = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    rows = [row.split(" | ") for row in re.findall(r"^\| (`.*) \|$", page, re.MULTILINE)]
    models = {name: row[1] for row in rows if len(row) == 3 for name in re.findall(r"`([\w-]+)/…`", row[0])}
    assert models == {name: f"`{row.extra}`" for row in ROWS for name in row.models}, "put it into docs/providers.md"
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = settings["project"]["optional-dependencies"].keys() - {"test", "docs", "dev"}
    assert [extra for extra in extras if f"`{extra}`" not in page] == []


def test_the_architecture_page_has_the_table_of_states() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = [
        f"| {state.value} | {' | '.join(LEGAL[state, action].value if (state, action) in LEGAL else '' for action in ACTIONS)} |"
        for state in State
    ]
    assert re.sub(r" +", " ", "\n".join(rows)) in re.sub(r" +", " ", page)


def test_the_page_of_events_has_every_type_with_its_fields_under_its_channel() -> None:
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    shown = {}
    for section in page.split("\n### ")[1:]:
        above, *rows = re.split(r"\n\| (?=`)", section)
        common = re.findall(r"`(\w+)`", above)[1:] if "All have" in above else []
        for types, _, fields in (row.partition("\n")[0].partition(" | ") for row in rows):
            for name in re.findall(r"`(\w+)`", types):
                shown[name] = (section.split("`")[1], {*common, *re.findall(r"`(\w+)`", fields)})
    public = [getattr(events, name) for name in dir(events)]
    kinds = [kind for kind in public if isinstance(kind, type) and issubclass(kind, BaseEvent)]
    by_type = {kind.model_fields["type"].default: kind for kind in kinds}
    inside = {*BaseEvent.model_fields, "from_task", "from_agent"}
    there = {name: (channel, {*by_type[name].model_fields} - inside) for name, channel in CHANNEL_OF.items()}
    assert shown == there, "put each type with its fields into docs/events.md"


def test_the_porting_page_names_clauses_that_there_are() -> None:
    page = (ROOT / "docs" / "porting.md").read_text(encoding="utf-8")
    areas = {row.area for row in CLAUSES.values()}
    named = {
        name for name in re.findall(r"(?:`|\| )([a-z]+\.[a-z-]+)(?:`| \|)", page) if name.partition(".")[0] in areas
    }
    assert len(named) > 20
    assert named - CLAUSES.keys() == NO_CLAUSES


def modules_of(package: str) -> list[Path]:
    """Return the modules and packages in a package of ours."""
    return [
        path
        for path in (ROOT / package).iterdir()
        if not path.name.startswith("_") and ((path / "__init__.py").exists() or path.suffix == ".py")
    ]


def test_every_module_and_package_has_its_place_on_the_architecture_page() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    places = [path.stem + (path.suffix or "/") for root in ("harness", "conformance") for path in modules_of(root)]
    assert len(places) > 20
    assert [place for place in places if place not in page] == []


def test_the_layers_on_the_architecture_page_are_those_that_hold() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    held = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert "\n".join(held).replace("harness.", "") == page.partition("## Layers")[2].split("```")[1].strip()
    assert {f"harness.{path.stem}" for path in modules_of("harness")} - {
        *re.findall(r"[\w.]+", " ".join(held))
    } == set()


@pytest.mark.parametrize(
    "page", ["CONTRIBUTING.md", "benchmarks/README.md", "docs/architecture.md", "docs/security.md"]
)
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = re.findall(
        r"`((?:harness|conformance|tests|docs|benchmarks|viewer|examples)/[\w./*-]+)`",
        (ROOT / page).read_text(encoding="utf-8"),
    )
    assert [name for name in named if not any(ROOT.glob(name))] == []
