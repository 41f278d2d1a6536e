"""Claims about annotations that name what only a type checker imports, in code that is evaluated late (PEP 649)."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from harness.flow import Flow, listen, router, start
from harness.recording.trust.factories import gives_session
from harness.tools import tool

if TYPE_CHECKING:
    from elsewhere import Absent, FlowStreamSession  # type: ignore[import-not-found]  # noqa: TC004

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="annotations are evaluated late from Python 3.14 on")


def test_a_flow_may_name_what_is_not_there() -> None:
    class Reader(Flow[dict[str, Any]]):
        first: Absent = 1
        others: "list[Absent]" = []
        named: str = "tides"

        @start()
        def read(self) -> Absent:
            return self.first

        @listen(read)
        def add(self, value: Absent) -> Absent:
            return value + 1

        @router(add)
        def choose(self, value: Absent) -> Absent:
            return "large" if value > 1 else "small"

        @listen("large")
        def tell(self, value: "Absent") -> Absent:
            return value

    flow = Reader(named="winds", first=2)
    assert list(flow.model_dump()) == ["first", "others", "named"]
    assert flow.kickoff() == "large"


def test_a_tool_s_result_may_be_what_is_not_there() -> None:
    @tool
    def add(one: int) -> Absent:
        """Adds one."""
        return one + 1

    assert add.run(one=1) == 2


def test_an_annotation_that_names_a_session_is_known_by_its_name() -> None:
    def sessions(topic: str) -> Iterator[FlowStreamSession]:
        return iter(())

    def nothing(topic: str) -> Absent:
        return None

    assert (gives_session(sessions), gives_session(nothing)) == (True, False)
