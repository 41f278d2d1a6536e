"""Claims about the public face: names, signatures and fields that users port their code to, and their docstrings."""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

import harness
from harness import BaseEvent

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "harness",
    "harness.agents",
    "harness.bridges",
    "harness.crews",
    "harness.tools",
    "harness.conversation",
    "harness.events",
    "harness.flow",
    "harness.llm",
    "harness.providers",
    "harness.recording",
    "harness.shipped",
    "harness.snapshots",
    "harness.viewer",
    "harness.web",
)

#: What users of the reference runtime import, and where from; in this version.
CLAIMED: dict[str, str] = {
    "harness": """
        Flow start listen router and_ or_ persist human_feedback CheckpointConfig
        LLM BaseLLM UsageMetrics call_stop_override call_stream_override
        Agent LiteAgentOutput Task TaskOutput Crew CrewOutput Process BaseTool tool
        CrewStreamingOutput FlowStreamingOutput
        StreamFrame StreamSession AsyncStreamSession StreamChunk StreamChunkType ToolCallChunk stream_frame_to_chunk
        BaseEvent EventBus event_bus BaseEventListener add_stream_sink reset_stream_sinks
        HarnessError UsageError ProviderError RecordingError ConformanceError RunCancelled
    """,
    "harness.tools": "BaseTool tool EnvVar ToolFailure ToolFailurePolicy ToolExecutionFailedError",
    "harness.agents": "Agent AgentAction AgentFinish LiteAgentOutput Guardrail GuardrailError IterationLimitError",
    "harness.crews": "Crew Task Process CrewOutput TaskOutput OutputFormat CrewStreamingOutput FlowStreamingOutput",
    "harness.llm": "BaseLLM LLM LLMRequest Finish TextDelta ThinkingDelta ToolCallDelta Usage ResponseStarted",
    "harness.flow": """
        Flow start listen router and_ or_ persist FlowPersistence SQLiteFlowPersistence default_flow_persistence
        set_flow_persistence_factory
        CheckpointConfig CheckpointProvider JsonLinesProvider JsonProvider SqliteProvider Checkpoint CheckpointError frames_by_run
        build_flow_structure visualize_flow_structure
        human_feedback HumanFeedbackPending HumanFeedbackResult HumanFeedbackProvider
        FlowDefinition FlowDeclarationError FlowScriptExecutionDisabledError
        PendingFeedbackContext InputProvider InputResponse ConsoleProvider flow_config
    """,
    "harness.conversation": """
        ConversationConfig RouterConfig ConversationState ConversationMessage ChatState normalize_kickoff_inputs
        get_conversation_messages append_message prepare_conversational_turn receive_user_message set_state_field
        input_history_to_messages
    """,
}

#: What users pass to each of these, in this order.
PARAMETERS = {
    "Flow.kickoff Flow.kickoff_async Flow.akickoff Flow.stream_events Flow.stream_frames Flow.astream": """
        inputs input_files from_checkpoint restore_from_state_id
    """,
    "Flow.from_declaration": "contents path",
    "Flow.ask": "message timeout metadata",
    "Flow.from_pending": "flow_id persistence definition",
    "Flow.resume Flow.resume_async": "feedback",
    "human_feedback": "message emit llm default_outcome metadata provider learn learn_source learn_strict",
    "Flow.handle_turn Flow.ahandle_turn Flow.stream_turn Flow.astream_turn": "message session_id intents intent_llm",
    "Flow.classify_intent": "text outcomes llm context",
    "Flow.receive_user_message": "text outcomes llm",
    "Flow.append_agent_result": "agent_name result visibility",
    "Flow.append_message": "role content extra",
    "ConversationConfig": """
        system_prompt llm router answer_from_history_prompt answer_from_history_llm default_intents intent_llm
        visible_agent_outputs defer_trace_finalization
    """,
    "RouterConfig": "prompt response_format llm routes route_descriptions default_intent fallback_intent intent_field",
    "start listen": "condition",
    "router": "condition emit",
    "persist": "persistence verbose",
    "FlowPersistence.save_state": "flow_uuid method_name state_data",
    "FlowPersistence.load_state": "flow_uuid",
    "FlowPersistence.save_pending_feedback": "flow_uuid context state_data",
    "SQLiteFlowPersistence": "db_path busy_s",
    "BaseLLM": """
        model temperature top_p max_tokens stream seed frequency_penalty presence_penalty n stop timeout max_retries
        api_key base_url api_version response_format reasoning_effort thinking logprobs top_logprobs additional_params
        callbacks without_end_marker
    """,
    "BaseLLM.call BaseLLM.acall BaseLLM.stream_events BaseLLM.astream": """
        messages tools callbacks available_functions from_task from_agent response_model
    """,
    "call_stop_override": "llm stop",
    "call_stream_override": "llm stream",
    "Agent.kickoff Agent.kickoff_async": "messages response_format input_files",
    "Agent.stream_events Agent.astream": "messages response_format",
    "Agent.execute_task Agent.aexecute_task": "task context tools",
    "Task.execute_sync Task.execute_async Task.aexecute_sync": "agent context tools",
    "Crew.kickoff Crew.kickoff_async Crew.akickoff": "inputs input_files from_checkpoint",
    "Crew.kickoff_for_each Crew.kickoff_for_each_async": "inputs input_files",
    "Crew.stream_events Crew.astream": "inputs",
    "CrewStreamingOutput": "sync_iterator async_iterator",
    "EventBus.emit EventBus.aemit": "source event",
    "EventBus.off EventBus.register_handler": "event_class handler",
    "EventBus.flush": "timeout",
    "EventBus.scoped_handlers": "",
    "add_stream_sink": "sink",
    "reset_stream_sinks": "token",
    "stream_frame_to_chunk": "frame",
    "StreamSession.interleave AsyncStreamSession.subscribe": "channels",
}

#: The fields of a model, all of them.
FIELDS = {
    "StreamFrame": "id seq type channel namespace timestamp parent_id previous_id data",
    "BaseEvent": """
        timestamp type event_id parent_event_id previous_event_id triggered_by_event_id started_event_id
        emission_sequence task_id task_name agent_id agent_role source_type source_fingerprint fingerprint_metadata
    """,
    "ConversationState": """
        id messages current_user_message last_user_message last_intent ended events agent_threads session_ready
    """,
    "ConversationMessage": "role content name tool_call_id tool_calls files metadata",
    "ChatState": "id messages last_user_message last_intent session_ready",
    "TaskOutput": """
        description name expected_output summary raw pydantic json_dict agent output_format messages tool_failures
    """,
    "CrewOutput": "raw pydantic json_dict tasks_output token_usage",
    "StreamChunk": "content chunk_type task_index task_name task_id agent_role agent_id tool_call",
    "ToolCallChunk": "tool_id tool_name arguments index",
    "UsageMetrics": """
        total_tokens prompt_tokens cached_prompt_tokens completion_tokens reasoning_tokens cache_creation_tokens
        successful_requests
    """,
}

#: Those of a model that users give, beside others.
OPTIONS = {
    "BaseTool": """
        name description args_schema result_schema result_as_answer max_usage_count current_usage_count cache_function
        env_vars tool_failure_policy
    """,
    "Agent": """
        role goal backstory llm tools max_iter max_rpm max_execution_time cache verbose allow_delegation step_callback
        function_calling_llm system_template prompt_template response_template max_retry_limit guardrail
        guardrail_max_retries id tool_failure_policy
    """,
    "Task": """
        description expected_output agent name context tools async_execution output_json output_pydantic output_file
        callback guardrail guardrails guardrail_max_retries human_input markdown create_directory id
    """,
    "Crew": """
        agents tasks process manager_llm manager_agent verbose stream cache max_rpm step_callback task_callback
        before_kickoff_callbacks after_kickoff_callbacks name id
    """,
}

ATTRIBUTES = {
    "CrewStreamingOutput": """
        result results chunks get_full_text is_completed is_cancelled close aclose
        __iter__ __aiter__ __enter__ __exit__ __aenter__ __aexit__
    """,
    "BaseTool": "run arun _run _arun",
    "Flow": """
        name initial_state stream suppress_flow_events max_method_calls persistence state flow_id method_outputs usage_metrics input_files plot checkpoint from_checkpoint fork
        input_provider last_human_feedback pending_feedback input_history
        conversational conversation_messages finalize_session_traces route_turn append_assistant_message
    """,
    "BaseLLM": """
        get_token_usage_summary supports_function_calling supports_stop_words get_context_window_size stop_sequences
    """,
    "StreamSession AsyncStreamSession": """
        events llm flow tools messages lifecycle custom interleave subscribe frames result is_completed is_exhausted
        is_cancelled close
    """,
    "StreamSession": "__enter__ __exit__ __iter__",
    "AsyncStreamSession": "aclose __aenter__ __aexit__ __aiter__",
}


def public(package: str) -> dict[str, Any]:
    module = importlib.import_module(package)
    return {name: getattr(module, name) for name in module.__all__}


PUBLIC = {name: value for package in reversed(PACKAGES) for name, value in public(package).items()}


def of_each(table: dict[str, str]) -> pytest.MarkDecorator:
    """Parametrise by what a table names, `Class` or `Class.method`, and the words that it has there."""
    rows = [(name, words.split()) for names, words in table.items() for name in names.split()]
    values = [pytest.param(attrgetter(name)(SimpleNamespace(**PUBLIC)), words, id=name) for name, words in rows]
    return pytest.mark.parametrize(("value", "expected"), values)


@pytest.mark.parametrize(
    ("package", "name"), [(package, name) for package, names in CLAIMED.items() for name in names.split()]
)
def test_a_claimed_name_is_public(package: str, name: str) -> None:
    module = importlib.import_module(package)
    assert name in module.__all__
    assert getattr(module, name) is not None


def test_the_root_has_no_public_name_but_the_claimed_ones() -> None:
    assert set(importlib.import_module("harness").__all__) == set(CLAIMED["harness"].split())


@pytest.mark.parametrize("package", PACKAGES)
def test_the_public_names_of_a_package_are_in_order_and_there(package: str) -> None:
    module = importlib.import_module(package)
    names = list(module.__all__)
    assert len(set(names)) == len(names)
    assert all(hasattr(module, name) for name in names)
    assert set(names) <= set(dir(module))
    exported: dict[str, Any] = {}
    exec(f"from {package} import *", exported)
    assert set(names) <= set(exported)


@pytest.mark.parametrize("package", [*PACKAGES, "harness.frames", "harness.session"])
def test_type_checkers_are_told_of_the_same_names_as_the_interpreter(package: str) -> None:
    module = importlib.import_module(package)
    tree = ast.parse(Path(module.__file__ or "").read_text())
    told = {
        alias.asname or alias.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert not told or sorted(told) == sorted(module.__all__)
    assert all(
        getattr(importlib.import_module(home or ""), name) is getattr(module, name) for name, home in told.items()
    )


def test_the_root_says_which_name_it_does_not_have() -> None:
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'Nothing'"):
        harness.Nothing  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_root_loads_none_of_its_modules_but_what_does_that() -> None:
    program = "import sys, harness; print([name for name in sys.modules if name.startswith('harness.')])"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "['harness.lazy_names']\n"


@of_each(PARAMETERS)
def test_the_parameters_of(value: Callable[..., Any], expected: list[str]) -> None:
    names = [name for name in inspect.signature(value).parameters if name != "self"]
    assert names[: len(expected)] == expected


@of_each(FIELDS)
def test_the_fields_of(value: type[BaseModel], expected: list[str]) -> None:
    assert sorted(value.model_fields) == sorted(expected)


@of_each(OPTIONS)
def test_the_options_of(value: type[BaseModel], expected: list[str]) -> None:
    assert set(expected) - value.model_fields.keys() == set()


@of_each(ATTRIBUTES)
def test_the_attributes_of(value: type[Any], expected: list[str]) -> None:
    assert [name for name in expected if not hasattr(value, name)] == []


DEFAULTS = {
    "Flow.stream Flow.suppress_flow_events Agent.allow_delegation Task.async_execution Crew.stream BaseTool.result_as_answer": False,
    "Flow.max_method_calls": 100,
    "Agent.max_iter": 25,
    "Agent.max_retry_limit": 2,
    "Agent.guardrail_max_retries Task.guardrail_max_retries": 3,
    "Crew.process": harness.Process.sequential,
}


@pytest.mark.parametrize(
    ("name", "default"), [(name, value) for names, value in DEFAULTS.items() for name in names.split()]
)
def test_the_default_of(name: str, default: Any) -> None:
    cls, _, attribute = name.partition(".")
    fields = getattr(PUBLIC[cls], "model_fields", {})
    assert (
        fields[attribute].get_default(call_default_factory=True) if fields else attrgetter(name)(harness)
    ) == default


DOCUMENTED = {
    f"{package}.{name}": value
    for package in PACKAGES
    for name, value in public(package).items()
    if isinstance(value, type) or inspect.isroutine(value)
}


@pytest.mark.parametrize("value", DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_a_public_name_has_a_docstring_whose_first_line_stands_for_itself(value: Any) -> None:
    if isinstance(value, type) and issubclass(value, BaseEvent):
        # An event says what it is by its name; what a family has in common stands at its base.
        documented = inspect.getdoc(value)
    else:
        documented = inspect.cleandoc(value.__doc__ or "")
    first = (documented or "").partition("\n\n")[0]
    assert re.fullmatch(r"[A-Z`(].*[.:]", first, re.DOTALL), first
    assert not first.startswith(f"{getattr(value, '__name__', '')}("), "a generated signature is no docstring"


METHODS = {
    f"{name}.{attribute}": value
    for name, cls in DOCUMENTED.items()
    if isinstance(cls, type) and not issubclass(cls, enum.Enum)
    for attribute, value in vars(cls).items()
    if not attribute.startswith("_")
    and (inspect.isfunction(value) or isinstance(value, property | classmethod))
    and str(getattr(value, "__module__", cls.__module__)).startswith("harness")
}


@pytest.mark.parametrize("value", METHODS.values(), ids=METHODS.keys())
def test_a_public_method_has_a_docstring(value: Any) -> None:
    assert inspect.getdoc(value)


def code_blocks() -> dict[str, str]:
    found = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for number, block in enumerate(
            re.findall(r"^```python\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        ):
            found[f"{page.name} {number + 1}"] = block
    return found


@pytest.mark.parametrize("block", code_blocks().values(), ids=code_blocks().keys())
def test_what_the_documentation_imports_is_public(block: str) -> None:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "harness":
            module = importlib.import_module(node.module)
            assert {alias.name for alias in node.names} <= set(module.__all__)


#: What a program that asks a model in a flow does not need before it runs.
HEAVY = """
    aiohttp anthropic asyncio boto3 celpy click google.genai httpx httpx2 jinja2 multiprocessing openai requests
    rich sqlite3 urllib3 starlette uvicorn vcr yaml harness.commands harness.events.feedback harness.events.flow
    harness.events.lifecycle harness.events.llm harness.events.tools harness.events.turn harness.flow.declarations.schema
    harness.flow.feedback.providers harness.flow.plot.page harness.frames.legacy harness.llm.input.messages
    harness.providers harness.recording harness.web conformance
"""


def test_importing_flows_and_models_loads_nothing_heavy_and_makes_no_validator() -> None:
    program = f"""
import sys
from harness import Flow, LLM
print(sorted({set(HEAVY.split())} & sys.modules.keys()))
from pydantic import BaseModel
ours = [name for name in sys.modules if name.startswith("harness.")]
print(sorted({{value.__name__ for name in ours for value in vars(sys.modules[name]).values() if isinstance(value, type)
    and issubclass(value, BaseModel) and value is not BaseModel and value.__pydantic_complete__}}))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "[]\n[]\n"
