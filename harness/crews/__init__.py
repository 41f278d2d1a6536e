"""Crews: agents that do tasks, one after the other or as a manager hands them out."""

from __future__ import annotations

from harness.crews.crew import Crew
from harness.crews.output import CrewOutput, OutputFormat, TaskOutput
from harness.crews.process import Process
from harness.crews.streaming_output import CrewStreamingOutput, FlowStreamingOutput
from harness.crews.task import Task

__all__ = [
    "Crew",
    "CrewOutput",
    "CrewStreamingOutput",
    "FlowStreamingOutput",
    "OutputFormat",
    "Process",
    "Task",
    "TaskOutput",
]
