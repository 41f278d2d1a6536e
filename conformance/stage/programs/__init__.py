"""Runs described as data, so that every subject performs the same one.

A program says what happens inside the run; a scenario says what the consumer does meanwhile. The two meet at named
points (`conformance.stage.points`): nothing sleeps, and no clock decides.
"""

from __future__ import annotations

from conformance.stage.programs.call import CallProgram, RecordedProgram
from conformance.stage.programs.conversation import ConversationProgram, label_of, route_to
from conformance.stage.programs.crew import CrewProgram, TaskProgram, ToolProgram
from conformance.stage.programs.flow import (
    Ask,
    AskHuman,
    Block,
    Emit,
    EmitBuiltIn,
    EmitPayload,
    Feedback,
    FlowProgram,
    Give,
    Method,
    Nest,
    Raise,
    Reach,
    ReadFlag,
    Reply,
    RunCrew,
    Spawn,
    Step,
)
from conformance.stage.programs.script import HoldBody, Script, ScriptedToolCall, Text, Thinking

__all__ = [
    "Ask",
    "AskHuman",
    "Block",
    "CallProgram",
    "ConversationProgram",
    "CrewProgram",
    "Emit",
    "EmitBuiltIn",
    "EmitPayload",
    "Feedback",
    "FlowProgram",
    "Give",
    "HoldBody",
    "Method",
    "Nest",
    "Program",
    "Raise",
    "Reach",
    "ReadFlag",
    "RecordedProgram",
    "Reply",
    "RunCrew",
    "Script",
    "ScriptedToolCall",
    "Spawn",
    "Step",
    "TaskProgram",
    "Text",
    "Thinking",
    "ToolProgram",
    "label_of",
    "route_to",
]

#: What `Subject.session` and `asession` are asked to perform.
Program = FlowProgram | CallProgram | RecordedProgram
