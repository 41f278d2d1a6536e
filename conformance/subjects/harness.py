"""The runtime of this project as a subject."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import harness
import harness.events
from conformance.contract.clauses import CAPABILITIES
from conformance.subjects.names import names_in
from conformance.subjects.programs import ProgramSubject
from harness.errors import MissingExtraError
from harness.import_path import version_of

if TYPE_CHECKING:
    from conformance.stage.shipped_calls import ShippedCall

# The events that programs emit are found among the classes that are loaded, and these load when they are asked for.
for _name in dir(harness.events):
    getattr(harness.events, _name)


class ProbeEvent(harness.BaseEvent):
    note: str = ""


class HarnessSubject(ProgramSubject):
    name = "harness"
    model = "openai/gpt-4o-mini"
    version = version_of("stream-harness")
    capabilities = frozenset(CAPABILITIES)
    names = names_in(
        {
            "harness": "Flow start listen router and_ or_ BaseEvent event_bus add_stream_sink reset_stream_sinks "
            "call_stream_override call_stop_override Agent Task Crew Process tool human_feedback",
            "harness.conversation": "ConversationConfig RouterConfig",
            "harness.flow": "HumanFeedbackPending FlowPersistence SQLiteFlowPersistence CheckpointConfig",
        },
        ProbeEvent=ProbeEvent,
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

    def given_files(self, flow: harness.Flow[Any]) -> dict[str, Any]:
        return flow.input_files

    def legacy_chunk(self, frame: harness.StreamFrame) -> harness.StreamChunk | None:
        return harness.stream_frame_to_chunk(frame)

    def make_llm(self, model: str, **settings: Any) -> harness.LLM:
        return harness.LLM(model, **settings)
