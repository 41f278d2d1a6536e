"""Agents: roles with an LLM and tools, which answer by themselves or do the tasks of a crew."""

from __future__ import annotations

from harness.agents.agent import Agent
from harness.agents.execution import IterationLimitError
from harness.agents.guardrail import Guardrail, GuardrailError
from harness.agents.output import AgentAction, AgentFinish, LiteAgentOutput

__all__ = [
    "Agent",
    "AgentAction",
    "AgentFinish",
    "Guardrail",
    "GuardrailError",
    "IterationLimitError",
    "LiteAgentOutput",
]
