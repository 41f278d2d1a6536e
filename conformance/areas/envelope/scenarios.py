"""What frames carry: payloads of every kind, and failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from conformance.areas.catalogue import of_every_run
from conformance.areas.envelope.checks import moment_of, not_utc
from conformance.stage.consumer import Consumer, Scenarios, with_outcome
from conformance.stage.payloads import MOMENTS, PAYLOADS, UNCHANGED
from conformance.stage.programs import FAILING, Emit, FlowProgram, Give, Method
from conformance.timeline.evidence import Evidence
from conformance.timeline.expected import NOTHING, Expected

_CARRIED: Final = frozenset(
    {
        "envelope.data-json",
        "envelope.timestamp-utc",
        "envelope.immutable",
        "envelope.content-text",
        "error.observer-safe",
    }
)
#: What is shown where a listener has seen the events that frames come from.
OF_SOURCES: Final = frozenset({"envelope.id-unique", "envelope.type-verbatim"})

#: What is found again, in whatever form, of payloads that are not JSON and can be kept; of bytes, anything is.
_LEAVES: Final[Mapping[str, tuple[str, ...]]] = {"bytes": (), "custom": ("four", "five", "six", "seven")}


def _carried(consumer: Consumer, payload: str) -> Evidence:
    """Read a run that publishes a payload, which may be hard to encode, and then something plain."""
    program = FlowProgram((Method("carries", (Emit(payload=payload), Emit("after"), Give(7))),))
    evidence = consumer.read_programs(program)
    return with_outcome(consumer, replace(evidence, expected=tuple(_expected(payload, evidence))), 7)


def _expected(payload: str, evidence: Evidence) -> Iterator[Expected]:
    raised = evidence.outcome.error if evidence.outcome is not None else None
    run = f"a run that published the payload {payload!r}"
    yield Expected("envelope.data-json", run, NOTHING, raised)
    types = tuple(frame.type for frame in evidence.frames if frame.type.startswith("probe"))
    yield Expected("error.observer-safe", f"the user's events of {run}", ("probe_payload", "probe"), types)
    yield Expected("error.observer-safe", f"the result of {run}", 7, evidence.reads[-1].value)
    arrived = [frame.data.get("payload") for frame in evidence.frames if frame.type == "probe_payload"]
    for value in _texts(arrived) if payload in MOMENTS else ():
        aspect = f"the payload {payload!r}, as the time in UTC that it is"
        moment = moment_of(value)
        shown = value if not_utc(moment) else moment
        yield Expected("envelope.timestamp-utc", aspect, PAYLOADS["aware-time"](), shown)
    if payload in _LEAVES:
        lost = [leaf for leaf in _LEAVES[payload] if leaf not in str(arrived)] if any(arrived) else ["all of it"]
        yield Expected("envelope.data-json", f"what has been lost of the payload {payload!r}", (), tuple(lost))
    if payload in UNCHANGED:
        yield Expected("envelope.data-json", f"the payload {payload!r}, which is JSON", [PAYLOADS[payload]()], arrived)


def _texts(value: object) -> Iterator[str]:
    """Yield every text in a payload that stands in the place of a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _stamped(consumer: Consumer) -> Evidence:
    """Read a run that publishes an event whose own time is naive."""
    made = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001 - naive on purpose
    emit = Emit(type="flow_plot", fields={"flow_name": "ProbeFlow", "timestamp": made})
    evidence = consumer.read_programs(FlowProgram((Method("stamps", (emit,)),)))
    stamps = tuple(frame.timestamp for frame in evidence.frames if frame.type == "flow_plot")
    aspect = "the time of an event that was given a naive one"
    expected = Expected("envelope.timestamp-utc", aspect, (made.replace(tzinfo=UTC),), stamps)
    return replace(evidence, expected=(expected,))


SCENARIOS: Final = Scenarios()
SCENARIOS.both("event/naive-time", {"envelope.timestamp-utc"}, "flow", _stamped)
SCENARIOS.whole_run(
    "flow/failing", of_every_run() | {"envelope.error-class", "error.frames-first", "result.reraises"}, "flow", FAILING
)
for _payload in PAYLOADS:
    SCENARIOS.both(f"payload/{_payload}", _CARRIED, "flow", _carried, _payload)
