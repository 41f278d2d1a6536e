"""A flow that waits for a human, and is resumed in another process: `python -m conformance.areas.flow.other_process …`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from conformance.areas.flow.continuations import MethodsRun
from conformance.stage.consumer import Consumer, Scenarios
from conformance.stage.points import Stage
from conformance.stage.programs import Feedback, FlowProgram, Give, Method, Reach
from conformance.stage.server import ScriptedProvider
from conformance.subjects.subject import Performance, address_of, load_subject
from conformance.timeline.expected import Expected, InAnyOrder

_CLAUSE: Final = "flow.pending"
_ANSWER: Final = "Go on."
_VALUE: Final = "done"
_METHODS: Final = ("drafts", "beside", "asks", "ends")
#: How long the other process may take: it loads the subject, which may be slow.
_DEADLINE_S: Final = 60.0


def _program(consumer: Consumer) -> FlowProgram:
    """Return a flow that asks in its third method, with another branch beside it that has ended by then."""
    return consumer.flow_program(
        Method("drafts", (Reach("drafts"), Give("draft"))),
        Method("beside", (Reach("beside"), Give("beside"))),
        Method("asks", (Reach("asks"), Give("text")), after=("drafts",), feedback=Feedback()),
        Method("ends", (Reach("ends"), Give(_VALUE)), after=("asks", "beside"), joins="all"),
    )


def _resumed(consumer: Consumer) -> Iterator[Expected]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = str(Path(folder) / "flows.db")
        flow = consumer.flow(_program(consumer), persistence=consumer.subject.kept_in(path))
        pending = consumer.read_flow(flow).reads[-1].value
        if not consumer.subject.is_pending(pending):
            yield Expected(_CLAUSE, f"whether {pending!r} waits to be resumed", True, False)
            return
        seen = _elsewhere(address_of(consumer.subject), consumer.kind, path, pending.context.flow_id)
    call = "resume(…) in another process"
    yield Expected(_CLAUSE, f"what {call} raised", None, seen["raised"])
    if not seen["raised"]:
        yield Expected(_CLAUSE, f"the value of {call}", _VALUE, seen["value"])
    yield Expected(_CLAUSE, f"what {call} ran", InAnyOrder(("ends",)), tuple(seen["ran"]))


def _elsewhere(*arguments: str) -> dict[str, Any]:
    """Return what the other process saw, or how it ended."""
    command = [sys.executable, "-P", "-m", __spec__.name, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=_DEADLINE_S, check=False)  # noqa: S603
    try:
        seen: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return {"raised": f"exit {ended.returncode}: {ended.stderr[-500:]}", "value": None, "ran": []}
    return seen


def main(address: str, kind: Any, path: str, flow_id: str) -> None:
    """Resume the flow, and print what it came to and what was run, as JSON on the last line."""
    stage = Stage()
    subject = load_subject(address)
    run = MethodsRun(stage, _METHODS)
    value, raised = None, None
    with ScriptedProvider(stage) as provider, Consumer(kind, subject, Performance(stage, provider)) as consumer:
        flow_class = type(consumer.flow(_program(consumer)))
        try:
            value = flow_class.from_pending(flow_id, persistence=subject.kept_in(path)).resume(_ANSWER)
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
    sys.stdout.write(json.dumps({"value": str(value), "raised": raised, "ran": run.names}) + "\n")


SCENARIOS: Final = Scenarios()
SCENARIOS.both("pause/resumed-elsewhere", {_CLAUSE}, "flow feedback", _resumed)

if __name__ == "__main__":
    main(*sys.argv[1:])
