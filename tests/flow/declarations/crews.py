"""What declarations of crews name."""

from __future__ import annotations

from pydantic import BaseModel

from harness import tool
from harness.agents import GuardrailError as GuardrailError
from harness.crews import TaskOutput
from tests.agents.scripted import Speaker, calls


class Tide(BaseModel):
    place: str
    metres: float


@tool("Get tide")
def tide(place: str) -> str:
    """Tell how high the water is at a place."""
    return f"high at {place}"


class Echo(Speaker):
    """Says what it was told last."""

    def generate(self, request):  # type: ignore[no-untyped-def]
        self.answers = (str(request.messages[-1].content).partition("\n")[0],)
        return super().generate(request)


echo = Echo()
manager = Speaker(
    calls(("ask_question_to_coworker", {"question": "How?", "context": "", "coworker": "Pilot"})), "Managed."
)
structured = Speaker('{"place": "Bergen", "metres": 1.5}')
sailor = Speaker(calls(("get_tide", {"place": "Bergen"})), "Sailed.")


def is_polite(output: TaskOutput) -> tuple[bool, str]:
    return True, f"{output.raw} Please."
