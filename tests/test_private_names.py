"""Claims about the classes that users subclass: a subclass may have any private names of its own."""

from __future__ import annotations

from typing import Any, Self

import pytest
from pydantic import PrivateAttr, field_validator, model_validator

from harness import BaseTool, Flow, UsageError, start
from harness.tools import ToolFailure
from tests.agents.scripted import WAYS, Way, by, tide

#: What the private names of a class begin with, but for those that are the user's to call or to implement. `_harness_` is
#: for what several of these classes share.
PREFIXES: dict[type, tuple[str, set[str]]] = {
    Flow: ("_flow_", {"_state", "_input_history"}),
    BaseTool: ("_tool_", {"_run", "_arun"}),
}


class StartedFlow(Flow):
    @start()
    def begin(self) -> str:
        return "begun"


@pytest.mark.parametrize(
    ("made", "base"),
    [
        (StartedFlow(), Flow),
        (tide, BaseTool),
    ],
    ids=[base.__name__ for base in PREFIXES],
)
def test_the_private_names_of_a_base_class_begin_with_its_prefix(made: Any, base: type) -> None:
    prefix, kept = PREFIXES[base]
    ours = [vars(kind) for kind in type(made).__mro__ if kind.__module__.startswith("harness.")]
    names = {name for own in ours for name in (*own, *own.get("__private_attributes__", ()))} | vars(made).keys()
    private = {name for name in names - {"_abc_impl"} if name.startswith("_") and not name.startswith("__")}
    assert any(name.startswith(prefix) for name in private)
    assert {name for name in private if not name.startswith((prefix, "_harness_"))} == kept


class MeasuringTool(BaseTool):
    """Has names of its own that say what they hold or do."""

    name: str = "Measure"
    description: str = "Measures the water."
    _definition: str = PrivateAttr(default="the height of the water")
    _counted: int = PrivateAttr(default=0)

    def _run(self, place: str) -> str:
        return self._work(place)

    def _work(self, place: str) -> str:
        self._counted += 1
        return f"{self._definition} at {self._fitting(place)}"

    def _fitting(self, place: str) -> str:
        return place.title()

    def _used_up(self) -> str:
        return "there is no water left"

    def _check_names(self) -> None:
        raise AssertionError("nobody calls this")

    @field_validator("args_schema", mode="before")
    @classmethod
    def _inferred(cls, schema: Any) -> Any:
        return schema

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.name.isidentifier():
            raise ValueError("its name is a word")
        return self


class GeneratingTool(MeasuringTool):
    def _run(self, place: str) -> Any:
        yield place


@pytest.mark.parametrize("way", WAYS)
def test_a_tool_may_have_any_private_names_of_its_own(way: Way) -> None:
    measure = MeasuringTool(max_usage_count=1)
    assert list(measure.definition()["function"]["parameters"]["properties"]) == ["place"]
    used = [by(way, lambda: measure.run(place="bergen"), lambda: measure.arun(place="bergen")) for _ in range(2)]
    assert used[0] == "the height of the water at Bergen"
    assert isinstance(used[1], ToolFailure)
    assert (measure._counted, measure.current_usage_count) == (1, 1)
    with pytest.raises(UsageError, match="its name is a word"):
        MeasuringTool(name="Measure it")
    with pytest.raises(UsageError, match="is a generator"):
        GeneratingTool()
