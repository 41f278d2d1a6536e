"""The runtime of this project as a subject."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import harness
import harness.conversation
import harness.events
import harness.flow
from conformance.subjects.conversations import ConversationNames
from conformance.subjects.crews import CrewNames
from conformance.subjects.names import Names
from conformance.subjects.pauses import PauseNames
from conformance.subjects.programs import ProgramSubject
from conformance.subjects.restores import RestoreNames
from conformance.subjects.subject import Performance
from harness.errors import MissingExtraError

if TYPE_CHECKING:
    from conformance.stage.shipped_calls import ShippedCall

# The events that programs emit are found among the classes that are loaded, and these load when they are asked for.
for _name in dir(harness.events):
    getattr(harness.events, _name)


class ProbeEvent(harness.BaseEvent):
    """An event that the runtime does not know."""

    note: str = ""


class HarnessSubject(ProgramSubject):
    """The runtime that comes with this suite."""

    name = "harness"
    version = metadata.version("stream-harness")
    capabilities = frozenset(
        {
            "flow",
            "llm",
            "async",
            "threads",
            "tools",
            "thinking",
            "backpressure",
            "checkpoint",
            "feedback",
            "turn",
            "crew",
        }
    )
    names = Names(
        Flow=harness.Flow,
        start=harness.start,
        listen=harness.listen,
        router=harness.router,
        and_=harness.and_,
        or_=harness.or_,
        ProbeEvent=ProbeEvent,
        BaseEvent=harness.BaseEvent,
        event_bus=harness.event_bus,
        add_stream_sink=harness.add_stream_sink,
        reset_stream_sinks=harness.reset_stream_sinks,
        call_stream_override=harness.call_stream_override,
        call_stop_override=harness.call_stop_override,
    )
    conversations = ConversationNames(
        ConversationConfig=harness.conversation.ConversationConfig, RouterConfig=harness.conversation.RouterConfig
    )
    crews = CrewNames(
        Agent=harness.Agent,
        Task=harness.Task,
        Crew=harness.Crew,
        tool=harness.tool,
        hierarchical=harness.Process.hierarchical,
    )
    pauses = PauseNames(
        human_feedback=harness.human_feedback,
        HumanFeedbackPending=harness.flow.HumanFeedbackPending,
        FlowPersistence=harness.flow.FlowPersistence,
        SQLiteFlowPersistence=harness.flow.SQLiteFlowPersistence,
    )
    restores = RestoreNames(
        CheckpointConfig=harness.flow.CheckpointConfig, FlowPersistence=harness.flow.FlowPersistence
    )

    def __init__(self) -> None:
        if not list(metadata.Distribution.discover(name="openai")):
            raise MissingExtraError(
                "the suite's scripted provider speaks as OpenAI does, and this runtime needs that SDK to ask it: "
                "pip install 'stream-harness[openai]'"
            )

    def provider_llm(self, recorded: ShippedCall) -> harness.LLM:
        from harness.llm import no_credentials_needed

        call = recorded.call
        with no_credentials_needed():
            return harness.LLM(call.model, stream=True, **{**call.settings, "max_retries": 0})

    @property
    def declared_flow(self) -> Any:
        """What makes a flow of a declaration, where the library is installed that its expressions need."""
        if not list(metadata.Distribution.discover(name="cel-python")):
            raise AttributeError("declared flows need stream-harness[declarations]")
        return super().declared_flow

    #: An LLM of it can be told that its host marks the end of no stream.
    knows_unmarked_ends = True

    def legacy_chunk(self, frame: harness.StreamFrame) -> harness.StreamChunk | None:
        return harness.stream_frame_to_chunk(frame)

    def llm(self, performance: Performance, **settings: Any) -> harness.LLM:
        return harness.LLM(
            "openai/gpt-4o-mini",
            api_key="conformance",
            base_url=performance.provider.base_url,
            max_retries=0,
            **settings,
        )
