"""What subjects of runtimes with this one's public names make: conversations as programs say, and flows of declarations."""

from __future__ import annotations

from functools import partial
from importlib import metadata
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from conformance.stage.points import Stage
from conformance.stage.programs import ConversationProgram, Method, Reply, route_to
from conformance.stage.server import ScriptedProvider
from conformance.subjects.harness import HarnessSubject
from conformance.subjects.programs import conversational
from conformance.subjects.subject import Performance


class Configured(HarnessSubject):
    """Makes conversations of a class that is no flow, with a decorator that notes what it is given."""

    names = replace(HarnessSubject.names, Flow=object, ConversationConfig=lambda **given: partial(_noted, given))


def _noted(given: dict[str, Any], flow_class: Any) -> Any:
    flow_class.given = given
    return flow_class


def test_a_conversation_is_made_as_its_program_says() -> None:
    handlers = (Method("first", (Reply("1"),)), Method("second"))
    program = ConversationProgram(handlers, stream=False, deferred=False, name="Harbour")
    stage = Stage()
    with ScriptedProvider(stage) as provider:
        flow = Configured().conversation(program, Performance(stage, provider))

    assert type(flow).__name__ == "Harbour"
    assert flow.given == {"llm": stage.noted("llm")[0], "defer_trace_finalization": False}
    assert flow.given["llm"].stream is False


@pytest.mark.parametrize(
    ("message", "route"),
    [
        (f"To {route_to('second')}, please.", "to_second"),
        (route_to("first"), "to_first"),
        (route_to("third"), None),
        ("first", None),
    ],
)
def test_a_message_is_routed_to_the_handler_that_it_names(message: str, route: str | None) -> None:
    program = ConversationProgram((Method("first"), Method("second")))
    names = replace(HarnessSubject.names, Flow=object, ConversationConfig=lambda **given: lambda flow_class: flow_class)
    made = conversational(names, program, {}, None)()
    made.state = SimpleNamespace(current_user_message=message)

    assert made.route_turn({}) == route


class Silent(HarnessSubject):
    """A runtime without conversations."""

    names = replace(HarnessSubject.names, ConversationConfig=None)


def test_a_runtime_that_does_not_converse_says_so() -> None:
    stage = Stage()
    with ScriptedProvider(stage) as provider, pytest.raises(TypeError, match="harness does not converse"):
        Silent().conversation(ConversationProgram(), Performance(stage, provider))


def test_declared_flows_are_no_part_of_the_subject_without_what_their_expressions_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert hasattr(HarnessSubject(), "declared_flow")
    real = metadata.Distribution.discover
    monkeypatch.setattr(
        metadata.Distribution, "discover", lambda **which: () if which["name"] == "cel-python" else real(**which)
    )
    assert not hasattr(HarnessSubject(), "declared_flow")
