"""Asking somebody for input in the middle of a method."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from typing import Any, Final

from harness import events
from harness.bus import bus
from harness.bus.scope import on_cancel, pass_readers_here
from harness.errors import RunCancelled
from harness.flow.feedback.providers import InputProvider, InputResponse, flow_config, given_or_console
from harness.flow.feedback.result import now
from harness.flow.flow_context import current_flow_method_name
from harness.flow.persistence.persist import persistence_of
from harness.flow.persistence.protocol import StorageFailures
from harness.flow.state import saved_state
from harness.respondent import answer_deadline
from harness.typed_line import given_up
from harness.waits import take
from harness.workers import Outcome, attempt, settled

logger = logging.getLogger("harness")
#: Under which name the state is saved before somebody is asked.
_CHECKPOINT: Final = "_ask_checkpoint"


def ask(flow: Any, message: str, timeout: float | None, metadata: dict[str, Any] | None) -> str | None:
    """Return what was put in; see `Flow.ask`."""
    place = persistence_of(flow)
    if place is not None:
        with StorageFailures():
            place.save_state(flow_uuid=flow.flow_id, method_name=_CHECKPOINT, state_data=saved_state(flow.state))
        flow._flow_kept_ids.add(flow.flow_id)
    named: dict[str, Any] = {
        "flow_name": flow._flow_name,
        "method_name": current_flow_method_name.get() or "",
        "message": message,
        "metadata": metadata,
    }
    bus.emit(flow, events.FlowInputRequestedEvent(**named))
    provider = given_or_console(flow.input_provider, flow_config.input_provider)
    response = _answer(provider, message, flow, metadata, timeout)
    text = response.text if response is not None else None
    beside = response.metadata if response is not None else None
    bus.emit(flow, events.FlowInputReceivedEvent(**named, response=text, response_metadata=beside))
    flow._input_history.append(
        {
            "message": message,
            "response": text,
            "method_name": named["method_name"],
            "timestamp": now(),
            "metadata": metadata,
            "response_metadata": beside,
        }
    )
    return text


def _answer(
    provider: InputProvider, message: str, flow: Any, metadata: dict[str, Any] | None, timeout: float | None
) -> InputResponse | None:
    """Return the provider's answer; None where there was none in time, or it failed."""
    # None stands for a run that has been cancelled meanwhile: its provider is left behind.
    answers: queue.SimpleQueue[Outcome[Any] | None] = queue.SimpleQueue()
    context, left = contextvars.copy_context(), threading.Event()
    context.run(given_up.set, left)
    context.run(pass_readers_here)
    if timeout is not None:
        # Whoever stands in for the terminal would go on asking what nobody waits for any more.
        context.run(answer_deadline.set, time.monotonic() + timeout)

    def request() -> Any:
        answer = provider.request_input(message, flow, metadata)
        return settled(answer)

    def work() -> None:
        answers.put(attempt(lambda: context.run(request)))

    try:
        with on_cancel(lambda: answers.put(None)):
            threading.Thread(target=work, name="harness-ask", daemon=True).start()
            outcome = take(answers, timeout)
    except queue.Empty:
        return None
    finally:
        left.set()
    if outcome is None:
        raise RunCancelled
    if isinstance(outcome.error, Exception):
        logger.warning("the input provider failed: %s: %s", type(outcome.error).__name__, outcome.error)
        return None
    answer = outcome.unwrap()
    return answer if answer is None or isinstance(answer, InputResponse) else InputResponse(str(answer))
