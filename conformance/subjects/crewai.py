"""CrewAI, the reference runtime, as a subject: the real package, where it is installed."""

from __future__ import annotations

import os
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any, Final

from conformance.subjects.names import names_in
from conformance.subjects.programs import ProgramSubject
from conformance.subjects.subject import NotOfferedError
from harness.errors import ConformanceError

if TYPE_CHECKING:
    from conformance.stage.shipped_calls import ShippedCall

# Before the first import: it phones home, and asks on the terminal whether it may trace.
os.environ.setdefault("CREWAI_DISABLE_TELEMETRY", "true")
os.environ.setdefault("CREWAI_TRACING_ENABLED", "false")
os.environ.setdefault("OTEL_SDK_DISABLED", "true")


#: Module → the names that are looked up there.
_PLACES: Final = {
    "crewai.flow.flow": "Flow start listen router and_ or_",
    "crewai.events.base_events": "BaseEvent",
    "crewai.events.stream_context": "add_stream_sink reset_stream_sinks",
    "crewai.llms.base_llm": "call_stream_override call_stop_override",
    "crewai.flow.conversational": "ConversationConfig RouterConfig",
    "crewai": "Agent Task Crew Process CheckpointConfig",
    "crewai.tools": "tool",
    "crewai.flow": "human_feedback",
    "crewai.flow.async_feedback": "HumanFeedbackPending",
    "crewai.flow.persistence": "FlowPersistence SQLiteFlowPersistence",
}


class CrewAISubject(ProgramSubject):
    """The reference, in the version that is installed. Raises ConformanceError where none is."""

    name = "crewai"
    model = "openai/gpt-4o-mini"
    #: What its documentation says that it can do. It has no look-ahead limit.
    capabilities = frozenset(
        {"flow", "llm", "async", "threads", "tools", "thinking", "turn", "crew", "feedback", "checkpoint"}
    )

    def __init__(self) -> None:
        try:
            base = import_module("crewai.events.base_events").BaseEvent
            fields = {"__annotations__": {"type": str, "note": str}, "note": "", "__module__": __name__}
            self.names = names_in(
                _PLACES,
                ProbeEvent=type("ProbeEvent", (base,), fields),
                event_bus=import_module("crewai.events").crewai_event_bus,
            )
        except ImportError as error:
            raise ConformanceError(
                f"the subject crewai needs the package: pip install 'crewai==1.15.*' beside stream-harness ({error})"
            ) from error
        self.version = metadata.version("crewai")

    #: Its memory's database starts one when it is imported, which happens when a flow is made.
    idle_threads = frozenset({"LanceDBBackgroundEventLoop"})

    def provider_llm(self, recorded: ShippedCall) -> Any:
        # It looks for credentials when its LLM is made or asked. Nothing of this is sent anywhere.
        os.environ.update(recorded.row.placeholders)
        # Two APIs of one provider are one name and a setting there.
        provider, _, model = recorded.call.model.partition("/")
        name, _, api = provider.partition("-")
        # Its Gemini integration asks for thoughts by itself; the others are told what to send, and get what they get.
        return self.make_llm(f"{name}/{model}", stream=True, **({"api": api} if api else {}))

    def legacy_chunk(self, frame: Any) -> Any:
        project = getattr(import_module("crewai.types.streaming"), "stream_frame_to_chunk", None)
        if project is None:
            raise NotOfferedError("llm.legacy-chunk", "nothing projects a frame to a StreamChunk")
        return project(frame)

    def make_llm(self, model: str, **settings: Any) -> Any:
        return import_module("crewai").LLM(model=model, **settings)
