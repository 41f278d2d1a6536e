"""Claims about flows that are written down: what each part of a declaration does."""

from __future__ import annotations

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from harness.conversation import ConversationConfig, ConversationState, RouterConfig
from harness.errors import UsageError
from harness.flow import (
    CheckpointConfig,
    Flow,
    FlowDeclarationError,
    FlowDefinition,
    FlowScriptExecutionDisabledError,
    HumanFeedbackPending,
    HumanFeedbackResult,
    MethodCallLimitError,
    SQLiteFlowPersistence,
    and_,
    human_feedback,
    listen,
    persist,
    router,
    start,
)
from harness.flow.persistence.persist import Persist
from harness.tools import ToolExecutionFailedError
from tests.flow.conversation.talks import Speaker
from tests.flow.declarations import functions

HERE = "tests.flow.declarations.functions"

REPORT = f"""
schema: crewai.flow/v1
name: Report flow
description: Writes a report
state:
  type: dict
  default: {{topic: tides, parts: [1, 2, 3], on: yes}}
methods:
  outline:
    description: The first draft
    start: true
    do: {{call: code, ref: "{HERE}:shout", with: {{text: "${{state.topic}} of ${{state.parts}}", times: "${{size(state.parts)}}"}}}}
  beside:
    start: true
    do:
      call: code
      ref: {HERE}:whisper
      with: {{text: BESIDE}}
  decide:
    listen: {{and: [outline, beside]}}
    router: true
    emit: [long, short]
    do: {{call: expression, expr: "size(outputs.outline) > 10 ? 'long' : 'short'"}}
  publish:
    listen: {{or: [long, short]}}
    do: {{call: expression, expr: "outputs.outline + ' ' + outputs.beside + ' ' + outputs.decide"}}
"""


def spec(name: str = "F", **parts: Any) -> dict[str, Any]:
    """Return a declaration."""
    return {"schema": "crewai.flow/v1", "name": name, **parts}


def expr(text: str) -> dict[str, Any]:
    return {"call": "expression", "expr": text}


def code(function: str, **arguments: Any) -> dict[str, Any]:
    return {"call": "code", "ref": f"{HERE}:{function}", **({"with": arguments} if arguments else {})}


def held_to(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": schema}


def declared(do: dict[str, Any], **parts: Any) -> Flow:
    """Return a flow of one method."""
    return Flow.from_declaration(contents=spec("One", methods={"only": {"start": True, "do": do}}, **parts))


def test_a_flow_is_run_from_text_from_a_dict_from_a_file_and_from_json(tmp_path: Path) -> None:
    flow = Flow.from_declaration(contents=REPORT)
    assert flow.name == "Report flow"
    said = "TIDES OF [1, 2, 3]!!! beside long"
    assert flow.kickoff() == said
    assert flow.state["on"] == "yes"
    (tmp_path / "flow.yaml").write_text(REPORT)
    assert Flow.from_declaration(path=tmp_path / "flow.yaml").kickoff() == said
    whole = flow.flow_definition().to_dict()
    assert Flow.from_declaration(contents=whole).kickoff() == said
    (tmp_path / "flow.json").write_text(json.dumps(whole, indent="\t"))
    assert Flow.from_declaration(path=str(tmp_path / "flow.json")).kickoff() == said
    assert Flow.from_declaration(contents=FlowDefinition.model_validate(whole)).kickoff() == said


def test_its_frames_are_those_of_any_flow() -> None:
    session = Flow.from_declaration(contents=REPORT).stream_events({"topic": "sun"})
    frames = list(session)
    assert session.result == "SUN OF [1, 2, 3]!!! beside long"
    names = [frame.data["method_name"] for frame in frames if frame.type == "method_execution_started"]
    assert names == ["outline", "beside", "decide", "publish"]
    assert {frame.data["flow_name"] for frame in frames} == {"Report flow"}


VALUES: dict[str, tuple[Any, Any]] = {
    "alone": ("${state.n}", 7),
    "alone, with blanks": ("${ state.list }", [1, {"a": None}]),
    "in text": ("n=${state.n}, l=${state.list}, t=${state.text}", 'n=7, l=[1, {"a": null}], t=x'),
    "alone, between blanks": (" ${state.n} ", 7),
    "null in text": ("<${state.none}>", "<>"),
    "true in text": ("<${state.n > 1}>", "<true>"),
    "a lone dollar": ("5 $ and $n and $", "5 $ and $n and $"),
    "braces and quotes": ("${{'}': '{'}['}']}", "{"),
    "a raw text": (r"<${r'\'}>", r"<\>"),
    "quotes in a text of three": ("${'''a'b}'''}", "a'b}"),
    "a comment": ("${1 // }\n}", 1),
    "a quoted quote": (r"${'a\'}b'}", "a'}b"),
    "no expression": ({"a": [1, None, 2.5, True]}, {"a": [1, None, 2.5, True]}),
    "deep": ({"a": [{"b": "${state.n}"}]}, {"a": [{"b": 7}]}),
    "a map": ("${{'a': state.n, 'b': [1.5, null]}}", {"a": 7, "b": [1.5, None]}),
    "a macro": ("${state.list.filter(i, type(i) == int).map(i, i + state.n)}", [8]),
    "a time": ("${timestamp('2026-01-02T00:00:00Z')}", "2026-01-02T00:00:00Z"),
}


@pytest.mark.parametrize(("written", "value"), VALUES.values(), ids=VALUES.keys())
def test_an_argument_is_what_its_expressions_come_to(written: Any, value: Any) -> None:
    state = {"default": {"n": 7, "list": [1, {"a": None}], "text": "x", "none": None}}
    flow = declared(code("both", value=written), state=state)
    result = flow.kickoff()["value"]
    assert (result, type(result)) == (value, type(value))


def test_a_tool_is_run_and_a_function_may_fail() -> None:
    assert declared({"call": "tool", "ref": f"{HERE}:Doubler", "with": {"number": 4}}).kickoff() == 8
    with pytest.raises(LookupError, match="no such thing"):
        declared(code("fail")).kickoff()


@pytest.mark.parametrize(
    ("tool", "is_published", "is_raised"),
    [("Unsure", True, True), ("Raised", True, True), ("Warned", True, False), ("Ignored", False, False)],
)
def test_a_tool_that_says_it_has_failed_fails_its_method_unless_its_policy_says_otherwise(
    tool: str, is_published: bool, is_raised: bool
) -> None:
    session = declared({"call": "tool", "ref": f"{HERE}:{tool}", "with": {"text": "luck"}}).stream_events()
    with contextlib.suppress(ToolExecutionFailedError):
        list(session)
    raised = [frame.data["error"] for frame in session.frames if frame.type == "method_execution_failed"]
    published = [frame.data["tool_args"] for frame in session.frames if frame.type == "tool_failure_detected"]
    assert (published, raised) == (
        [{"text": "luck"}] if is_published else [],
        ["the tool 'Unsure' failed: no luck"] if is_raised else [],
    )


def using(tool: str) -> Flow:
    """Return a flow that uses a tool with each word of its state."""
    use = {"call": "tool", "ref": f"{HERE}:{tool}", "with": {"text": "${item}"}}
    return declared({"call": "each", "in": "state.words", "do": [{"name": "use", "action": use}]})


def test_how_often_a_tool_may_be_used_counts_for_each_run() -> None:
    flow = using("Once")
    for _ in range(2):
        assert flow.kickoff(inputs={"words": ["ahoy"]}) == ["ahoy"]
    with pytest.raises(ToolExecutionFailedError, match="'Once' has been used 1 times"):
        flow.kickoff(inputs={"words": ["ahoy", "again"]})


def test_uses_of_a_tool_by_one_run_do_not_count_for_another_at_the_same_time() -> None:
    flow = using("Together")
    words = ["ahoy", "again"]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda one: one.kickoff(inputs={"words": words}), (flow, type(flow)()))) == [words] * 2


EACH: dict[str, Any] = {
    "call": "each",
    "in": "state.parts",
    "do": [
        {"name": "double", "action": {"call": "tool", "ref": f"{HERE}:Doubler", "with": {"number": "${item}"}}},
        {"name": "shout", "if": "item > 1", "action": code("shout", text="n${outputs.double}")},
    ],
}


def test_each_does_its_steps_with_every_item_and_leaves_out_those_whose_condition_is_false() -> None:
    flow = declared(EACH, state={"default": {"parts": [1, 2, 3]}})
    assert flow.kickoff() == [2, "N4!", "N6!"]
    assert declared({**EACH, "in": [5, "${1 + 1}"]}).kickoff() == ["N10!", "N4!"]


@pytest.mark.parametrize(
    ("parts", "condition", "message"),
    [(3, "item > 1", "'state.parts' is 3"), ([1], "item + 1", "the step 'shout' is true or false, not 2")],
    ids=["no list", "no boolean"],
)
def test_each_refuses_what_is_no_list_and_a_condition_that_is_not_true_or_false(
    parts: Any, condition: str, message: str
) -> None:
    steps = [EACH["do"][0], {**EACH["do"][1], "if": condition}]
    flow = declared({**EACH, "do": steps}, state={"default": {"parts": parts}})
    with pytest.raises(UsageError, match=message):
        flow.kickoff()


def test_an_expression_that_can_not_be_evaluated_says_which_and_why() -> None:
    flow = declared(expr("state.gone + 1"))
    with pytest.raises(UsageError, match=r"'state\.gone \+ 1' can't be evaluated: no such member"):
        flow.kickoff()


SCRIPT = {
    "call": "script",
    "code": "total = 0\nfor n in state['parts']:\n    total += n\nstate['said'] = '''two\nlines'''\nreturn [total, state['said'], input]",
}


@pytest.mark.parametrize("answer", [None, "", "0", "no"])
def test_a_flow_with_a_script_is_not_made_where_the_environment_does_not_allow_it(
    answer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION", raising=False)
    if answer is not None:
        monkeypatch.setenv("CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION", answer)
    with pytest.raises(FlowScriptExecutionDisabledError, match="CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION=1"):
        declared(SCRIPT)


def test_a_script_has_the_state_itself_and_nothing_of_it_runs_once_it_is_not_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION", "1")
    flow = declared(SCRIPT, state={"default": {"parts": [1, 2]}})
    assert flow.kickoff() == [3, "two\nlines", None]
    assert flow.state["said"] == "two\nlines"
    monkeypatch.delenv("CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION")
    session = flow.stream_events()
    with pytest.raises(FlowScriptExecutionDisabledError):
        list(session)
    assert session.frames == []


STATES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "a model": ({"type": "pydantic", "ref": f"{HERE}:Report"}, {"topic": "tides", "depth": 1}),
    "a model with defaults": (
        {"type": "pydantic", "ref": f"{HERE}:Report", "default": {"depth": 3}},
        {"topic": "tides", "depth": 3},
    ),
    "a schema": (
        held_to(
            {
                "type": "object",
                "properties": {
                    "depth": {"type": "integer", "default": 2},
                    "tags": {"type": "array", "items": {"type": "string"}, "default": []},
                    "author": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}},
                },
            }
        ),
        {"depth": 2, "tags": [], "author": None},
    ),
    "unknown": ({"type": "unknown", "default": {"a": 1}}, {"a": 1}),
}


@pytest.mark.parametrize(("state", "expected"), STATES.values(), ids=STATES.keys())
def test_the_state_is_of_the_declared_type(state: dict[str, Any], expected: dict[str, Any]) -> None:
    flow = declared(expr("state"), state=state)
    assert {name: value for name, value in flow.kickoff().items() if name != "id"} == expected


def test_inputs_are_held_to_a_json_schema_and_give_what_it_requires() -> None:
    schema = {
        "type": "object",
        "required": ["topic"],
        "properties": {"topic": {"type": "string"}, "size": {"enum": ["s", "l"], "default": "s"}},
        "additionalProperties": False,
    }
    flow = declared(expr("state.topic + state.size"), state=held_to(schema))
    with pytest.raises(UsageError, match="the state of One requires topic: give it among the inputs"):
        flow.kickoff()
    assert flow.kickoff({"topic": "tides"}) == "tidess"
    for wrong in ({"topic": 5}, {"topic": "a", "size": "m"}, {"topic": "a", "other": 1}):
        with pytest.raises(UsageError):
            flow.kickoff(wrong)


BOUNDED = {
    "type": "object",
    "$defs": {"sail": {"type": "object", "properties": {"area": {"type": "number"}}, "required": ["area"]}},
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 4, "pattern": "^(?=t)"},
        "depth": {"type": "integer", "minimum": 1, "exclusiveMaximum": 9, "multipleOf": 2},
        "sails": {"type": "array", "items": {"$ref": "#/$defs/sail"}, "minItems": 1, "maxItems": 2},
        "either": {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/sail"}]},
        "kind": {"const": "boat"},
        "tows": {"$ref": "#"},
    },
}


@pytest.mark.parametrize(
    ("fits", "wrong"),
    [
        ({"name": "tide"}, [{"name": "t"}, {"name": "tides"}, {"name": "low"}]),
        ({"depth": 8}, [{"depth": 0}, {"depth": 10}, {"depth": 7}]),
        ({"sails": [{"area": 1.5}]}, [{"sails": []}, {"sails": [{"area": 1}] * 3}, {"sails": [{}]}]),
        ({"either": {"area": 2.0}}, [{"either": 5}, {"either": {}}]),
        ({"kind": "boat"}, [{"kind": "raft"}]),
        ({"tows": {"name": "tug", "tows": {}}}, [{"tows": "tug"}, {"tows": {"depth": 10}}]),
    ],
    ids=["text", "number", "list", "any of", "constant", "itself"],
)
def test_inputs_are_held_to_the_bounds_and_the_parts_of_a_json_schema(
    fits: dict[str, Any], wrong: list[dict[str, Any]]
) -> None:
    flow = declared(expr("1"), state=held_to(BOUNDED))
    assert flow.kickoff(fits) == 1
    for inputs in wrong:
        with pytest.raises(UsageError, match=next(iter(inputs))):
            flow.kickoff(inputs)


@pytest.mark.parametrize(
    ("part", "fits"),
    [
        ({"type": "string", "pattern": "^\\p{L}+$"}, "tide"),
        ({"type": "string", "minLength": 1.0}, "t"),
        ({"type": "number", "minimum": 0, "exclusiveMinimum": True}, 0.5),
        ({"type": "integer", "minimum": 0.5, "multipleOf": 0.5}, 3),
        ({"const": {"sail": 1}}, {"sail": 1}),
        ({"enum": [["sail"], "tide"]}, "tide"),
        ({"$ref": "#sail"}, "tide"),
        ({"$ref": "https://example.com/tide.json"}, "tide"),
        ({"$ref": "#/$defs/a~1b%5Bc%5D/anyOf/0"}, "tide"),
        ({"type": "string", "anyOf": [{"pattern": "i"}, {"pattern": "o"}]}, "tide"),
    ],
)
def test_whatever_a_json_schema_allows_is_taken(part: dict[str, Any], fits: Any) -> None:
    schema = {"properties": {"a": part}, "$defs": {"a/b[c]": {"anyOf": [{"type": "string"}]}}}
    flow = declared(expr("state.a"), state=held_to(schema))
    assert flow.kickoff({"a": fits}) == fits


def test_an_object_whose_parts_may_be_one_or_the_other_has_them_by_name() -> None:
    parts = {"ebb": {"type": "integer"}, "flood": {"type": "integer"}}
    part = {"type": "object", "properties": parts, "anyOf": [{"required": ["ebb"]}, {"required": ["flood"]}]}
    flow: Any = declared(expr("state.tide.ebb"), state=held_to({"properties": {"tide": part}}))
    assert flow.kickoff({"tide": {"ebb": 1}}) == 1
    assert (flow.state.tide.ebb, flow.state.tide.flood) == (1, None)


def test_a_json_schema_of_which_every_part_leads_to_every_other_is_read() -> None:
    names = [f"part{number}" for number in range(12)]
    parts = {"type": "object", "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}}
    flow = declared(expr("1"), state=held_to({**parts, "$defs": dict.fromkeys(names, parts)}))
    with pytest.raises(UsageError, match="part0"):
        flow.kickoff({"part0": 1})


@pytest.mark.parametrize(
    "part",
    [{"type": "string", "pattern": "("}, {"$ref": "#/$defs/none"}, {"type": "integer", "minimum": "low"}],
    ids=["a pattern", "a part", "a bound"],
)
def test_a_json_schema_that_can_not_be_read_is_a_mistake(part: dict[str, Any]) -> None:
    with pytest.raises(FlowDeclarationError, match="state: .*(can't be read|has no)"):
        declared(expr("1"), state=held_to({"properties": {"a": part}}))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "string"},
        {"enum": ["x", "y"]},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {"name": {"type": "string"}}},
    ],
    ids=["text", "words", "a list", "an object"],
)
def test_what_a_json_schema_does_not_require_may_stay_unset_in_inputs_and_in_kept_states(
    part: dict[str, Any], tmp_path: Path
) -> None:
    place = {"persistence": {"persistence_type": "SQLiteFlowPersistence", "db_path": str(tmp_path / "states.db")}}
    schema = {"type": "object", "properties": {"size": {"type": "integer"}, "part": part}}
    options: dict[str, Any] = {"state": held_to(schema), "persist": place}
    first = declared(expr("state.size"), **options)
    assert first.kickoff({"size": 1}) == 1
    for ids in ({"inputs": {"id": first.flow_id}}, {"restore_from_state_id": first.flow_id}):
        flow = declared(expr("state.size"), **options)
        assert flow.kickoff(**ids) == 1
        assert getattr(flow.state, "part", "gone") is None
    with pytest.raises(UsageError, match="part: expected"):
        first.kickoff({"part": 5})


LOOP = """
schema: crewai.flow/v1
name: Loop
config: {max_method_calls: 3, suppress_flow_events: true, stream: false}
methods:
  again:
    start: next
    router: true
    emit: [next]
    do: {call: expression, expr: "'next'"}
"""


def test_config_is_what_the_constructor_takes_and_a_start_may_have_a_condition() -> None:
    flow = Flow.from_declaration(contents=LOOP)
    assert (flow.max_method_calls, flow.suppress_flow_events, flow.stream) == (3, True, False)
    with pytest.raises(MethodCallLimitError):
        flow.kickoff()
    assert Flow.from_declaration(contents=LOOP, max_method_calls=5).max_method_calls == 5


def asks(provider: str) -> dict[str, Any]:
    ask = {"message": "Well?", "metadata": {"a": 1}, "provider": {"ref": provider}}
    methods = {
        "draft": {"start": True, "do": expr("'draft'"), "human_feedback": ask},
        "after": {"listen": "draft", "persist": {"enabled": False}, "do": expr("outputs.draft.feedback")},
    }
    return spec(persist={"enabled": True, "persistence": {"ref": f"{HERE}:PLACE"}}, methods=methods)


def test_a_human_is_asked_and_the_state_kept_as_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []

    class Place(SQLiteFlowPersistence):
        def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None:
            saved.append(method_name)
            super().save_state(flow_uuid, method_name, state_data)

    monkeypatch.setattr(functions, "PLACE", Place(str(tmp_path / "flows.db")), raising=False)
    assert Flow.from_declaration(contents=asks(f"{HERE}:Agrees")).kickoff() == "yes to draft"
    assert saved == ["draft"]


def test_where_an_answer_chooses_the_way_expressions_see_it_and_the_output_stays() -> None:
    whole = asks(f"{HERE}:Silent")
    del whole["persist"]
    whole["methods"]["draft"]["human_feedback"] |= {"emit": ["go", "stop"], "default_outcome": "stop"}
    whole["methods"]["after"] |= {"listen": "stop", "do": expr("outputs.draft.outcome + ': ' + outputs.draft.output")}
    flow = Flow.from_declaration(contents=whole)
    assert flow.kickoff() == "stop: draft"
    assert flow.method_outputs == ["draft", "stop: draft"]


def test_a_call_of_code_need_not_say_so() -> None:
    step = {"name": "loud", "action": {"ref": f"{HERE}:shout", "with": {"text": "${item}"}}}
    methods = {
        "first": {"start": True, "do": {"ref": f"{HERE}:shout", "with": {"text": "ahoy"}}},
        "then": {"listen": "first", "do": {"call": "each", "in": "[outputs.first, 'b']", "do": [step]}},
    }
    assert Flow.from_declaration(contents=spec(methods=methods)).kickoff() == ["AHOY!!", "B!"]


@pytest.mark.parametrize("state", [{}, {"state": {"default": {"topic": "declared"}}}], ids=["none", "another"])
def test_a_class_whose_graph_is_declared_keeps_its_state(state: dict[str, Any]) -> None:
    class Typed(Flow[functions.Report]):
        pass

    class Begun(Flow):
        initial_state: Any = {"topic": "tides"}

    step = {"start": True, "do": expr("state.topic")}
    whole = spec(**state, methods={"say": step})
    for cls in (Typed, Begun):
        assert cls.from_declaration(contents=whole).kickoff() == "tides"


def test_a_class_whose_graph_is_declared_converses_as_it_says() -> None:
    @ConversationConfig(llm=Speaker("Hello"))
    class Talk(Flow[ConversationState]):
        pass

    flow = Talk.from_declaration(contents=spec(conversational={"system_prompt": "Be brief."}))
    assert flow.handle_turn("Hi") == "Hello"
    assert [message.content for message in flow.state.messages] == ["Hi", "Hello"]


def test_a_declared_flow_waits_and_is_taken_up_by_its_declaration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = SQLiteFlowPersistence(str(tmp_path / "flows.db"))
    monkeypatch.setattr(functions, "PLACE", place, raising=False)
    whole = asks("tests.flow.feedback.people:Later")
    pending = Flow.from_declaration(contents=whole).kickoff()
    assert isinstance(pending, HumanFeedbackPending)
    flow = Flow.from_pending(pending.context.flow_id, place, definition=whole)
    assert flow.resume("Go.") == "Go."


TALK = f"""
schema: crewai.flow/v1
name: Talk
conversational:
  system_prompt: ""
  default_intents: [LAMP, converse]
  intent_llm: {{model: "openai/gpt-4o-mini", api_key: nobody}}
  defer_trace_finalization: false
methods:
  lamp:
    listen: LAMP
    do: {{call: code, ref: "{HERE}:shout", with: {{text: "${{state.current_user_message}}"}}}}
"""


def test_a_conversation_is_declared_with_handlers_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    flow: Any = Flow.from_declaration(contents=TALK)
    assert flow.conversational_config.system_prompt == ""
    assert (flow.conversational_config.defer_trace_finalization, flow.conversational_config.llm) == (False, None)
    monkeypatch.setattr(type(flow), "route_turn", lambda self, context: "LAMP")
    assert flow.handle_turn("is it lit", intents=[], session_id="s") == "IS IT LIT!"
    assert [message.content for message in flow.state.messages] == ["is it lit", "IS IT LIT!"]
    monkeypatch.undo()
    silent: Any = Flow.from_declaration(contents=spec(conversational={"router": {"routes": []}}))
    assert silent.handle_turn("hello") == "I can continue the conversation once an LLM is configured."
    assert type(silent).conversational_config.router.default_intent == "converse"
    with pytest.raises(UsageError, match="only available on conversational flows"):
        declared(expr("1"), conversational={"enabled": False}).handle_turn("hello")


def test_a_declared_flow_begins_at_a_checkpoint_by_its_declaration(tmp_path: Path) -> None:
    second = {"listen": "first", "do": expr("outputs.first + string(state.n)")}
    whole = spec(methods={"first": {"start": True, "do": code("shout", text="a")}, "second": second})
    config = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])
    with pytest.raises(UsageError, match="no such member"):
        Flow.from_declaration(contents=whole, checkpoint=config).kickoff()
    (written,) = tmp_path.rglob("*.json")
    at = config.model_copy(update={"restore_from": str(written)})
    session = Flow.from_checkpoint(at, definition=whole).stream_events({"n": 1})
    started = [frame.data["method_name"] for frame in session if frame.type == "method_execution_started"]
    assert (started, session.result) == (["second"], "A!1")
    assert Flow.fork(at, branch="other", definition=whole).kickoff({"n": 2}) == "A!2"


class Written(Flow):
    """Written in Python."""

    @start()
    def begin(self) -> str:
        """Begin.

        With more than a line.
        """
        return "begun"

    @router(begin, emit=["a", "b"])
    def decide(self) -> str:
        return "a"

    @listen(and_("a", begin))
    def end(self) -> str:
        return "ended"


class Noted(BaseModel):
    seen: list[str] = []


class Whole(Flow[Noted]):
    """With a state, options, and a human who is asked; a test gives it a place where states are kept."""

    max_method_calls = 7
    checkpoint = CheckpointConfig(location="kept", on_events=["flow_finished"])

    @start()
    @human_feedback("Well?", emit=["yes", "no"], default_outcome="no", provider=functions.Agrees(), metadata={"a": 1})
    def draft(self) -> str:
        self.state.seen.append("ask")
        return "asked"

    @listen("no")
    async def refused(self, answer: HumanFeedbackResult) -> list[str]:
        self.state.seen.append(answer.feedback)
        return self.state.seen


def test_what_was_written_down_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(functions.Agrees, "request_feedback", lambda *_: " ")
    persist(SQLiteFlowPersistence("states.db"), verbose=True)(Whole)
    whole = Whole.flow_definition().to_dict()
    again = Flow.from_declaration(contents=json.loads(json.dumps(whole)))
    assert Whole().kickoff() == again.kickoff() == ["ask", " "]
    assert SQLiteFlowPersistence("states.db").load_state(again.flow_id) == {"id": again.flow_id, "seen": ["ask", " "]}
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 2
    assert (whole["config"]["max_method_calls"], whole["persist"]["verbose"]) == (7, True)


class Lit(BaseModel):
    intent: str


class Talks(Flow[Noted]):
    conversational = True

    @listen("converse")
    def lamp(self) -> str:
        self.state.seen.append("lamp")
        return f"Lit: {len(self.state.seen)}."


CONFIGS: dict[str, ConversationConfig | None] = {
    "no config": None,
    "all by itself": ConversationConfig(),
    "models, and no default": ConversationConfig(
        system_prompt="",
        intent_llm="openai/gpt-4o-mini",
        answer_from_history_llm={"model": "openai/gpt-4o-mini", "temperature": 0.5},
        visible_agent_outputs=["scout"],
        defer_trace_finalization=False,
        router=RouterConfig(
            response_format=Lit, routes=["converse"], route_descriptions={"converse": "Light."}, default_intent=None
        ),
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_conversation_that_was_written_down_is_one(
    config: ConversationConfig | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Talks, "conversational_config", config)
    whole = json.loads(json.dumps(Talks.flow_definition().to_dict()))
    again: Any = Flow.from_declaration(contents=whole)
    assert type(again).conversational_config == (config or ConversationConfig(defer_trace_finalization=False))
    monkeypatch.setattr(type(again), "conversational_config", None)
    monkeypatch.setattr(Talks, "conversational_config", None)
    for count in (1, 2):
        assert again.handle_turn("lamp", session_id="s") == f"Lit: {count}."
    assert [message.content for message in again.state.messages] == ["lamp", "Lit: 1.", "lamp", "Lit: 2."]


def written_by_crewai(method: str, **more: Any) -> dict[str, Any]:
    """Return a method of its own as CrewAI writes it down."""
    ref = f"crewai.flow.conversational_mixin:_ConversationalMixin.{method}"
    return {"description": "Built in.", "do": {"call": "code", "ref": ref}, "router": False, **more}


def test_a_conversation_that_crewai_has_written_down_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = {"message": "Well?", "provider": "crewai.flow.async_feedback.providers:ConsoleProvider", "learn": False}
    whole = spec(
        state={"type": "pydantic", "ref": "crewai.flow.conversational:ConversationState"},
        config={"stream": False, "defer_trace_finalization": False},
        conversational={
            "enabled": True,
            "defer_trace_finalization": True,
            "builtin_routes": ["converse", "end"],
            "internal_routes": ["answer_from_history"],
        },
        methods={
            "lamp": {"listen": "LAMP", "do": expr("'lit'"), "human_feedback": ask},
            "route_conversation": written_by_crewai("route_conversation", start=True, router=True),
            "converse_turn": written_by_crewai("converse_turn", listen="converse"),
            "end_conversation": written_by_crewai("end_conversation", listen="end"),
            "answer_from_history_turn": written_by_crewai("answer_from_history_turn", listen="answer_from_history"),
        },
    )
    flow: Any = Flow.from_declaration(contents=whole)
    assert type(flow.state) is ConversationState
    assert flow.handle_turn("Hello") == "I can continue the conversation once an LLM is configured."
    monkeypatch.setattr("builtins.input", lambda prompt: "Well lit.")
    flow.route_turn = lambda context: "LAMP"
    answer = flow.handle_turn("A lamp, please")
    assert (answer.output, answer.feedback) == ("lit", "Well lit.")


def test_an_answer_of_a_router_that_is_no_model_is_a_mistake_with_its_place() -> None:
    wrong = TALK.replace('  system_prompt: ""', f"  router: {{response_format: {{python: '{HERE}:shout'}}}}")
    with pytest.raises(FlowDeclarationError, match=r"<declaration>:5:\d+: .*shout' is no pydantic model"):
        Flow.from_declaration(contents=wrong)


def test_a_flow_that_opts_out_of_checkpoints_writes_that_down() -> None:
    class Kept(Written):
        checkpoint = True

    class Unkept(Kept):
        checkpoint = False

    written = [kept.flow_definition().to_dict()["config"] for kept in (Kept, Unkept)]
    assert written == [{"checkpoint": True}, {"checkpoint": False}]


def test_what_the_reference_writes_down_is_read() -> None:
    """Every key that it writes, those without a value included."""
    method = {**dict.fromkeys(("description", "start", "listen", "emit", "persist")), "router": False}

    def do(name: str) -> dict[str, Any]:
        return {"call": "code", "ref": f"{__name__}:Written.{name}", "with": None}

    learned = {"learn": False, "learn_source": "hitl", "learn_strict": False}
    ask = {"message": "Well?", "llm": {"model": "gpt-4o"}, "provider": f"{HERE}:Agrees", **learned}
    ask |= dict.fromkeys(("emit", "default_outcome", "metadata"))
    checkpoint = {
        "location": "kept",
        "on_events": ["task_completed"],
        "provider": {"provider_type": "json"},
        "max_checkpoints": 3,
        "restore_from": None,
    }
    place = {"persistence_type": "SQLiteFlowPersistence", "db_path": ":memory:"}
    unset: dict[str, Any] = dict.fromkeys(("description", "state", "conversational"))
    whole = spec(
        **unset,
        config={
            **dict.fromkeys(("tracing", "memory", "input_provider")),
            **dict.fromkeys(("stream", "suppress_flow_events", "defer_trace_finalization"), False),
            "max_method_calls": 100,
            "checkpoint": checkpoint,
        },
        persist={"enabled": True, "verbose": False, "persistence": place},
        methods={
            "begin": {**method, "start": True, "do": do("begin")},
            "decide": {**method, "listen": "begin", "router": True, "do": do("decide")},
            "end": {**method, "listen": {"and": ["a", "begin"]}, "do": do("end"), "human_feedback": ask},
        },
    )
    flow = Flow.from_declaration(contents=whole)
    assert flow.kickoff().feedback == "yes to ended"
    assert isinstance(flow.checkpoint, CheckpointConfig)
    assert (flow.checkpoint.max_checkpoints, flow.checkpoint.provider.name) == (3, "JsonProvider")


def test_a_function_gets_the_flow_and_what_triggered_it_where_it_has_a_place_for_them() -> None:
    methods = {
        "first": {"start": True, "do": code("remember", text="a")},
        "second": {"listen": "first", "do": code("recall")},
    }
    assert Flow.from_declaration(contents=spec(methods=methods)).kickoff() == ("a", "remembered a")


class Triggered(Flow):
    @start()
    def begin(self, crewai_trigger_payload: Any = "nothing") -> Any:
        return crewai_trigger_payload

    @listen(begin)
    def after(self, crewai_trigger_payload: Any) -> Any:
        return ["after", crewai_trigger_payload]

    @start("again")
    @listen(after)
    def last(self, crewai_trigger_payload: Any = "no more") -> Any:
        return [self.method_outputs[1], crewai_trigger_payload]

    @router(last)
    def leave(self) -> Literal["again"] | None:
        return None

    @listen(last)
    def told(self, last: Any) -> Any:
        return last


@pytest.mark.parametrize("inputs", [{"crewai_trigger_payload": {"a": 1}}, {"other": 1}, None])
def test_a_declared_start_gets_what_has_triggered_the_flow_as_that_of_a_class(inputs: Any) -> None:
    again = Flow.from_declaration(contents=Triggered.flow_definition())
    assert again.kickoff(inputs) == Triggered().kickoff(inputs)


def test_a_flow_that_was_written_in_python_can_be_written_down() -> None:
    whole = Written.flow_definition().to_dict()
    assert whole["schema"] == "crewai.flow/v1"
    assert whole["methods"]["begin"] == {
        "description": "Begin.",
        "start": True,
        "do": {"call": "code", "ref": f"{__name__}:Written.begin"},
    }
    assert whole["methods"]["decide"]["emit"] == ["a", "b"]
    assert whole["methods"]["end"]["listen"] == {"and": ["a", "begin"]}
    assert "$defs" in FlowDefinition.model_json_schema()


def test_a_step_that_does_not_take_the_flow_can_not_be_written_down() -> None:
    class OtherKinds(Flow):
        @start()
        @staticmethod
        def first() -> int:
            return 1

    with pytest.raises(UsageError, match=r"OtherKinds.first can't be written down"):
        OtherKinds.flow_definition()


def test_a_step_that_two_humans_are_asked_about_can_not_be_written_down() -> None:
    class Approved(Flow):
        @start()
        @human_feedback("Is it legal?", provider=functions.Agrees())
        @human_feedback("Is it true?", provider=functions.Agrees())
        def first(self) -> int:
            return 1

    with pytest.raises(UsageError, match=r"Approved.first can't be written down: in a declaration one human is asked"):
        Approved.flow_definition()


class Sized(BaseModel):
    parts: set[int] = Field(default_factory=set, alias="numbers")
    held: Any = None


class BeginsWith(Flow):
    @start()
    def first(self) -> Any:
        state: Any = self.state
        return dict(state) if isinstance(state, dict) else state.model_dump()


@pytest.mark.parametrize("state", [{"id": "a", "in": {"$set": [1]}}, Sized(numbers={1}, held={"$set": 2})])
def test_a_state_of_json_is_written_down_as_it_begins(state: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BeginsWith, "initial_state", state)
    again = Flow.from_declaration(contents=json.loads(json.dumps(BeginsWith.flow_definition().to_dict()))).kickoff()
    assert {**again, "id": "a"} == {**BeginsWith().kickoff(), "id": "a"}


@pytest.mark.parametrize("state", [{"in": {1}}, {"in": [date(2026, 1, 2)]}, {"in": {1: 2}}, Sized(held={1})])
def test_a_state_that_begins_with_what_is_no_json_can_not_be_written_down(
    state: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BeginsWith, "initial_state", state)
    with pytest.raises(UsageError, match="its state begins with what is no JSON"):
        BeginsWith.flow_definition()


class Asked(Flow):
    @start()
    def name(self) -> str:  # type: ignore[override]
        return "Ann"


def test_a_flow_with_a_step_called_name_has_the_name_of_its_class() -> None:
    written = Asked.flow_definition().to_dict()
    assert (written["name"], list(written["methods"])) == ("Asked", ["name"])
    assert Flow.from_declaration(contents=written).kickoff() == "Ann"


@persist(functions.Shelf(label="top"))
class Shelved(Flow):
    @start()
    def put(self) -> None: ...


class LockedShelf(functions.Shelf):
    lock: Any = None


@persist(LockedShelf(lock=threading.Lock()))
class Locked(Flow):
    @start()
    def put(self) -> None: ...


def test_a_place_that_holds_what_can_not_be_written_down_is_named() -> None:
    whole = Locked.flow_definition().to_dict()
    assert whole["persist"]["persistence"] == {"ref": f"{__name__}:LockedShelf"}


def test_a_place_with_fields_is_written_down_by_its_name_and_with_them(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[str, str]] = []
    monkeypatch.setattr(functions.Shelf, "saved", saved)
    whole = json.loads(json.dumps(Shelved.flow_definition().to_dict()))
    assert whole["persist"]["persistence"] == {"persistence_type": "Shelf", "label": "top"}
    Flow.from_declaration(contents=whole).kickoff()
    assert saved == [("top", "put")]
    whole["persist"]["persistence"]["persistence_type"] = "Shelve"
    with pytest.raises(FlowDeclarationError, match="no FlowPersistence is called 'Shelve'"):
        Flow.from_declaration(contents=whole)


def test_of_several_places_of_one_name_the_latest_of_one_module_is_meant_and_of_several_none() -> None:
    def shelf(module: str) -> type[Any]:
        return type("Twin", (functions.Shelf,), {"__module__": module})

    place = {"persistence": {"persistence_type": "Twin", "label": "top"}}
    whole = spec(methods={"go": {"start": True, "do": expr("1")}}, persist=place)
    # As a cell of a notebook that is run again.
    twins = [shelf("one"), shelf("one")]
    (hook,) = Flow.from_declaration(contents=whole)._flow_hooks
    assert isinstance(hook, Persist)
    assert type(hook.own) is twins[1]
    twins.append(shelf("two"))
    with pytest.raises(FlowDeclarationError, match="there are one:Twin, two:Twin: name the one that is meant"):
        Flow.from_declaration(contents=whole)
