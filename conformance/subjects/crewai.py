"""CrewAI, the reference runtime, as a subject: the real package, where it is installed."""

from __future__ import annotations

import os
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

from conformance.subjects.conversations import ConversationNames
from conformance.subjects.crews import CrewNames
from conformance.subjects.names import Names
from conformance.subjects.pauses import PauseNames
from conformance.subjects.programs import ProgramSubject
from conformance.subjects.restores import RestoreNames
from conformance.subjects.subject import NotOfferedError, Performance
from harness.errors import ConformanceError

if TYPE_CHECKING:
    from conformance.stage.shipped_calls import ShippedCall

# Before the first import: it phones home, and asks on the terminal whether it may trace.
os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CREWAI_TRACING_ENABLED", "false")
os.environ.setdefault("OTEL_SDK_DISABLED", "true")


class CrewAISubject(ProgramSubject):
    """The reference, in the version that is installed.

    Raises:
        ConformanceError: it is not installed.
    """

    name = "crewai"
    #: What its documentation says that it can do. It has no look-ahead limit.
    capabilities = frozenset(
        {"flow", "llm", "async", "threads", "tools", "thinking", "turn", "crew", "feedback", "checkpoint"}
    )

    def __init__(self) -> None:
        try:
            flow, events = import_module("crewai.flow.flow"), import_module("crewai.events")
            base = import_module("crewai.events.base_events").BaseEvent
            stream_context = import_module("crewai.events.stream_context")
            base_llm = import_module("crewai.llms.base_llm")
            feedback = import_module("crewai.flow.async_feedback")
            persistence = import_module("crewai.flow.persistence")
            conversational = import_module("crewai.flow.conversational")
            crewai = import_module("crewai")
        except ImportError as error:
            raise ConformanceError(
                f"the subject crewai needs the package: pip install 'crewai==1.15.*' beside stream-harness ({error})"
            ) from error
        self.version = metadata.version("crewai")
        fields = {"__annotations__": {"type": str, "note": str}, "note": "", "__module__": __name__}
        self.names = Names(
            Flow=flow.Flow,
            start=flow.start,
            listen=flow.listen,
            router=flow.router,
            and_=flow.and_,
            or_=flow.or_,
            ProbeEvent=type("ProbeEvent", (base,), fields),
            BaseEvent=base,
            event_bus=events.crewai_event_bus,
            add_stream_sink=stream_context.add_stream_sink,
            reset_stream_sinks=stream_context.reset_stream_sinks,
            call_stream_override=base_llm.call_stream_override,
            call_stop_override=base_llm.call_stop_override,
        )
        self.conversations = ConversationNames(
            ConversationConfig=conversational.ConversationConfig, RouterConfig=conversational.RouterConfig
        )
        self.crews = CrewNames(
            Agent=crewai.Agent,
            Task=crewai.Task,
            Crew=crewai.Crew,
            tool=import_module("crewai.tools").tool,
            hierarchical=crewai.Process.hierarchical,
        )
        self.pauses = PauseNames(
            human_feedback=import_module("crewai.flow").human_feedback,
            HumanFeedbackPending=feedback.HumanFeedbackPending,
            FlowPersistence=persistence.FlowPersistence,
            SQLiteFlowPersistence=persistence.SQLiteFlowPersistence,
        )
        self.restores = RestoreNames(
            CheckpointConfig=import_module("crewai").CheckpointConfig, FlowPersistence=persistence.FlowPersistence
        )

    #: Its memory's database starts one when it is imported, which happens when a flow is made.
    idle_threads = frozenset({"LanceDBBackgroundEventLoop"})

    def provider_llm(self, recorded: ShippedCall) -> Any:
        crewai = import_module("crewai")
        # It looks for credentials when its LLM is made or asked. Nothing of this is sent anywhere.
        os.environ.update(recorded.row.placeholders)
        # Two APIs of one provider are one name and a setting there.
        provider, _, model = recorded.call.model.partition("/")
        name, _, api = provider.partition("-")
        # Its Gemini integration asks for thoughts by itself; the others are told what to send, and get what they get.
        return crewai.LLM(model=f"{name}/{model}", stream=True, **({"api": api} if api else {}))

    def legacy_chunk(self, frame: Any) -> Any:
        project = getattr(import_module("crewai.types.streaming"), "stream_frame_to_chunk", None)
        if project is None:
            raise NotOfferedError("llm.legacy-chunk", "nothing projects a frame to a StreamChunk")
        return project(frame)

    def llm(self, performance: Performance, **settings: Any) -> Any:
        crewai = import_module("crewai")
        return crewai.LLM(
            model="openai/gpt-4o-mini",
            api_key="conformance",
            base_url=performance.provider.base_url,
            max_retries=0,
            **settings,
        )
