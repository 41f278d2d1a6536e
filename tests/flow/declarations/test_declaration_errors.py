"""Claims about what is wrong with a declaration: every mistake is told, with its line and column, before anything runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from harness.errors import MissingExtraError, UsageError
from harness.flow import Flow, FlowDeclarationError
from harness.flow.declarations import expressions

HEAD = "schema: crewai.flow/v1\nname: F\n"
BEGIN = HEAD + "methods:\n  a:\n    start: true\n"
ONE = BEGIN + "    do: {call: expression, expr: "

WRONG: dict[str, tuple[str, str]] = {
    "no YAML": (HEAD + "methods: [", "<declaration>:3:11: expected the node content"),
    "no JSON": ('{"schema": "crewai.flow/v1",\n "name" "F"}', "<declaration>:2:9: expected ',' or '}'"),
    "nothing": ("", "<declaration>: expected an object, not null"),
    "another format": (
        "schema: crewai.flow/v2\nname: F\nmethods: {a: {start: true, do: {call: expression, expr: '1'}}}",
        "<declaration>:1:9: schema: expected 'crewai.flow/v1', not 'crewai.flow/v2'",
    ),
    "an unknown key": (ONE + "'1'}\nmethod: {}\n", "<declaration>:7:1: method: there is no such field"),
    "a key twice": (HEAD + "name: G\n", "<declaration>:3:1: the key 'name' is here twice"),
    "an anchor": (HEAD + "a: &x [1]\nb: *x\n", "<declaration>:4:4: anchors and aliases are not read"),
    "too deep": (HEAD + "a: " + "[" * 60 + "]" * 60, "<declaration>:3:54: this nests deeper than 50 levels"),
    "nothing to do": (HEAD + "methods: {}", "<declaration>:1:1: a flow has methods, or is conversational"),
    "a missing key": (BEGIN, "<declaration>:4:3: methods.a.do: expected a value, and none was given"),
    "an unknown call": (
        BEGIN + "    do:\n      call: dance\n",
        "<declaration>:6:5: methods.a.do: expected one of 'code', 'tool', 'expression', 'script', 'crew', 'agent', 'each' as 'call', not 'dance'",
    ),
    "nothing triggers it": (
        HEAD + "methods:\n  a:\n    do: {call: expression, expr: '1'}\n",
        "<declaration>:4:3: methods.a: nothing triggers this method",
    ),
    "labels without a router": (
        BEGIN + "    emit: [x]\n    do: {call: expression, expr: '1'}\n",
        "<declaration>:4:3: methods.a: emit names the labels of a router",
    ),
    "a name that is none": (
        HEAD + "methods:\n  a-b:\n    start: true\n    do: {call: expression, expr: '1'}\n",
        "<declaration>:4:3: methods.a-b.[key]: expected text that matches ",
    ),
    "the name of what makes every object": (
        HEAD + "methods:\n  __init__:\n    start: true\n    do: {call: expression, expr: '1'}\n",
        "<declaration>:4:3: methods.__init__: F.__init__ hides the __init__ that every flow has",
    ),
    "a module that is not there": (
        BEGIN + "    do:\n      call: code\n      ref: no_such_module:f\n",
        "<declaration>:8:12: methods.a.do.ref: the module 'no_such_module' can't be imported: ModuleNotFoundError",
    ),
    "a name that is not there": (
        BEGIN + "    do: {call: code, ref: 'json:nothing'}\n",
        "<declaration>:6:27: methods.a.do.ref: 'json' has no 'nothing'",
    ),
    "something that can't be called": (
        BEGIN + "    do: {call: code, ref: 'tests.flow.declarations.functions:NUMBER'}\n",
        "methods.a.do.ref: 'tests.flow.declarations.functions:NUMBER' is no function, but int",
    ),
    "an expression that can't be read": (
        ONE + "1 +}\n",
        "<declaration>:6:34: methods.a.do.expr: '1 +' is no CEL expression: it can't be read at its character 3",
    ),
    "an unknown root": (
        ONE + "stat.x}\n",
        "<declaration>:6:34: methods.a.do.expr: 'stat.x' speaks of 'stat'; there are outputs, state",
    ),
    "item outside of each": (ONE + "item.x}\n", "speaks of 'item'; there are outputs, state"),
    "an expression that is too long": (ONE + "'" + "1+" * 3000 + "1'}\n", "an expression has at most 4000 characters"),
    "an expression in a text that is too long": (
        ONE.replace("expression, expr: ", "code, ref: 'json:dumps', with: {obj: '${") + "1+" * 3000 + "1}'}}\n",
        "an expression has at most 4000 characters",
    ),
    "an argument deep inside": (
        BEGIN + "    do:\n      call: code\n      ref: json:dumps\n"
        + "      with:\n        obj:\n          - fine\n          - deep: ${state.a +}\n",
        "<declaration>:12:19: methods.a.do.with.obj.1.deep: 'state.a +' is no CEL expression",
    ),
    "an expression that is not closed": (
        BEGIN + "    do: {call: code, ref: 'json:dumps', with: {obj: 'a ${state.a'}}\n",
        "the expression that begins with 'state.a' is not closed",
    ),
    "a step of each": (
        BEGIN + "    do:\n      call: each\n      in: state.parts\n      do:\n"
        + "        - name: s\n          if: item ==\n          action: {call: expression, expr: item}\n",
        "<declaration>:11:15: methods.a.do.do.0.if: 'item ==' is no CEL expression",
    ),
    "two steps of one name": (
        BEGIN + "    do:\n      call: each\n      in: state.parts\n      do:\n"
        + "        - {name: s, action: {call: expression, expr: item}}\n" * 2,
        "methods.a.do.each: the steps of each have names of their own, and two are called 's'",
    ),
    "each in each": (
        BEGIN + "    do:\n      call: each\n      in: state.parts\n      do:\n"
        + "        - {name: s, action: {call: each, in: state.parts, do: []}}\n",
        "methods.a.do.each.do.0.action: expected one of 'code', 'tool', 'expression', 'script', 'crew', 'agent' as 'call', not 'each'",
    ),
    "a script": (
        BEGIN + '    do: {call: script, code: "a = 1\\nreturn a +"}\n',
        "<declaration>:6:30: methods.a.do.code: the script can't be read: invalid syntax, in its line 2",
    ),
    "a method that listens to itself": (
        ONE + "'1'}\n  b:\n    listen: b\n    do: {call: expression, expr: '1'}\n",
        "<declaration>:7:3: methods.b: F.b listens to 'b', which is itself",
    ),
    "a service that is not here": (
        ONE + "'1'}\nconfig: {tracing: true, checkpoint: {max_checkpoints: 0}}\n",
        "<declaration>:7:19: config.tracing: traces are sent nowhere, and there is no memory: leave it out",
    ),
    "a place that is none": (
        ONE + "'1'}\npersist: {persistence: {db_path: a.db}}\n",
        "<declaration>:7:11: persist.persistence: states are kept in the ref of a persistence, or by persistence_type",
    ),
    "a field that a SQLite file has not": (
        ONE + "'1'}\npersist: {persistence: {persistence_type: SQLiteFlowPersistence, path: a.db}}\n",
        "<declaration>:7:11: persist.persistence: there is no such field: path",
    ),
    "what is learned from answers": (
        ONE + "'1'}\n    human_feedback: {message: Well, learn: true}\n",
        "<declaration>:7:5: methods.a.human_feedback: human_feedback(learn=True) needs a memory",
    ),
    "a provider that can not be made": (
        ONE + "'1'}\n    human_feedback: {message: Well, provider: 'tests.flow.declarations.functions:Needs'}\n",
        "<declaration>:7:5: methods.a.human_feedback: 'tests.flow.declarations.functions:Needs' can't be made: TypeError",
    ),
    "a state": (
        ONE + "'1'}\nstate: {type: pydantic}\n",
        "<declaration>:7:1: state: a state of type pydantic needs the ref of its class",
    ),
    "a state that is no model": (
        ONE + "'1'}\nstate: {type: pydantic, ref: 'json:JSONDecoder'}\n",
        "<declaration>:7:1: state: 'json:JSONDecoder' is no pydantic model",
    ),
    "a default that does not fit": (
        ONE + "'1'}\nstate: {type: pydantic, ref: 'tests.flow.declarations.functions:Report', default: {depth: deep}}\n",
        "<declaration>:7:1: state: the default does not fit the state",
    ),
    "outcomes without sense": (
        ONE + "'1'}\n    human_feedback: {message: Well, default_outcome: yes}\n",
        "<declaration>:7:5: methods.a.human_feedback: default_outcome 'yes' must be one of emit",
    ),
    "a router of a conversation": (
        ONE + "'1'}\nconversational: {router: {route: a}}\n",
        "<declaration>:7:27: conversational.router.route: there is no such field",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_told_with_its_line_and_column(text: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREWAI_ALLOW_FLOW_SCRIPT_EXECUTION", "1")
    with pytest.raises(FlowDeclarationError) as caught:
        Flow.from_declaration(contents=text)
    assert message in str(caught.value)


def test_all_mistakes_are_told_at_once_with_the_name_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "flow.yaml"
    path.write_text(ONE + "1 +}\n  b:\n    listen: a\n    do: {call: code, ref: 'json:nothing'}\n")
    with pytest.raises(FlowDeclarationError) as caught:
        Flow.from_declaration(path=path)
    assert [(problem.line, problem.column, problem.path) for problem in caught.value.problems] == [
        (6, 34, "methods.a.do.expr"),
        (9, 27, "methods.b.do.ref"),
    ]
    assert str(caught.value).splitlines()[0].startswith(f"{path}:6:34: methods.a.do.expr: ")


def test_in_json_a_mistake_has_its_place_too() -> None:
    text = '{\n\t"schema": "crewai.flow/v1",\n\t"name": "\\ud83d\\ude00",\n\t"methods": {"a": {"start": 5}}\n}'
    with pytest.raises(FlowDeclarationError) as caught:
        Flow.from_declaration(contents=text)
    assert "<declaration>:4:29: methods.a.start" in str(caught.value)


def test_characters_beyond_sixteen_bits_are_read_from_json() -> None:
    text = '{"schema": "crewai.flow/v1", "name": "\\ud83d\\ude00", "methods": {"a": {"start": true, "do": %s}}}'
    do = '{"call": "expression", "expr": "1"}'
    assert Flow.from_declaration(contents=text % do).name == "\U0001f600"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Provide contents or path"),
        ({"contents": HEAD, "path": "flow.yaml"}, "Provide contents or path"),
        ({"path": "/no/such/flow.yaml"}, "'/no/such/flow.yaml' can't be read"),
    ],
    ids=["neither", "both", "no such file"],
)
def test_a_declaration_is_given_in_one_way_that_can_be_read(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Flow.from_declaration(**given)


def test_nothing_that_is_named_is_imported_before_the_form_is_right(tmp_path: Path) -> None:
    before = set(sys.modules)
    with pytest.raises(FlowDeclarationError):
        Flow.from_declaration(contents=ONE + "'1'}\n  b:\n    do: {call: code, ref: 'antigravity:fly'}\n")
    assert "antigravity" not in set(sys.modules) - before


def test_without_the_library_for_expressions_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    expressions._cel.cache_clear()
    monkeypatch.setitem(sys.modules, "celpy", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'stream-harness\[declarations\]'"):
        Flow.from_declaration(contents=ONE + "'1'}\n")
    expressions._cel.cache_clear()
