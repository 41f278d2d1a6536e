"""How a conversational flow answers and routes, as its class says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from msgspec import Struct
from pydantic import BaseModel

from harness.errors import UsageError
from harness.flow.graph.decorators import refuse_bare

C = TypeVar("C", bound=type)


class RouterConfig(Struct, frozen=True):
    """How a model chooses the route of a turn.

    It is shown each route with a description: one given here, the one of a built-in route, or the first line of the
    handler's docstring.
    """

    #: What the router is to know of the domain; the routes are added to it.
    prompt: str | None = None
    #: What the model is to answer with; by default a model with `intent_field` alone.
    response_format: type[BaseModel] | None = None
    #: By default the conversation's `intent_llm`, or its `llm`.
    llm: Any = None
    #: The routes to choose from beside the built-in ones; by default every label that a handler listens to.
    routes: Sequence[str] | None = None
    route_descriptions: Mapping[str, str] | None = None
    #: Taken where there is no model to ask.
    default_intent: str | None = "converse"
    #: Taken where the model fails, or answers with something that is no route.
    fallback_intent: str | None = "converse"
    #: The field of the answer that names the route.
    intent_field: str = "intent"


class ConversationConfig(Struct, frozen=True):
    """How a conversational flow answers and routes. It decorates the class, and makes it conversational.

    Models are given as `provider/model`, as settings of an `LLM` in a dict, or as objects with `call`.
    """

    #: What the built-in answer's model is told first: None for a text of ours, "" for nothing.
    system_prompt: str | None = None
    #: The model of the built-in answer.
    llm: Any = None
    #: By itself a router is asked where there are handlers of your own and no `default_intents`.
    router: RouterConfig | None = None
    #: What the model that answers from history is told first.
    answer_from_history_prompt: str | None = None
    #: Decides whether what has been said is enough to answer, and answers. None for never.
    answer_from_history_llm: Any = None
    #: The intents by which each message is classified, where its turn gives none.
    default_intents: Sequence[str] | None = None
    #: The model that classifies.
    intent_llm: Any = None
    #: The agents whose results users see, though they are appended as private.
    visible_agent_outputs: Sequence[str] | Literal["all"] | None = None
    #: One flow runs through all turns, from the first to `finalize_session_traces()`; else each turn has its own.
    defer_trace_finalization: bool = True

    def __post_init__(self) -> None:
        """Refuse what is no router, and the class itself, where parentheses are missing."""
        refuse_bare(type(self), self.system_prompt)
        if not isinstance(self.router, RouterConfig | None):
            raise UsageError(f"router of ConversationConfig: expected a RouterConfig, not {self.router!r}")

    def __call__(self, flow_class: C) -> C:
        """Make a flow class conversational, with this config."""
        flow_class.conversational_config = self  # type: ignore[attr-defined]
        flow_class.conversational = True  # type: ignore[attr-defined]
        return flow_class
