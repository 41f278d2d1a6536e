"""What a flow object knows of its conversation beside the state: the turn that is open, the models, the flow of all turns."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

from harness.blocks import block
from harness.bus.running_loop import is_loop_running
from harness.bus.scope import Run, current_run
from harness.errors import HarnessError
from harness.flow.conversation.fields import Content
from harness.flow.conversation.transcript import History
from harness.flow.graph.labels import several
from harness.llm.input.words import words_in
from harness.llm.llm import model_of
from harness.workers import in_thread

if TYPE_CHECKING:
    from harness.flow.feedback import PendingFeedbackContext

#: How long a turn waits for one that was closed, in seconds. Its thread takes milliseconds, whatever user code does.
_ENDING_S: Final = 2.0


class TurnOpenError(HarnessError, RuntimeError):
    """A turn was asked of a flow that is in the middle of another one (clause `scope.concurrent-turns`)."""


class Turn:
    """One message of the user's, and what has become of it so far."""

    def __init__(self, content: Content, intents: Sequence[str], intent_llm: Any, *, is_resumed: bool = False) -> None:
        self.content = content
        #: Its words.
        self.message = words_in(content)
        #: Whether it has begun in an earlier run, and goes on since a human has answered.
        self.is_resumed = is_resumed
        #: By which the message is to be classified, and by whom.
        self.intents = several(intents)
        self.intent_llm = intent_llm
        #: What the message was classified as.
        self.intent: str | None = None
        #: What the assistant has said in it.
        self.replies: list[str] = []
        #: Results that have been given to `append_agent_result`, which says who sees them.
        self.recorded: list[Any] = []
        #: Whether its run waits for a human.
        self.waits = False
        #: What is to be done once it has ended.
        self.afterwards: Callable[[], None] | None = None
        #: What cancels it, while it is open and somebody can.
        self.run: Run | None = None
        #: Whether it is no longer open.
        self.over = threading.Event()

    @property
    def is_closed(self) -> bool:
        """Whether somebody has cancelled it."""
        return self.run is not None and self.run.cancelled


class Dialogue:
    """Of one flow object, whatever state it has. Turns and threads share it."""

    def __init__(self) -> None:
        #: The turn that is open.
        self.turn: Turn | None = None
        #: What the turn waits with that waits for a human, and the message that it is to answer.
        self.waiting: tuple[PendingFeedbackContext | None, str | None] = (None, None)
        #: The id of the event with which the flow of all turns has started, until it is finished.
        self.flow_started_id: str | None = None
        #: Held while a message is added, so that the transcript and its events have one order. Reentrant, since a
        #: collected session may close itself anywhere.
        self.adding = threading.RLock()
        #: What has been said, as routes are chosen by it.
        self.history = History()
        self._gate = threading.RLock()
        self._models: dict[str, Any] = {}

    @block
    def opened(self, turn: Turn, flow_name: str) -> Generator[None]:
        """Have `turn` be the open one.

        Raises:
            TurnOpenError: another one is.
        """
        with self._gate:
            self.refuse_another(flow_name)
            turn.run = current_run()
            self.turn = turn
        try:
            yield
        finally:
            self.turn = None
            turn.over.set()
            if turn.afterwards is not None and not turn.is_closed:
                turn.afterwards()

    def refuse_another(self, flow_name: str) -> None:
        """Let nothing else be begun while a turn is open: what that is to answer would be answered twice.

        Raises:
            TurnOpenError: one is.
        """
        if self.turn is not None:
            raise TurnOpenError(
                f"a turn of {flow_name} is open: take it to its end or close it before the next turn, or give each "
                "conversation a flow object of its own"
            )

    async def closed(self) -> None:
        """Wait for a turn that has been closed: its thread or task need not have noticed yet."""
        turn = self.turn
        if turn is None or not turn.is_closed:
            return
        if is_loop_running():
            await in_thread(lambda: turn.over.wait(_ENDING_S))
        else:
            turn.over.wait(_ENDING_S)

    def model(self, llm: Any) -> Any:
        """Return the LLM that is given, as `model_of` does; one of a name is made once."""
        if not isinstance(llm, str):
            return model_of(llm)
        if llm not in self._models:
            self._models[llm] = model_of(llm)
        return self._models[llm]
