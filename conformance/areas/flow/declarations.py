"""A flow that is made from its declaration: its frames and its value are those of any flow."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from conformance.areas.catalogue import of_every_run
from conformance.areas.entry.scenarios import passed
from conformance.stage.consumer import Consumer, Scenarios
from conformance.timeline.evidence import Evidence, ProgramOutcome
from conformance.timeline.expected import Expected

_FLOW: Final = f"""
schema: crewai.flow/v1
name: DeclaredFlow
state:
  type: dict
  default: {{topic: sun, parts: [1, 2, 3]}}
methods:
  outline:
    start: true
    do: {{call: code, ref: "{__name__}:outlined", with: {{topic: "${{state.topic}}", parts: "${{state.parts}}"}}}}
  decide:
    listen: outline
    router: true
    emit: [long, short]
    do: {{call: expression, expr: "size(state.parts) > 2 ? 'long' : 'short'"}}
  publish:
    listen: long
    do: {{call: expression, expr: "outputs.outline + '!'"}}
  drop:
    listen: short
    do: {{call: expression, expr: "'nothing'"}}
"""
_VALUE: Final = "tides in 3 parts!"


def outlined(topic: str, parts: list[Any]) -> str:
    return f"{topic} in {len(parts)} parts"


def _run(consumer: Consumer) -> Evidence:
    subject: Any = consumer.subject
    evidence = consumer.read_flow(subject.declared_flow(_FLOW), inputs={"topic": "tides"})
    started = [frame.data for frame in evidence.frames if frame.type == "method_execution_started"]
    entry = "stream_events" if consumer.is_sync else "astream"
    topics = {(data.get("state") or {}).get("topic") for data in started}
    expected = (
        passed(f"flow.{entry}(inputs=…) of a declared flow", {"tides"}, topics),
        Expected(
            "entry.flow" if consumer.is_sync else "entry.flow-async",
            f"the methods that flow.{entry}(…) of a declared flow shows",
            ("outline", "decide", "publish"),
            tuple(data.get("method_name") for data in started),
        ),
    )
    return replace(evidence, outcome=evidence.outcome or ProgramOutcome(_VALUE), expected=expected)


_ENDED: Final = of_every_run() | {"result.value", "entry.kwargs", "channel.flow"}

SCENARIOS: Final = Scenarios(part="declared_flow")
SCENARIOS.both("flow/declared", {"sync": _ENDED | {"entry.flow"}, "async": _ENDED | {"entry.flow-async"}}, "flow", _run)
