"""Claims about crews and agents in declared flows: what they come to, what they show, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.flow import Flow, FlowDeclarationError, FlowDefinition
from tests.agents.scripted import tree
from tests.flow.declarations.crews import Tide

HERE = "tests.flow.declarations.crews"
HEAD = "schema: crewai.flow/v1\nname: Sails\nstate: {default: {place: Bergen, count: 2}}\nmethods:\n  sail:\n    start: true\n    do:\n"
PILOT = f"{{role: 'Pilot of {{place}}', goal: g, backstory: b, llm: {{python: {HERE}.echo}}}}"

CREW = f"""
      call: crew
      inputs: {{place: "${{state.place}}", count: "${{state.count + 1}}"}}
      with:
        agents:
          pilot: {PILOT}
        tasks:
          - {{name: look, description: "Look at {{place}}.", expected_output: e, agent: pilot}}
          - {{name: count, description: "Count {{count}} in {{where}}.", expected_output: e, agent: pilot, context: [look]}}
        inputs: {{where: the harbour, place: nowhere}}
"""
NEXT = """
  tell:
    listen: sail
    do: {call: expression, expr: "outputs.sail.raw + ' of ' + outputs.sail.token_usage.successful_requests"}
"""


def declared(do: str, more: str = "", **options: Any) -> Flow:
    return Flow.from_declaration(contents=HEAD + do + more, **options)


def test_a_crew_takes_its_inputs_from_the_state_and_shows_its_tree() -> None:
    flow = declared(CREW)
    with flow.stream_events() as stream:
        frames = list(stream)

    assert [each.raw for each in stream.result.tasks_output] == ["Look at Bergen.", "Count 3 in the harbour."]
    assert stream.result.tasks_output[0].agent == "Pilot of Bergen"
    task = [
        "      task_started",
        "        agent_execution_started",
        "          llm_call_started",
        "          llm_call_completed",
        "        agent_execution_completed",
        "      task_completed",
    ]
    crew = ["    crew_kickoff_started", *task, *task, "    crew_kickoff_completed"]
    assert [line for line in tree(frames) if line.startswith("    ")] == crew


@pytest.mark.parametrize("listed", ["[{name: pilot, AGENT}]", "[{pilot: {AGENT}}]"])
def test_the_agents_of_a_crew_may_be_a_list(listed: str) -> None:
    crew = CREW.replace(f"\n          pilot: {PILOT}", f" {listed.replace('AGENT', PILOT[1:-1])}")
    assert declared(crew).kickoff().raw == "Count 3 in the harbour."


def test_an_expression_reads_what_a_crew_came_to() -> None:
    more = NEXT.replace(
        "outputs.sail.token_usage.successful_requests", "string(outputs.sail.token_usage.successful_requests)"
    )
    assert declared(CREW, more).kickoff() == "Count 3 in the harbour. of 2"


#: What a call is declared as, and what it comes to.
CALLS: dict[str, tuple[str, Any]] = {
    "an agent": (
        f"call: agent\nwith: {{role: r, goal: g, backstory: b, llm: {{python: '{HERE}:echo'}}, input: 'In ${{state.place}}?'}}",
        "In Bergen?",
    ),
    "an agent that is given a conversation": (
        f"call: agent\nwith:\n  role: r\n  goal: g\n  backstory: b\n  llm: {{python: {HERE}.echo}}\n"
        "  input: [{role: user, content: Hello}, {role: assistant, content: Hello}, {role: user, content: 'To ${state.place}!'}]",
        "To Bergen!",
    ),
    "an agent with tools and limits": (
        f"call: agent\nwith: {{role: r, goal: g, backstory: b, llm: {{python: {HERE}.sailor}}, input: Sail, tools: ['{HERE}:tide'], max_iter: 3, settings: {{cache: true}}}}",
        "Sailed.",
    ),
    "a manager": (
        f"call: crew\nwith:\n  process: hierarchical\n  manager_llm: {{python: {HERE}.manager}}\n  agents: {{pilot: {PILOT.replace('of {place}', '').replace('Pilot ', 'Pilot')}}}\n"
        "  tasks: [{description: d, expected_output: e}]",
        "Managed.",
    ),
    "a guardrail": (
        f"call: crew\nwith:\n  agents: {{pilot: {PILOT}}}\n  inputs: {{place: Bergen}}\n"
        f"  tasks: [{{description: Go, expected_output: e, agent: pilot, guardrail: {{python: {HERE}.is_polite}}}}]",
        "Go Please.",
    ),
}


def indented(do: str) -> str:
    return "".join(f"      {line}\n" for line in do.splitlines())


@pytest.mark.parametrize(("do", "raw"), CALLS.values(), ids=CALLS.keys())
def test_a_call_comes_to(do: str, raw: str) -> None:
    assert declared(indented(do)).kickoff().raw == raw


def test_answers_have_the_form_that_is_declared() -> None:
    agent = f"call: agent\nwith: {{role: r, goal: g, backstory: b, llm: {{python: {HERE}.structured}}, input: x, response_format: {{python: {HERE}.Tide}}}}"
    assert declared(indented(agent)).kickoff().pydantic == Tide(place="Bergen", metres=1.5)
    crew = (
        f"call: crew\nwith:\n  agents: {{pilot: {{role: r, goal: g, backstory: b, llm: {{python: {HERE}.structured}}}}}}\n"
        f"  tasks: [{{description: d, expected_output: e, agent: pilot, output_json: {{python: '{HERE}:Tide'}}}}]"
    )
    assert declared(indented(crew)).kickoff().json_dict == {"place": "Bergen", "metres": 1.5}


def test_a_crew_is_run_with_each_item_of_a_list() -> None:
    do = (
        "call: each\nin: [Bergen, Bodø]\ndo:\n  - name: ask\n    action:\n      call: agent\n"
        f"      with: {{role: r, goal: g, backstory: b, llm: {{python: {HERE}.echo}}, input: 'In ${{item}}?'}}\n"
        "  - {name: text, action: {call: expression, expr: outputs.ask.raw}}"
    )
    assert declared(indented(do)).kickoff() == ["In Bergen?", "In Bodø?"]


# In a file of its own.


def test_a_crew_stands_in_a_file_beside_the_flows(tmp_path: Path) -> None:
    crew = (
        f"agents: {{pilot: {PILOT}}}\ntasks: [{{description: 'Go to {{place}}', expected_output: e, agent: pilot}}]\n"
    )
    (tmp_path / "crews").mkdir()
    (tmp_path / "crews/pilots.yaml").write_text(crew)
    (tmp_path / "flow.yaml").write_text(
        HEAD + "      {call: crew, from_declaration: crews/pilots.yaml, inputs: {place: '${state.place}'}}\n"
    )
    flow = Flow.from_declaration(path=tmp_path / "flow.yaml")
    assert flow.kickoff().raw == "Go to Bergen"
    for definition in (flow.flow_definition(), FlowDefinition.from_declaration(path=tmp_path / "flow.yaml")):
        assert Flow.from_declaration(contents=definition).kickoff().raw == "Go to Bergen"


#: What a file has, what the call names, and what is told.
FILES: dict[str, tuple[str, str, str]] = {
    "outside": ("", "../pilots.yaml", "'../pilots.yaml' leads out of the folder of the flow"),
    "at the root": ("", "/etc/pilots.yaml", "leads out of the folder"),
    "not there": ("", "none.yaml", "'none.yaml' can't be read"),
    "wrong": ("agents: {}\n", "pilots.yaml", "pilots.yaml:1:1: agents: expected at least 1 of them, not 0"),
}


@pytest.mark.parametrize(("text", "named", "words"), FILES.values(), ids=FILES.keys())
def test_a_file_that_can_not_be_used(text: str, named: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "pilots.yaml").write_text(text)
    (tmp_path / "flow.yaml").write_text(HEAD + f"      {{call: crew, from_declaration: '{named}'}}\n")
    with pytest.raises(FlowDeclarationError) as caught:
        Flow.from_declaration(path=tmp_path / "flow.yaml")
    assert words in str(caught.value)
    assert ": methods.sail.do.from_declaration: " in str(caught.value)


#: What is wrong with a call, and what is told.
AGENTS = "agents: {pilot: {role: r, goal: g, backstory: b}}"
WRONG: dict[str, tuple[str, str]] = {
    "no crew": ("{call: crew}", "a crew stands here, as with, or in a file, as from_declaration"),
    "no such agent": (
        f"{{call: crew, with: {{{AGENTS}, tasks: [{{description: d, expected_output: e, agent: cook}}]}}}}",
        "there is no agent 'cook'; the agents are pilot",
    ),
    "two agents of one name": (
        "{call: crew, with: {agents: [{a: {}}, {name: a}], tasks: []}}",
        "the agents have names of their own, and two are called 'a'",
    ),
    "an agent without a name": (
        "{call: crew, with: {agents: [{role: r, goal: g, backstory: b}], tasks: []}}",
        "the agent at 0 has no name",
    ),
    "context of later": (
        f"{{call: crew, with: {{{AGENTS}, tasks: [{{description: d, expected_output: e, agent: pilot, context: [x]}}]}}}}",
        "the context 'x' is the name of no task before it",
    ),
    "nobody to do a task": (
        f"{{call: crew, with: {{{AGENTS}, tasks: [{{description: d, expected_output: e}}]}}}}",
        "methods.sail.do.with: tasks[0], 'd', has no agent",
    ),
    "no such tool": (
        "{call: agent, with: {role: r, goal: g, backstory: b, input: x, tools: ['json:nothing']}}",
        "methods.sail.do.with: 'json' has no 'nothing'",
    ),
    "no expression": (
        "{call: agent, with: {role: r, goal: g, backstory: b, input: '${nothing.x}'}}",
        "methods.sail.do.with.input: ",
    ),
    "no expression among the inputs": (
        f"{{call: crew, inputs: {{a: '${{nothing}}'}}, with: {{{AGENTS}, tasks: [{{description: d, expected_output: e, agent: pilot}}]}}}}",
        "methods.sail.do.inputs.a: ",
    ),
    "an option that is none": (
        "{call: agent, with: {role: r, goal: g, backstory: b, input: x, settings: {max_iters: 3}}}",
        "methods.sail.do.with: Agent has no option 'max_iters'; did you mean 'max_iter'?",
    ),
    "a key that is none": (
        "{call: agent, with: {role: r, goal: g, backstory: b, input: x, mcps: []}}",
        "methods.sail.do.agent.with.mcps: there is no such field",
    ),
}


@pytest.mark.parametrize(("do", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_with_its_place_before_anything_runs(do: str, words: str) -> None:
    with pytest.raises(FlowDeclarationError) as caught:
        declared(f"      {do}\n")
    assert words in str(caught.value)
    assert str(caught.value).startswith("<declaration>:")


def test_an_input_that_is_missing_is_told_when_the_crew_is_run() -> None:
    with pytest.raises(UsageError, match="wants the input 'where'"):
        declared(CREW.replace("where: the harbour, ", "")).kickoff()
