"""What a declared flow looks like, as pydantic models; JSON Schema for editors comes from them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, PrivateAttr, ValidationError, model_validator

from harness.flow.declarations.crew_schema import AgentCall, CrewCall, DeclaredPython
from harness.flow.declarations.errors import FlowDeclarationError
from harness.flow.declarations.options_schema import AnyPlace, DeclaredConfig, DeclaredPersistence
from harness.flow.declarations.part import Declared, Reference, Values
from harness.flow.declarations.source import DeclarationSource, source_of
from harness.validation import fault_text

#: The format that is read.
SCHEMA: Final = "crewai.flow/v1"
MethodName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class AllOf(Declared):
    """All of these have happened."""

    all_of: list[DeclaredCondition] = Field(alias="and", min_length=1)


class AnyOf(Declared):
    """One of these has happened."""

    any_of: list[DeclaredCondition] = Field(alias="or", min_length=1)


#: A method's name, a label, or several of them.
DeclaredCondition: TypeAlias = str | AllOf | AnyOf


class CodeCall(Declared):
    """Calls a function with these arguments, or, without any, with what triggered it.

    A function whose first parameter has no default and is not among them gets the flow there, as a method does.
    """

    call: Literal["code"] = "code"
    ref: Reference
    arguments: Values | None = Field(default=None, alias="with")


class DeclaredToolCall(Declared):
    """Runs a tool, which is something with a `run`, with these arguments."""

    call: Literal["tool"]
    ref: Reference
    arguments: Values = Field(default_factory=dict, alias="with")


class ExpressionCall(Declared):
    """Comes to what a CEL expression does."""

    call: Literal["expression"]
    expr: str = Field(min_length=1)


class ScriptCall(Declared):
    """Runs the body of a Python function of `state`, `outputs` and `item`; only where that has been allowed."""

    call: Literal["script"]
    code: str = Field(min_length=1)
    language: Literal["python"] = "python"


def _code_by_default(call: Any) -> Any:
    is_code = isinstance(call, dict) and "ref" in call and call.get("call") is None
    return {**call, "call": "code"} if is_code else call


_Simple: TypeAlias = CodeCall | DeclaredToolCall | ExpressionCall | ScriptCall | CrewCall | AgentCall
SimpleCall: TypeAlias = Annotated[_Simple, Field(discriminator="call"), BeforeValidator(_code_by_default)]


class EachStep(Declared):
    """One step of what is done with each item."""

    name: MethodName
    #: A CEL expression that comes to true or false; the step is left out where it is false.
    condition: str | None = Field(default=None, alias="if")
    action: SimpleCall


class EachCall(Declared):
    """Does the same steps with each item of a list, and comes to the list of what the last ones came to."""

    call: Literal["each"]
    items: str | list[Any] = Field(alias="in")
    steps: list[EachStep] = Field(alias="do", min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        names = [step.name for step in self.steps]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"the steps of each have names of their own, and two are called {double!r}")
        return self


Call: TypeAlias = Annotated[_Simple | EachCall, Field(discriminator="call"), BeforeValidator(_code_by_default)]


#: A model as `provider/model`, or as settings of an `LLM`.
DeclaredModel: TypeAlias = str | Values


class DeclaredFeedback(Declared):
    """A human is asked about what the method gives; see `human_feedback`."""

    message: str
    emit: list[str] | None = Field(default=None, min_length=1)
    llm: DeclaredModel | None = None
    default_outcome: str | None = None
    metadata: Values = Field(default_factory=dict)
    provider: AnyPlace | None = None
    learn: bool = False
    learn_source: str = "hitl"
    learn_strict: bool = False


class DeclaredMethod(Declared):
    """One method."""

    description: str | None = None
    start: bool | DeclaredCondition = False
    listen: DeclaredCondition | None = None
    router: bool = False
    emit: list[str] | None = None
    do: Call
    persist: DeclaredPersistence | None = None
    human_feedback: DeclaredFeedback | None = None

    @model_validator(mode="after")
    def _check_trigger(self) -> Self:
        if self.start is False and self.listen is None:
            raise ValueError("nothing triggers this method: give it start or listen")
        if self.emit is not None and not self.router:
            raise ValueError("emit names the labels of a router: add router: true")
        return self


class DeclaredState(Declared):
    """The state of the flow: a dict, a pydantic model of yours, or one that a JSON Schema describes."""

    type: Literal["dict", "pydantic", "json_schema", "unknown"] = "dict"
    ref: Reference | None = None
    json_schema: Values | None = None
    #: What it begins with.
    default: Values = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_type_fields(self) -> Self:
        if self.type == "pydantic" and self.ref is None and self.json_schema is None:
            raise ValueError("a state of type pydantic needs the ref of its class, as in my_app.states:Report")
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("a state of type json_schema needs a json_schema")
        if not isinstance((self.json_schema or {}).get("properties", {}), dict):
            raise ValueError("the properties of a json_schema are an object, a schema for each name")
        return self


class DeclaredRouter(Declared):
    """How a model chooses the route of a turn; see `RouterConfig`."""

    prompt: str | None = None
    response_format: DeclaredPython | None = None
    llm: DeclaredModel | None = None
    routes: list[str] | None = None
    route_descriptions: dict[str, str] | None = None
    default_intent: str | None = None
    fallback_intent: str | None = None
    intent_field: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, fields: Any) -> Any:
        """An intent that is null is none, and not the one that stands where nothing is said."""
        if not isinstance(fields, dict):
            return fields
        return {name: value for name, value in fields.items() if value is not None or name.endswith("_intent")}


class DeclaredConversation(Declared):
    """Makes the flow conversational; see `ConversationConfig`."""

    enabled: bool = True
    system_prompt: str | None = None
    llm: DeclaredModel | None = None
    router: DeclaredRouter | None = None
    answer_from_history_prompt: str | None = None
    answer_from_history_llm: DeclaredModel | None = None
    default_intents: list[str] | None = None
    intent_llm: DeclaredModel | None = None
    visible_agent_outputs: list[str] | Literal["all"] | None = None
    defer_trace_finalization: bool | None = None
    #: What CrewAI writes of every conversation: the labels that are answered without a handler of one's own.
    builtin_routes: list[Literal["converse", "end"]] | None = None
    internal_routes: list[Literal["answer_from_history"]] | None = None


class FlowDefinition(Declared):
    """A whole flow."""

    format: Literal["crewai.flow/v1"] = Field(alias="schema")
    name: str = Field(min_length=1)
    description: str | None = None
    state: DeclaredState = Field(default_factory=DeclaredState)
    config: DeclaredConfig = Field(default_factory=DeclaredConfig)
    persist: DeclaredPersistence | None = None
    conversational: DeclaredConversation | None = None
    methods: dict[MethodName, DeclaredMethod] = Field(default_factory=dict)
    #: Where the files are that it names.
    _folder: Path = PrivateAttr(default_factory=Path)

    @classmethod
    def from_declaration(
        cls, *, contents: str | dict[str, Any] | FlowDefinition | None = None, path: str | Path | None = None
    ) -> FlowDefinition:
        """Return the declaration that is given, or that is in a file, without making a flow of it.

        What it names, its expressions and its graph are looked at when a flow is made of it.

        Raises:
            FlowDeclarationError: its form is wrong; every mistake has its line and column.
            UsageError: neither was given, or both; or the file can't be read.
        """
        return read_declaration(contents, path)[0]

    @property
    def is_conversational(self) -> bool:
        """Whether its runs are turns of a conversation."""
        return self.conversational is not None and self.conversational.enabled

    @model_validator(mode="after")
    def _check_action(self) -> Self:
        if not (self.methods or self.is_conversational):
            raise ValueError("a flow has methods, or is conversational")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return it as it is written down, as JSON, without what was left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


def read_declaration(
    contents: str | dict[str, Any] | FlowDefinition | None, path: str | Path | None
) -> tuple[FlowDefinition, DeclarationSource]:
    """Return a declaration, and where its parts stand.

    Raises:
        FlowDeclarationError: it is wrong; every mistake has its line and column.
        UsageError: neither was given, or both; or the file can't be read.
    """
    source = source_of(contents, path)
    if isinstance(contents, FlowDefinition):
        source.folder = contents._folder
        return contents, source
    try:
        definition = FlowDefinition.model_validate(source.value, strict=False)
    except ValidationError as error:
        problems = [
            source.problem(found["loc"], fault_text(found), at_key=found["type"] == "extra_forbidden")
            for found in error.errors(include_url=False)
        ]
        raise FlowDeclarationError(source.name, problems) from error
    definition._folder = source.folder
    return definition, source
