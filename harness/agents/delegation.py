"""Tools by which one agent of a crew hands work to the others, and asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field

from harness.agents.agent import Agent
from harness.agents.driver import Driver, LoopDriver, ThreadDriver, run_unsuspended
from harness.tools.base_tool import BaseTool
from harness.tools.failure import ToolFailure, ToolFailureReason

_MARKS: Final = str.maketrans("", "", "\"'[]")
#: Has an agent do a piece of work, and returns its answer.
HandOver = Callable[[Driver, Agent, "Work", str], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Work:
    """What one agent asks of another."""

    description: str
    expected_output: str


class _DelegationArguments(BaseModel):
    task: str = Field(description="What is to be done.")
    context: str = Field(description="All that the coworker has to know for it; it knows nothing else.")
    coworker: str = Field(description="The role of the coworker.")


class _QuestionArguments(BaseModel):
    question: str = Field(description="The question.")
    context: str = Field(description="All that the coworker has to know for it; it knows nothing else.")
    coworker: str = Field(description="The role of the coworker.")


class CoworkerTool(BaseTool):
    """A tool that has another agent do something: any of `coworkers`, by `hand_over`."""

    coworkers: Sequence[Agent]
    hand_over: HandOver
    #: What is expected of their work.
    wanted: str

    def _run(self, coworker: str, context: str = "", task: str = "", question: str = "") -> Any:
        return run_unsuspended(self._done(ThreadDriver(), coworker, context, task or question))

    async def _arun(self, coworker: str, context: str = "", task: str = "", question: str = "") -> Any:
        return await self._done(LoopDriver(), coworker, context, task or question)

    async def _done(self, driver: Driver, coworker: str, context: str, description: str) -> str | ToolFailure:
        agent = next((known for known in self.coworkers if _plain(known.role) == _plain(coworker)), None)
        if agent is None:
            return ToolFailure(
                message=f"there is no coworker {coworker!r}; the coworkers are: {_roles(self.coworkers)}",
                reason=ToolFailureReason.INVALID_INPUT,
            )
        return await self.hand_over(driver, agent, Work(description, self.wanted), context)


_DELEGATE: Final[dict[str, Any]] = {
    "name": "Delegate work to coworker",
    "description": "Have a coworker do a piece of work, and get what it has done.",
    "args_schema": _DelegationArguments,
    "wanted": "The complete result of the work, for the colleague who asked for it.",
}
_ASK: Final[dict[str, Any]] = {
    "name": "Ask question to coworker",
    "description": "Ask a coworker something, and get the answer.",
    "args_schema": _QuestionArguments,
    "wanted": "The answer to the question, complete, for the colleague who asked.",
}


def delegation_tools(coworkers: Sequence[Agent], hand_over: HandOver) -> list[BaseTool]:
    """Return the tools by which an agent may have `coworkers` work; none where it has none."""
    if not coworkers:
        return []
    return [
        CoworkerTool(
            **{**texts, "description": f"{texts['description']} The coworkers are: {_roles(coworkers)}."},
            coworkers=coworkers,
            hand_over=hand_over,
        )
        for texts in (_DELEGATE, _ASK)
    ]


def _roles(agents: Sequence[Agent]) -> str:
    return "; ".join(agent.role for agent in agents)


def _plain(role: str) -> str:
    """Return a role without what models change in it: case, quotes, brackets and spaces."""
    return " ".join(role.translate(_MARKS).split()).casefold()
