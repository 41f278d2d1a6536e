"""One run of a crew: its tasks in order, each in the hands of its agent or of the manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from harness.agents import Agent
from harness.agents.delegation import HandOver, Work, delegation_tools
from harness.agents.driver import Beside, Driver, RunningBody
from harness.agents.toolbox import ToolCache
from harness.bus.step import Step, StepEnds
from harness.crews.crew_settings import CrewSettings
from harness.crews.duty import Duty, performed
from harness.crews.output import CrewOutput, TaskOutput
from harness.crews.process import Process
from harness.crews.task import Task
from harness.errors import UsageError
from harness.events import CrewKickoffCompletedEvent, CrewKickoffFailedEvent, CrewKickoffStartedEvent
from harness.llm.run_usage import RunUsage
from harness.tools.base_tool import BaseTool
from harness.tools.failure import ToolFailureRecord

_ENDS: Final = StepEnds(completed=CrewKickoffCompletedEvent, failed=CrewKickoffFailedEvent)
_BETWEEN: Final = "\n\n---\n\n"
#: The manager that a crew has where it is given only the LLM of one.
_ROLE: Final = "Crew Manager"
_GOAL: Final = "Get each task done well, by the coworkers who are best at it, and answer for the result."
_BACKSTORY: Final = (
    "You know what each of your coworkers is good at. You hand work to them with all that they need to know for it, look "
    "at what they give you, ask again where it falls short, and put the answer together."
)


class CrewEngine:
    """One run of one crew; made for it and thrown away after it."""

    def __init__(self, crew: CrewSettings, driver: Driver, inputs: Mapping[str, Any] | None) -> None:
        self._crew = crew
        self._driver = driver
        self._inputs = inputs
        agents = {id(agent): agent.interpolated(inputs) for agent in crew.all_agents}
        #: The agents as they are in this run.
        self._agents = [agents[id(agent)] for agent in crew.agents]
        self._manager = self._manager_agent()
        #: The tasks as they are in this run, in their order, and whose answers each names.
        self._tasks = [
            task.interpolated(inputs, None if task.agent is None else agents[id(task.agent)]) for task in crew.tasks
        ]
        self._contexts = [crew.context_of(place) for place in range(len(crew.tasks))]
        for needed in (each for context in self._contexts for each in context or () if not isinstance(each, int)):
            if needed.output is None:
                raise UsageError(
                    f"the task {needed.label[:60]!r} is none of the crew's, and has not been done: run it before"
                )
        self._results = ToolCache() if crew.cache else None
        self._usage = RunUsage()
        #: The tasks that have ended, and those that work beside the others, by their places.
        self._outputs: dict[int, TaskOutput] = {}
        self._parallel: dict[int, RunningBody[TaskOutput]] = {}

    async def work(self) -> CrewOutput:
        """Return what the crew comes to.

        Raises:
            BaseException: what made a task fail, the same object, after the frames that tell of it.
        """
        crew, driver = self._crew, self._driver
        started = CrewKickoffStartedEvent(
            crew_name=crew.label, crew=crew, inputs=dict(self._inputs) if self._inputs else None
        )
        async with driver.step(Step(crew, started, _ENDS, label=crew.label, own_run=True)) as step:
            step.scope.sinks = (*step.scope.sinks, self._usage)
            try:
                await self._run_tasks()
                output = self._output()
                for callback in crew.after_kickoff_callbacks:
                    changed = await driver.call(callback, output)
                    output = output if changed is None else changed
            finally:
                crew.note_usage(self._usage.metrics())
            step.complete(output=output, total_tokens=self._usage.metrics().total_tokens)
        return output

    async def _run_tasks(self) -> None:
        async with Beside(self._driver) as beside:
            for place, task in enumerate(self._tasks):
                work = partial(task.done, self._driver, self._duty(place))
                if task.async_execution:
                    self._parallel[place] = beside.start(partial(work, await self._context(place)))
                    continue
                if self._contexts[place] is None:
                    await self._await(range(place))
                self._note(place, await work(await self._context(place)))
            await self._await(range(len(self._tasks)))

    async def _context(self, place: int) -> str:
        """Return the answers that a task is given: those of the tasks that it names, or of all that have ended."""
        named = self._contexts[place]
        if named is None:
            named = [*sorted(self._outputs)]
        else:
            await self._await([needed for needed in named if isinstance(needed, int)])
        outputs = [self._outputs[needed] if isinstance(needed, int) else needed.output for needed in named]
        return _BETWEEN.join(output.raw for output in outputs if output is not None)

    async def _await(self, places: Sequence[int]) -> None:
        for place in places:
            if place in self._parallel:
                outcome = await self._parallel.pop(place).outcome()
                self._note(place, outcome.unwrap())

    def _note(self, place: int, output: TaskOutput) -> None:
        self._outputs[place] = output
        self._crew.tasks[place].output = output

    def _output(self) -> CrewOutput:
        outputs = [self._outputs[place] for place in sorted(self._outputs)]
        last = outputs[-1]
        return CrewOutput(
            raw=last.raw,
            pydantic=last.pydantic,
            json_dict=last.json_dict,
            tasks_output=outputs,
            token_usage=self._usage.metrics(),
        )

    # Who does a task, and with what.

    def _duty(self, place: int) -> Duty:
        task = self._tasks[place]
        agent = self._manager or task.agent
        if agent is None:
            raise UsageError(f"the task {task.label[:60]!r} has no agent")
        failures: list[ToolFailureRecord] = []
        return Duty(
            task,
            agent,
            self._driver,
            tools=self._tools(task, agent, failures),
            crew=self._crew,
            results=self._results,
            number=[each.label for each in self._tasks[: place + 1]].count(task.label),
            coworker_failures=failures,
        )

    def _tools(self, task: Task, agent: Agent, failures: list[ToolFailureRecord]) -> list[BaseTool]:
        hand_over = self._hand_over(task, failures)
        if self._manager is not None:
            coworkers = [task.agent] if task.agent is not None else self._agents
            return [*task.tools, *delegation_tools(coworkers, hand_over)]
        own = task.tools or agent.tools
        coworkers = [coworker for coworker in self._agents if coworker is not agent] if agent.allow_delegation else []
        return [*own, *delegation_tools(coworkers, hand_over)]

    def _hand_over(self, task: Task, failures: list[ToolFailureRecord]) -> HandOver:
        async def hand_over(driver: Driver, coworker: Agent, work: Work, context: str) -> str:
            answered = await performed(
                coworker, driver, work, context, crew=self._crew, results=self._results, owner=task
            )
            failures.extend(answered.tool_failures)
            return answered.raw

        return hand_over

    def _manager_agent(self) -> Agent | None:
        crew = self._crew
        if crew.process is not Process.hierarchical:
            return None
        if crew.manager_agent is not None:
            return crew.manager_agent.interpolated(self._inputs)
        return Agent(role=_ROLE, goal=_GOAL, backstory=_BACKSTORY, llm=crew.manager_llm)
