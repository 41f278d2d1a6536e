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
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import (
    Agent,
    AsyncStreamSession,
    BaseEvent,
    BaseLLM,
    BaseTool,
    Crew,
    CrewOutput,
    CrewStreamingOutput,
    EventBus,
    Flow,
    Process,
    StreamChunk,
    StreamFrame,
    StreamSession,
    Task,
    TaskOutput,
    ToolCallChunk,
    UsageMetrics,
    add_stream_sink,
    call_stop_override,
    call_stream_override,
    human_feedback,
    listen,
    persist,
    reset_stream_sinks,
    router,
    start,
    stream_frame_to_chunk,
)
from harness.conversation import (
    ChatState,
    ConversationConfig,
    ConversationMessage,
    ConversationState,
    RouterConfig,
)
from harness.flow import FlowPersistence, SQLiteFlowPersistence

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

#: Parameters by callable, in their order, as users pass them.
TURN = "message session_id intents intent_llm"
KICKOFF = "inputs input_files from_checkpoint restore_from_state_id"
CALL = "messages tools callbacks available_functions from_task from_agent response_model"
SETTINGS = """
    model temperature top_p max_tokens stream seed frequency_penalty presence_penalty n stop timeout max_retries api_key
    base_url api_version response_format reasoning_effort thinking logprobs top_logprobs additional_params callbacks
    without_end_marker
"""
PARAMETERS: dict[str, tuple[Callable[..., Any], str]] = {
    "Flow.kickoff": (Flow.kickoff, KICKOFF),
    "Flow.kickoff_async": (Flow.kickoff_async, KICKOFF),
    "Flow.akickoff": (Flow.akickoff, KICKOFF),
    "Flow.stream_events": (Flow.stream_events, KICKOFF),
    "Flow.stream_frames": (Flow.stream_frames, KICKOFF),
    "Flow.astream": (Flow.astream, KICKOFF),
    "Flow.from_declaration": (Flow.from_declaration, "contents path"),
    "Flow.ask": (Flow.ask, "message timeout metadata"),
    "Flow.from_pending": (Flow.from_pending, "flow_id persistence definition"),
    "Flow.resume": (Flow.resume, "feedback"),
    "Flow.resume_async": (Flow.resume_async, "feedback"),
    "human_feedback": (
        human_feedback,
        "message emit llm default_outcome metadata provider learn learn_source learn_strict",
    ),
    "Flow.handle_turn": (Flow.handle_turn, TURN),
    "Flow.ahandle_turn": (Flow.ahandle_turn, TURN),
    "Flow.stream_turn": (Flow.stream_turn, TURN),
    "Flow.astream_turn": (Flow.astream_turn, TURN),
    "Flow.classify_intent": (Flow.classify_intent, "text outcomes llm context"),
    "Flow.receive_user_message": (Flow.receive_user_message, "text outcomes llm"),
    "Flow.append_agent_result": (Flow.append_agent_result, "agent_name result visibility"),
    "Flow.append_message": (Flow.append_message, "role content extra"),
    "ConversationConfig": (
        ConversationConfig,
        "system_prompt llm router answer_from_history_prompt answer_from_history_llm default_intents intent_llm "
        "visible_agent_outputs defer_trace_finalization",
    ),
    "RouterConfig": (
        RouterConfig,
        "prompt response_format llm routes route_descriptions default_intent fallback_intent intent_field",
    ),
    "start": (start, "condition"),
    "listen": (listen, "condition"),
    "router": (router, "condition emit"),
    "persist": (persist, "persistence verbose"),
    "FlowPersistence.save_state": (FlowPersistence.save_state, "flow_uuid method_name state_data"),
    "FlowPersistence.load_state": (FlowPersistence.load_state, "flow_uuid"),
    "FlowPersistence.save_pending_feedback": (
        FlowPersistence.save_pending_feedback,
        "flow_uuid context state_data",
    ),
    "SQLiteFlowPersistence": (SQLiteFlowPersistence, "db_path busy_s"),
    "BaseLLM": (BaseLLM, SETTINGS),
    "LLM.call": (BaseLLM.call, CALL),
    "LLM.acall": (BaseLLM.acall, CALL),
    "LLM.stream_events": (BaseLLM.stream_events, CALL),
    "LLM.astream": (BaseLLM.astream, CALL),
    "call_stop_override": (call_stop_override, "llm stop"),
    "call_stream_override": (call_stream_override, "llm stream"),
    "Agent.kickoff": (Agent.kickoff, "messages response_format input_files"),
    "Agent.kickoff_async": (Agent.kickoff_async, "messages response_format input_files"),
    "Agent.execute_task": (Agent.execute_task, "task context tools"),
    "Agent.aexecute_task": (Agent.aexecute_task, "task context tools"),
    "Agent.stream_events": (Agent.stream_events, "messages response_format"),
    "Agent.astream": (Agent.astream, "messages response_format"),
    "Task.execute_sync": (Task.execute_sync, "agent context tools"),
    "Task.execute_async": (Task.execute_async, "agent context tools"),
    "Task.aexecute_sync": (Task.aexecute_sync, "agent context tools"),
    "Crew.kickoff": (Crew.kickoff, "inputs input_files from_checkpoint"),
    "Crew.kickoff_async": (Crew.kickoff_async, "inputs input_files from_checkpoint"),
    "Crew.akickoff": (Crew.akickoff, "inputs input_files from_checkpoint"),
    "Crew.kickoff_for_each": (Crew.kickoff_for_each, "inputs input_files"),
    "Crew.kickoff_for_each_async": (Crew.kickoff_for_each_async, "inputs input_files"),
    "Crew.stream_events": (Crew.stream_events, "inputs"),
    "Crew.astream": (Crew.astream, "inputs"),
    "CrewStreamingOutput": (CrewStreamingOutput, "sync_iterator async_iterator"),
    "EventBus.emit": (EventBus.emit, "source event"),
    "EventBus.aemit": (EventBus.aemit, "source event"),
    "EventBus.off": (EventBus.off, "event_class handler"),
    "EventBus.register_handler": (EventBus.register_handler, "event_class handler"),
    "EventBus.flush": (EventBus.flush, "timeout"),
    "EventBus.scoped_handlers": (EventBus.scoped_handlers, ""),
    "add_stream_sink": (add_stream_sink, "sink"),
    "reset_stream_sinks": (reset_stream_sinks, "token"),
    "stream_frame_to_chunk": (stream_frame_to_chunk, "frame"),
    "StreamSession.interleave": (StreamSession.interleave, "channels"),
    "AsyncStreamSession.subscribe": (AsyncStreamSession.subscribe, "channels"),
}

FIELDS: dict[type[Any], str] = {
    StreamFrame: "id seq type channel namespace timestamp parent_id previous_id data",
    BaseEvent: """
        timestamp type event_id parent_event_id previous_event_id triggered_by_event_id started_event_id
        emission_sequence task_id task_name agent_id agent_role source_type source_fingerprint fingerprint_metadata
    """,
    ConversationState: """
        id messages current_user_message last_user_message last_intent ended events agent_threads session_ready
    """,
    ConversationMessage: "role content name tool_call_id tool_calls files metadata",
    ChatState: "id messages last_user_message last_intent session_ready",
    TaskOutput: """
        description name expected_output summary raw pydantic json_dict agent output_format messages tool_failures
    """,
    CrewOutput: "raw pydantic json_dict tasks_output token_usage",
    StreamChunk: "content chunk_type task_index task_name task_id agent_role agent_id tool_call",
    ToolCallChunk: "tool_id tool_name arguments index",
    UsageMetrics: """
        total_tokens prompt_tokens cached_prompt_tokens completion_tokens reasoning_tokens cache_creation_tokens
        successful_requests
    """,
}

#: Those of a model that users give, beside others.
OPTIONS: dict[type[Any], str] = {
    BaseTool: """
        name description args_schema result_schema result_as_answer max_usage_count current_usage_count cache_function
        env_vars tool_failure_policy
    """,
    Agent: """
        role goal backstory llm tools max_iter max_rpm max_execution_time cache verbose allow_delegation step_callback
        function_calling_llm system_template prompt_template response_template max_retry_limit guardrail
        guardrail_max_retries id tool_failure_policy
    """,
    Task: """
        description expected_output agent name context tools async_execution output_json output_pydantic output_file
        callback guardrail guardrails guardrail_max_retries human_input markdown create_directory id
    """,
    Crew: """
        agents tasks process manager_llm manager_agent verbose stream cache max_rpm step_callback task_callback
        before_kickoff_callbacks after_kickoff_callbacks name id
    """,
}

ATTRIBUTES: dict[type[Any], str] = {
    CrewStreamingOutput: """
        result results chunks get_full_text is_completed is_cancelled close aclose
        __iter__ __aiter__ __enter__ __exit__ __aenter__ __aexit__
    """,
    BaseTool: "run arun _run _arun",
    Flow: """
        name initial_state stream suppress_flow_events max_method_calls persistence state flow_id method_outputs usage_metrics input_files plot checkpoint from_checkpoint fork
        input_provider last_human_feedback pending_feedback input_history
        conversational conversation_messages finalize_session_traces route_turn append_assistant_message
    """,
    BaseLLM: """
        get_token_usage_summary supports_function_calling supports_stop_words get_context_window_size stop_sequences
    """,
    StreamSession: """
        events llm flow tools messages lifecycle custom interleave subscribe frames result is_completed is_exhausted
        is_cancelled close __enter__ __exit__ __iter__
    """,
    AsyncStreamSession: """
        events llm flow tools messages lifecycle custom interleave subscribe frames result is_completed is_exhausted
        is_cancelled close aclose __aenter__ __aexit__ __aiter__
    """,
}


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


def test_importing_flows_and_llms_makes_no_validator_and_loads_no_events_but_their_base() -> None:
    program = """
import sys
from harness import Flow, LLM
from pydantic import BaseModel
ours = [name for name in sys.modules if name.startswith("harness.")]
print(sorted({value.__name__ for name in ours for value in vars(sys.modules[name]).values() if isinstance(value, type)
    and issubclass(value, BaseModel) and value is not BaseModel and value.__pydantic_complete__}))
print(sorted({"harness.events.flow", "harness.events.llm", "harness.events.tools", "harness.llm.input.messages",
    "harness.flow.feedback.providers", "harness.flow.plot.page", "sqlite3"} & {*sys.modules}))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert ended.stdout == "[]\n[]\n"


@pytest.mark.parametrize(("function", "expected"), PARAMETERS.values(), ids=PARAMETERS.keys())
def test_the_parameters_of(function: Callable[..., Any], expected: str) -> None:
    names = [name for name in inspect.signature(function).parameters if name != "self"]
    assert names[: len(expected.split())] == expected.split()


@pytest.mark.parametrize(("cls", "expected"), FIELDS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_fields_of(cls: type[Any], expected: str) -> None:
    assert set(cls.model_fields) == set(expected.split())


@pytest.mark.parametrize(("cls", "expected"), OPTIONS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_options_of(cls: type[Any], expected: str) -> None:
    assert set(expected.split()) - set(cls.model_fields) == set()


@pytest.mark.parametrize(("cls", "expected"), ATTRIBUTES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_the_attributes_of(cls: type[Any], expected: str) -> None:
    assert [name for name in expected.split() if not hasattr(cls, name)] == []


DEFAULTS: dict[str, tuple[Any, Any]] = {
    "stream": (Flow.stream, False),
    "max_method_calls": (Flow.max_method_calls, 100),
    "suppress_flow_events": (Flow.suppress_flow_events, False),
    **{
        f"{cls.__name__}.{name}": (cls.model_fields[name].get_default(call_default_factory=True), default)
        for cls, name, default in (
            (Agent, "max_iter", 25),
            (Agent, "max_retry_limit", 2),
            (Agent, "guardrail_max_retries", 3),
            (Agent, "allow_delegation", False),
            (Task, "guardrail_max_retries", 3),
            (Task, "async_execution", False),
            (Crew, "stream", False),
            (Crew, "process", Process.sequential),
            (BaseTool, "result_as_answer", False),
        )
    },
}


@pytest.mark.parametrize(("value", "default"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_the_default_of(value: Any, default: Any) -> None:
    assert value == default


def public(package: str) -> dict[str, Any]:
    module = importlib.import_module(package)
    return {name: getattr(module, name) for name in module.__all__}


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
HEAVY = (
    "aiohttp anthropic asyncio boto3 celpy click google.genai httpx httpx2 jinja2 multiprocessing openai requests "
    "rich urllib3 starlette uvicorn vcr yaml harness.commands harness.flow.declarations.schema "
    "harness.events.feedback harness.events.lifecycle harness.events.turn "
    "harness.frames.legacy harness.providers harness.recording harness.web conformance"
)


def test_importing_flows_and_models_loads_nothing_heavy() -> None:
    program = f"import sys; from harness import Flow, LLM; print(*sorted(set({HEAVY.split()}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout.split() == []
