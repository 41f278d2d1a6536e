"""Claims about runs that wait for a human and go on: what is kept, what runs again, and where."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.flow import (
    CheckpointConfig,
    Flow,
    FlowPersistence,
    HumanFeedbackPending,
    HumanFeedbackResult,
    PendingFeedbackContext,
    SQLiteFlowPersistence,
    StatePersistenceError,
    human_feedback,
    listen,
    router,
    set_flow_persistence_factory,
    start,
)
from tests.flow.feedback.approvals import Approval
from tests.flow.feedback.people import Later, Person, in_json
from tests.flow.graph.graphs import TIMEOUT_S


@pytest.fixture
def place(tmp_path: Path) -> SQLiteFlowPersistence:
    return SQLiteFlowPersistence(str(tmp_path / "flows.db"))


@pytest.fixture(autouse=True)
def yes() -> Iterator[None]:
    Approval.llm._answers = [in_json("yes")]
    yield
    set_flow_persistence_factory(None)


def waiting(place: FlowPersistence | None, **inputs: Any) -> HumanFeedbackPending:
    pending = Approval(persistence=place).kickoff({"topic": "tides", **inputs})
    assert isinstance(pending, HumanFeedbackPending)
    return pending


def resumed(flow: Flow[Any], feedback: str) -> Any:
    return flow.resume(feedback)


def resumed_async(flow: Flow[Any], feedback: str) -> Any:
    return asyncio.run(flow.resume_async(feedback))


def streamed(flow: Flow[Any], feedback: str) -> Any:
    flow.stream = True
    session = flow.resume(feedback)
    list(session)
    return session.result


def astreamed(flow: Flow[Any], feedback: str) -> Any:
    flow.stream = True

    async def read() -> Any:
        session = await flow.resume_async(feedback)
        async for _ in session:
            pass
        return session.result

    return asyncio.run(read())


WAYS: tuple[Callable[[Flow[Any], str], Any], ...] = (resumed, resumed_async, streamed, astreamed)


def test_a_kickoff_gives_what_it_waits_with_and_the_flow_says_so(place: FlowPersistence) -> None:
    flow = Approval(persistence=place)
    pending = flow.kickoff({"topic": "tides"})
    assert isinstance(pending, HumanFeedbackPending)
    assert pending.callback_info == {"where": "by mail"}
    assert str(pending) == f"flow {flow.state.id!r} waits for feedback on its method 'draft'"
    assert flow.pending_feedback is pending.context
    assert (pending.context.flow_id, pending.context.message) == (flow.state.id, "May it go out?")
    assert sorted(flow.state.ran) == ["beside", "draft", "outline"]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_run_that_waits_goes_on_from_there_in_another_flow_object(
    place: FlowPersistence, way: Callable[[Flow[Any], str], Any]
) -> None:
    pending = waiting(place)
    flow = Approval.from_pending(pending.context.flow_id, place)
    assert way(flow, "Go.") == "the draft of tides: Go."
    assert sorted(flow.state.ran) == ["beside", "draft", "outline", "publish"]
    assert flow.pending_feedback is None
    assert flow.state.id == pending.context.flow_id
    assert [answer.outcome for answer in flow.human_feedback_history] == ["yes"]


def test_a_run_goes_on_in_another_process(place: SQLiteFlowPersistence) -> None:
    pending = waiting(place)
    program = "import sys; from tests.flow.feedback.approvals import main; main(*sys.argv[1:])"
    given = [str(place.db_path), pending.context.flow_id, "Go."]
    ended = subprocess.run(
        [sys.executable, "-c", program, *given], capture_output=True, text=True, check=True, timeout=60
    )
    *frames, result, ran = ended.stdout.splitlines()
    assert frames == [
        "flow_started ",
        "method_execution_started draft",
        "human_feedback_received draft",
        "method_execution_finished draft",
        "method_execution_started publish",
        "method_execution_finished publish",
        "flow_finished ",
    ]
    assert result == "the draft of tides: Go."
    assert sorted(ran.split()) == ["beside", "draft", "outline", "publish"]
    assert place.load_pending_feedback(pending.context.flow_id) is None


def test_the_frames_of_asking_and_of_the_answer_have_one_request_in_common(place: FlowPersistence) -> None:
    first = Approval(persistence=place).stream_events({"topic": "tides"})
    (requested,) = (frame for frame in list(first) if frame.type == "human_feedback_requested")
    flow = Approval.from_pending(first.result.context.flow_id, place)
    flow.stream = True
    (received,) = (frame for frame in list(flow.resume("Go.")) if frame.type == "human_feedback_received")
    assert received.data["request_id"] == requested.data["request_id"]
    assert (received.data["feedback"], received.data["outcome"]) == ("Go.", "yes")


def test_a_run_that_fails_after_the_answer_waits_on(place: FlowPersistence, monkeypatch: pytest.MonkeyPatch) -> None:
    pending = waiting(place)
    error = LookupError("no printer")

    def fail(self: Any, answer: Any) -> str:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Approval, "publish", fail)
        flow = Approval.from_pending(pending.context.flow_id, place)
        with pytest.raises(LookupError):
            flow.resume("Go.")
    Approval.llm._answers = [in_json("yes")]
    assert flow.resume("Again.") == "the draft of tides: Again."
    assert place.load_pending_feedback(pending.context.flow_id) is None


class Mail(Flow):
    @start()
    @human_feedback(message="Send it?", provider=Later())
    def write(self) -> str:
        return "mail"

    @listen(write)
    def send(self, answer: HumanFeedbackResult) -> str:
        return f"sent: {answer.feedback}"


class Twice(Flow):
    @start()
    @human_feedback(message="And the left?", provider=Later())
    def left(self) -> str:
        return "L"

    @start()
    @human_feedback(message="And the right?", provider=Later())
    def right(self) -> str:
        return "R"

    @listen(left)
    def after_left(self, answer: HumanFeedbackResult) -> str:
        return answer.feedback


def test_of_two_methods_that_wait_each_gets_its_own_answer(place: FlowPersistence) -> None:
    pending = Twice(persistence=place).kickoff()
    flow = Twice.from_pending(pending.context.flow_id, place)
    again = flow.resume(f"to {pending.context.method_name}")
    assert isinstance(again, HumanFeedbackPending)
    assert {pending.context.method_name, again.context.method_name} == {"left", "right"}
    last = Twice.from_pending(pending.context.flow_id, place)
    last.resume(f"to {again.context.method_name}")
    answers = {answer.method_name: answer.feedback for answer in last.human_feedback_history}
    assert answers == {"left": "to left", "right": "to right"}
    assert "to left" in last.method_outputs


def test_of_two_calls_of_one_method_that_wait_the_one_that_was_asked_about_gets_the_answer(
    place: FlowPersistence,
) -> None:
    first_began, second_is_asked_about = threading.Event(), threading.Event()

    class Telling(Later):
        def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
            second_is_asked_about.set()
            return super().request_feedback(context, flow)

    class Reviews(Flow):
        @start()
        @router(emit=["drafted"])
        def left(self) -> str:
            return "drafted"

        @start()
        @router(emit=["drafted"])
        def right(self) -> str:
            assert first_began.wait(TIMEOUT_S)
            return "drafted"

        @listen("drafted")
        @human_feedback("Fine?", provider=Telling())
        def review(self) -> str:
            if first_began.is_set():
                return "second"
            first_began.set()
            assert second_is_asked_about.wait(TIMEOUT_S)
            return "first"

    flow = Reviews(persistence=place)
    pending = flow.kickoff()
    assert pending.context.method_output == "second"
    again = Reviews.from_pending(flow.flow_id, place)
    assert again.resume("of second").context.method_output == "first"
    again.resume("of first")
    said = [(answer.output, answer.feedback) for answer in again.human_feedback_history]
    assert said == [("second", "of second"), ("first", "of first")]


def test_a_flow_is_kept_in_the_default_place_where_it_has_none(place: FlowPersistence) -> None:
    set_flow_persistence_factory(lambda: place)
    pending = waiting(None)
    assert Approval.from_pending(pending.context.flow_id).resume("Go.") == "the draft of tides: Go."
    assert place.load_pending_feedback(pending.context.flow_id) is None


@pytest.mark.parametrize("elsewhere", [True, False])
def test_who_goes_on_with_the_state_begins_where_the_resumed_run_has_ended(
    place: FlowPersistence, elsewhere: bool
) -> None:
    set_flow_persistence_factory(lambda: place)
    Approval.llm._answers = [in_json("yes"), in_json("yes")]
    flow = Approval()
    pending = flow.kickoff({"topic": "tides"})
    if elsewhere:
        flow = Approval.from_pending(pending.context.flow_id)
    flow.resume("Go.")
    again = Approval(persistence=place)
    again.kickoff({"id": pending.context.flow_id, "topic": "winds"})
    assert again.state.ran.count("publish") == 1
    again.resume("Go.")
    again.kickoff({"id": pending.context.flow_id})
    assert again.state.ran.count("publish") == 2


def test_a_state_that_can_no_longer_be_kept_fails_no_resumed_run(
    place: FlowPersistence, caplog: pytest.LogCaptureFixture
) -> None:
    class Holds(Mail):
        def send(self, answer: HumanFeedbackResult) -> str:
            self.state["held"] = object()
            return super().send(answer)

    flow = Holds(persistence=place)
    flow.kickoff()
    assert flow.resume("Go.") == "sent: Go."
    assert "state['held'] holds a builtins.object" in caplog.text


def test_what_a_method_gave_is_itself_where_the_run_goes_on_and_elsewhere_what_is_kept_of_it(
    place: FlowPersistence, caplog: pytest.LogCaptureFixture
) -> None:
    held = object()

    class Holds(Mail):
        def write(self) -> Any:
            return held

        def send(self, answer: HumanFeedbackResult) -> Any:
            return answer.output

    flow = Holds(persistence=place)
    flow.kickoff()
    assert "what a method returned holds a builtins.object, which can't be kept" in caplog.text
    elsewhere = Holds.from_pending(flow.flow_id, place)
    assert flow.resume("Go.") is held
    assert elsewhere.resume("Go.")["$object"] == "builtins.object"


def test_what_is_not_kept_can_not_be_taken_up(place: FlowPersistence) -> None:
    with pytest.raises(UsageError, match="No pending feedback found for flow_id: nobody"):
        Approval.from_pending("nobody", place)


def test_resume_in_a_running_loop_names_the_way_that_works_there(place: FlowPersistence) -> None:
    flow = Approval.from_pending(waiting(place).context.flow_id, place)

    async def resume() -> None:
        flow.resume("Go.")

    with pytest.raises(RuntimeError, match="resume_async"):
        asyncio.run(resume())


def test_nothing_runs_before_the_session_of_a_resumed_run_is_read(place: FlowPersistence) -> None:
    flow = Approval.from_pending(waiting(place).context.flow_id, place)
    flow.stream = True
    session = flow.resume("Go.")
    assert flow.pending_feedback is not None
    assert "publish" not in flow.state.ran
    assert [frame.type for frame in session][:2] == ["flow_started", "method_execution_started"]


def test_a_resumed_run_that_is_closed_waits_on(place: FlowPersistence) -> None:
    began, released = threading.Event(), threading.Event()

    class Sends(Mail):
        def send(self, answer: HumanFeedbackResult) -> str:
            began.set()
            assert released.wait(TIMEOUT_S)
            return super().send(answer)

    flow = Sends(persistence=place)
    flow.kickoff()
    pending = flow.pending_feedback
    flow.stream = True
    with flow.resume("Go.") as session:
        next(iter(session))
        assert began.wait(TIMEOUT_S)
        assert flow.pending_feedback is None
    assert flow.pending_feedback is pending
    released.set()
    assert streamed(flow, "Go!") == "sent: Go!"
    assert flow.pending_feedback is None


def test_a_resumed_run_that_can_not_be_taken_up_waits_on(
    place: FlowPersistence, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = Approval(persistence=place)
    flow.kickoff()
    pending = flow.pending_feedback
    # Another flow has its state by now.
    flow._state = flow._flow_new_state()

    def lost(flow_uuid: str) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as patch, pytest.raises(StatePersistenceError, match="failed: the disk is gone"):
        patch.setattr(place, "load_pending_feedback", lost)
        flow.resume("Go.")
    assert flow.pending_feedback is pending
    flow.resume("Go.")
    assert flow.pending_feedback is None


class InTurn(Flow):
    @start()
    @human_feedback(message="And the draft?", provider=Later())
    def draft(self) -> str:
        return "draft"

    @listen(draft)
    @human_feedback(message="And the print?", provider=Later())
    def print(self, answer: HumanFeedbackResult) -> str:
        return f"print of {answer.feedback}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("answers", "refused"), [([], "save_pending_feedback"), (["one"], "clear_pending_feedback")], ids=["save", "clear"]
)
def test_a_resumed_run_whose_end_can_not_be_kept_waits_on(
    place: FlowPersistence,
    monkeypatch: pytest.MonkeyPatch,
    answers: list[str],
    refused: str,
    way: Callable[[Flow[Any], str], Any],
) -> None:
    flow = InTurn(persistence=place)
    flow.kickoff()
    for answer in answers:
        flow.resume(answer)
    pending = flow.pending_feedback

    def full(*args: Any, **named: Any) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as patch, pytest.raises(StatePersistenceError, match="failed: no space left"):
        patch.setattr(place, refused, full)
        way(flow, "lost")
    assert flow.pending_feedback is pending
    flow.stream = False
    *_, last = [flow.resume(answer) for answer in ["one", "two"][len(answers) :]]
    assert (last.output, last.feedback) == ("print of one", "two")
    assert place.load_pending_feedback(flow.flow_id) is None


def test_of_two_sessions_with_an_answer_one_goes_on(place: FlowPersistence) -> None:
    flow = Approval.from_pending(waiting(place).context.flow_id, place)
    flow.stream = True
    first, second = flow.resume("Go."), flow.resume("Go.")
    list(first)
    ran = list(flow.state.ran)
    with pytest.raises(UsageError, match="does not wait for this feedback any more"):
        list(second)
    assert flow.state.ran == ran


@pytest.mark.parametrize("feedback", [None, 42, b"yes", {"answer": "yes"}])
def test_an_answer_that_is_no_text_is_refused_at_the_call(place: FlowPersistence, feedback: Any) -> None:
    flow = Approval.from_pending(waiting(place).context.flow_id, place)
    with pytest.raises(UsageError, match="feedback is text"):
        flow.resume(feedback)
    with pytest.raises(UsageError, match="feedback is text"):
        asyncio.run(flow.resume_async(feedback))
    assert flow.pending_feedback is not None


class Kept(FlowPersistence):
    """Keeps a flow of which only the reference's own fields are known."""

    def __init__(self, context: PendingFeedbackContext) -> None:
        self._context: PendingFeedbackContext | None = context

    def init_db(self) -> None: ...

    def save_state(self, flow_uuid: str, method_name: str, state_data: Any) -> None: ...

    def load_state(self, flow_uuid: str) -> None:
        return None

    def load_pending_feedback(self, flow_uuid: str) -> tuple[dict[str, Any], PendingFeedbackContext] | None:
        return None if self._context is None else ({"id": flow_uuid, "topic": "tides"}, self._context)

    def clear_pending_feedback(self, flow_uuid: str) -> None:
        self._context = None


@pytest.mark.parametrize("call_id", [None, 9], ids=["of its own", "as a provider is given it"])
def test_a_context_without_a_plan_goes_on_after_its_method_alone(call_id: int | None) -> None:
    context = PendingFeedbackContext(
        flow_id="x", flow_class="m.Left", method_name="left", method_output="L", message="And?", call_id=call_id
    )
    place = Kept(PendingFeedbackContext.from_dict(context.to_dict()))
    flow = Twice.from_pending("x", place)
    assert flow.resume("kept") == "kept"
    assert (flow.state["topic"], place._context) == ("tides", None)


def test_a_context_of_another_flow_is_refused_before_anything_runs() -> None:
    context = PendingFeedbackContext("x", "m.Gone", "gone", None, "And?")
    with pytest.raises(UsageError, match="no method 'gone' to go on from; it has left, right, after_left"):
        Twice.from_pending("x", Kept(context)).resume("kept")


def test_a_kept_context_is_read_by_a_later_version_and_says_what_is_missing() -> None:
    data = PendingFeedbackContext("x", "m.F", "draft", {"a": b"\x00"}, "And?").to_dict()
    assert PendingFeedbackContext.from_dict({**data, "of_a_later_version": 1}).method_output == {"a": b"\x00"}
    del data["message"]
    with pytest.raises(UsageError, match="missing 1 required positional argument: 'message'"):
        PendingFeedbackContext.from_dict(data)


def test_a_run_that_comes_to_what_another_one_waits_with_does_not_wait_itself(place: FlowPersistence) -> None:
    class Nests(Mail):
        def send(self, answer: HumanFeedbackResult) -> Any:
            # The same hook keeps both.
            return Nests(persistence=place).kickoff() if answer.feedback == "outer" else super().send(answer)

    outer = Nests(persistence=place)
    outer.kickoff()
    inner = outer.resume("outer")
    assert isinstance(inner, HumanFeedbackPending)
    assert (outer.pending_feedback, place.load_pending_feedback(outer.flow_id)) == (None, None)
    assert Nests.from_pending(inner.context.flow_id, place).resume("inner") == "sent: inner"


def test_answers_before_the_pause_are_remembered_after_it(place: FlowPersistence) -> None:
    class Before(Flow):
        @start()
        @human_feedback(message="First?", provider=Person("at once"))
        def first(self) -> str:
            return "1"

        @listen(first)
        @human_feedback(message="Second?", provider=Later())
        def second(self, answer: HumanFeedbackResult) -> str:
            return answer.feedback

    pending = Before(persistence=place).kickoff()
    flow = Before.from_pending(pending.context.flow_id, place)
    flow.resume("later")
    assert [answer.feedback for answer in flow.human_feedback_history] == ["at once", "later"]
    assert [type(value) for value in flow.method_outputs] == [HumanFeedbackResult] * 2


def test_of_two_who_are_asked_about_one_method_only_who_was_to_answer_later_gets_the_answer(
    place: FlowPersistence,
) -> None:
    class Stacked(Flow):
        @start()
        @human_feedback(message="Third?", provider=Person("C"))
        @human_feedback(message="Second?", provider=Later())
        @human_feedback(message="First?", provider=Person("A"))
        def draft(self) -> str:
            return "draft"

        @listen(draft)
        def said(self, answer: HumanFeedbackResult) -> list[str]:
            return [answer.feedback, answer.output.feedback, answer.output.output.feedback]

    pending = Stacked(persistence=place).kickoff()
    flow = Stacked.from_pending(pending.context.flow_id, place)
    assert flow.resume("B") == ["C", "B", "A"]
    assert [answer.feedback for answer in flow.human_feedback_history] == ["A", "B", "C"]


def test_a_run_that_was_stopped_after_the_answer_and_has_gone_on_waits_no_more(
    place: FlowPersistence, tmp_path: Path
) -> None:
    class Order(Mail):
        fails = True

        @listen(Mail.send)
        def ship(self, answer: str) -> str:
            if self.fails:
                raise LookupError
            return answer

    kept = CheckpointConfig(location=str(tmp_path), on_events=["method_execution_finished"])
    flow = Order(persistence=place, checkpoint=kept)
    flow.kickoff()
    with pytest.raises(LookupError):
        flow.resume("yes")
    Order.fails = False
    assert Order(persistence=place, checkpoint=kept).kickoff({"id": flow.flow_id}, resume=True) == "sent: yes"
    with pytest.raises(UsageError, match="No pending feedback"):
        Order.from_pending(flow.flow_id, place)


def test_a_run_that_never_waited_and_ends_by_its_checkpoints_asks_for_no_place_that_is_not_there(
    tmp_path: Path,
) -> None:
    class Order(Mail):
        fails = True

        @start()
        @human_feedback(message="Pay?", provider=Person("yes"))
        def write(self) -> str:
            return "order"

        def send(self, answer: HumanFeedbackResult) -> str:
            if self.fails:
                raise LookupError
            return super().send(answer)

    folder = tmp_path / "none"
    set_flow_persistence_factory(lambda: SQLiteFlowPersistence(folder / "flows.db"))
    kept = CheckpointConfig(location=str(tmp_path / "kept"), on_events=["method_execution_finished"])
    with pytest.raises(LookupError):
        Order(checkpoint=kept).kickoff()
    Order.fails = False
    assert Order(checkpoint=kept).kickoff(resume=True) == "sent: yes"
    assert not folder.exists()


def test_a_run_that_began_at_a_checkpoint_goes_on_where_it_waits(place: FlowPersistence, tmp_path: Path) -> None:
    written = CheckpointConfig(location=str(tmp_path), on_events=["flow_paused", "method_execution_finished"])
    InTurn(persistence=place, checkpoint=written).kickoff()
    ((where, _),) = written.provider.newest(written.location, "main")
    flow = InTurn(persistence=place, checkpoint=written.model_copy(update={"restore_from": where}))
    flow.kickoff()
    flow.resume("one")
    assert flow.resume("two").output == "print of one"


@pytest.mark.parametrize("on_one_object", [True, False])
def test_a_fork_that_goes_on_where_it_waits_writes_to_its_branch(
    place: FlowPersistence, tmp_path: Path, on_one_object: bool
) -> None:
    written = CheckpointConfig(location=tmp_path, on_events=["flow_started", "method_execution_finished"])

    def kept_on(branch: str) -> int:
        return len(list(written.provider.newest(written.location, branch)))

    Mail(checkpoint=written).kickoff()
    ((where, _),) = written.provider.newest(written.location, "main")
    at = written.model_copy(update={"restore_from": where})
    flow = Mail.fork(at, branch="other", persistence=place, checkpoint=written)
    flow.kickoff()
    if not on_one_object:
        flow = Mail.from_pending(flow.flow_id, place, checkpoint=written)
    assert (flow.resume("Go."), kept_on("main"), kept_on("other")) == ("sent: Go.", 1, 4)


@pytest.mark.parametrize("on_one_object", [True, False])
def test_a_pause_that_is_answered_in_a_run_from_a_checkpoint_waits_no_more(
    place: FlowPersistence, tmp_path: Path, on_one_object: bool
) -> None:
    class First(Later):
        asked = 0

        def request_feedback(self, context: PendingFeedbackContext, flow: Any) -> str:
            self.asked += 1
            return super().request_feedback(context, flow) if self.asked == 1 else "yes"

    class Asked(Mail):
        @start()
        @human_feedback(message="Send it?", provider=First())
        def write(self) -> str:
            return "mail"

    def flow() -> Asked:
        return Asked(persistence=place, checkpoint=CheckpointConfig(location=str(tmp_path / "kept")))

    first = flow()
    assert isinstance(first.kickoff(resume=True), HumanFeedbackPending)
    last = first if on_one_object else flow()
    assert last.kickoff(resume=True) == "sent: yes"
    assert place.load_pending_feedback(first.flow_id) is None
    with pytest.raises(UsageError, match="does not wait for feedback"):
        last.resume("yes")
