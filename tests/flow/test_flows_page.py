"""Claims about the page of flows: its program runs as it stands, and no name that users give is missing on it."""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from harness.flow import (
    CheckpointConfig,
    Flow,
    FlowDefinition,
    FlowPersistence,
    HumanFeedbackResult,
    human_feedback,
    persist,
    router,
)
from harness.flow.declarations.options_schema import DeclaredConfig, DeclaredPersistence
from harness.flow.declarations.schema import Call, DeclaredMethod, DeclaredState

PAGE = (Path(__file__).parents[2] / "docs" / "flows.md").read_text(encoding="utf-8")


def test_the_program_of_the_page_runs_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program = tmp_path / "page.py"
    program.write_text("\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), encoding="utf-8")
    assert callable(runpy.run_path(str(program), run_name="page")["Letter"])


def parameters(*functions: object) -> set[str]:
    return {name for function in functions for name in inspect.signature(function).parameters}  # type: ignore[arg-type]


def public(names: Iterable[str]) -> set[str]:
    return {name for name in names if not name.startswith("_")}


#: What is said elsewhere, or is said to have nothing to say.
ELSEWHERE = {
    "hooks",
    "extra",
    "self",
    "options",
    "kwargs",
    "look_ahead",
    "retain",
    "args",
    "learn",
    "learn_source",
    "learn_strict",
}
#: What a flow inherits for conversations, or takes no part in a run.
NOT_HERE = re.compile(
    r"turn|chat|router_|message|intent|agent|conversation|session|model_|history$|definition$|^input_history|declaration"
)

NAMES: dict[str, set[str]] = {
    "options of the constructor": parameters(Flow.__init__),
    "options of the ways to run": parameters(Flow.kickoff, Flow.astream, Flow.ask, Flow.resume, Flow.from_pending, Flow.fork),
    "what a flow has": {name for name in public(dir(Flow)) if not NOT_HERE.search(name)},
    "options of the decorators": parameters(router, persist, human_feedback),
    "checkpoints": set(CheckpointConfig.model_fields),
    "a persistence": public(vars(FlowPersistence)) | parameters(FlowPersistence.save_state),
    "an answer": {field.name for field in fields(HumanFeedbackResult)},
    "declarations": {
        field.alias or name
        for model in (FlowDefinition, DeclaredState, DeclaredMethod, DeclaredPersistence)
        for name, field in model.model_fields.items()
    },
    "the options of a declaration": set(DeclaredConfig.model_fields) - {"tracing", "memory"},
    "the calls of a declaration": {
        str(get_args(kind.model_fields["call"].annotation)[0]) for kind in get_args(get_args(Call)[0])
    },
}  # fmt: skip


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES.keys())
def test_every_name_is_on_the_page(names: set[str]) -> None:
    words = set(re.findall(r"\w+", PAGE))
    assert len(names) > 2
    assert names - ELSEWHERE - words == set()
