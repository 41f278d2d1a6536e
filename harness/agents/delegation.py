"""Tools by which one agent of a crew hands work to the others, and asks them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, Field, PrivateAttr

from harness.agents.agent import Agent
from harness.agents.driver import Driver, LoopDriver, ThreadDriver, run_unsuspended
from harness.tools.base_tool import BaseTool
from harness.tools.failure import ToolFailure, ToolFailureReason

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
    """A tool that has another agent do something."""

    _coworkers: tuple[Agent, ...] = PrivateAttr(default=())
    _hand_over: HandOver | None = PrivateAttr(default=None)
    _wanted: str = PrivateAttr(default="")

    @classmethod
    def among(cls, coworkers: Sequence[Agent], hand_over: HandOver, **texts: Any) -> CoworkerTool:
        """Return a tool that may ask any of `coworkers`."""
        wanted = texts.pop("wanted")
        roles = "; ".join(coworker.role for coworker in coworkers)
        made = cls(**{**texts, "description": f"{texts['description']} The coworkers are: {roles}."})
        made._coworkers = tuple(coworkers)
        made._hand_over = hand_over
        made._wanted = wanted
        return made

    def _run(self, coworker: str, context: str = "", task: str = "", question: str = "") -> Any:
        return run_unsuspended(self._done(ThreadDriver(), coworker, context, task or question))

    async def _arun(self, coworker: str, context: str = "", task: str = "", question: str = "") -> Any:
        return await self._done(LoopDriver(), coworker, context, task or question)

    async def _done(self, driver: Driver, coworker: str, context: str, description: str) -> str | ToolFailure:
        agent = _of_role(self._coworkers, coworker)
        if agent is None or self._hand_over is None:
            roles = "; ".join(known.role for known in self._coworkers)
            return ToolFailure(
                message=f"there is no coworker {coworker!r}; the coworkers are: {roles}",
                reason=ToolFailureReason.INVALID_INPUT,
            )
        return await self._hand_over(driver, agent, Work(description, self._wanted), context)


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
    return [CoworkerTool.among(coworkers, hand_over, **texts) for texts in (_DELEGATE, _ASK)]


def _of_role(agents: Sequence[Agent], role: str) -> Agent | None:
    """Return the agent of a role, as a model writes it: in whatever case, quoted or spaced."""

    def plain(text: str) -> str:
        return " ".join(text.replace('"', "").replace("'", "").split()).casefold()

    return next((agent for agent in agents if plain(agent.role) == plain(role)), None)
