"""`Task`: something to be done, in a crew or alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Final

from harness.agents import Agent
from harness.agents.driver import Driver, LoopDriver, ThreadDriver, run_unsuspended
from harness.bus.scope import placed_context
from harness.crews.duty import Duty
from harness.crews.output import TaskOutput
from harness.crews.own_methods import Replaceable
from harness.crews.task_settings import TaskSettings
from harness.errors import UsageError
from harness.tools.base_tool import BaseTool
from harness.workers import attempt


class Task(TaskSettings):
    """A task. `{name}` in its texts and in `output_file` stands for an input of the crew's kickoff.

    It may be part of several crews, and runs beside each other do not disturb one another; `output` is then that of the
    run that ended last.
    """

    def execute_sync(
        self, agent: Agent | None = None, context: str | None = None, tools: Sequence[BaseTool] | None = None
    ) -> TaskOutput:
        """Do the task alone, and return what it came to.

        Raises:
            UsageError: there is no agent to do it.
            BaseException: what made it fail, after the frames that tell of it.
        """
        return run_unsuspended(self._task_execute(ThreadDriver(), agent, context, tools))

    async def aexecute_sync(
        self, agent: Agent | None = None, context: str | None = None, tools: Sequence[BaseTool] | None = None
    ) -> TaskOutput:
        """Do as `execute_sync`, without blocking the loop."""
        return await self._task_execute(LoopDriver(), agent, context, tools)

    def execute_async(
        self, agent: Agent | None = None, context: str | None = None, tools: Sequence[BaseTool] | None = None
    ) -> Future[TaskOutput]:
        """Do as `execute_sync` in a thread of its own, and return the Future of it."""
        future: Future[TaskOutput] = Future()
        work = placed_context()

        def run() -> None:
            # From here on nobody can cancel it.
            if not future.set_running_or_notify_cancel():
                return
            outcome = attempt(lambda: work.run(self.execute_sync, agent, context, tools))
            if outcome.error is not None:
                future.set_exception(outcome.error)
            else:
                future.set_result(outcome.unwrap())

        threading.Thread(target=run, name="harness-task", daemon=True).start()
        return future

    async def done(self, driver: Driver, duty: Duty, context: str) -> TaskOutput:
        """Return what the task comes to in a crew's run, by `execute_sync` where that is not the one here."""
        if not _EXECUTION.is_replaced(self):
            return await duty.do(context)

        async def execute(
            _: object, driver: Driver, agent: Agent | None, context: str | None, tools: Sequence[BaseTool] | None
        ) -> TaskOutput:
            given = replace(duty, agent=agent or duty.agent, driver=driver, tools=tools or duty.tools)
            return await given.do(context)

        arguments = {"agent": duty.agent, "context": context, "tools": list(duty.tools)}
        output: TaskOutput = await _EXECUTION.call(driver, self, arguments, {"_task_execute": execute})
        return output

    async def _task_execute(
        self, driver: Driver, agent: Agent | None, context: str | None, tools: Sequence[BaseTool] | None
    ) -> TaskOutput:
        worker = agent or self.agent
        if not isinstance(worker, Agent):
            raise UsageError(
                f"the task {self.label[:60]!r} is done by an Agent, not by {worker!r}: give it one, or give execute_sync one"
            )
        output = await Duty(self, worker, driver, tools=tools or self.tools or worker.tools).do(context)
        self.output = output
        return output


_EXECUTION: Final = Replaceable(Task.execute_sync, Task.aexecute_sync)
