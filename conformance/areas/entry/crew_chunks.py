"""What the chunks of a streamed crew are held to: the model's text and tool calls, each piece with its origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from conformance.timeline.expected import Expected, OneOf, Relation, shown

_CLAUSE: Final = "entry.crew"
#: What a chunk says of its origin: these in words of the program, and ids as the task and the agent give them.
_NAMES: Final = ("task_index", "task_name", "agent_role")
_IDS: Final = ("task_id", "agent_id")


class TaskAnswer(Struct, frozen=True):
    """One task of a streamed crew: what its model says, and what each chunk of it is to tell of its origin."""

    text: str
    task_index: int
    task_name: str
    #: As the task and the agent themselves give them; None where they have none that can be read.
    task_id: str | None
    agent_role: str
    agent_id: str | None
    #: The tool that its model calls before it says that, and the arguments, as JSON text.
    tool_name: str | None = None
    arguments: str = ""


class _Each(Relation, frozen=True):
    """Every one is the value, or, of an id that can't be read, anything; a message tells the first that is not."""

    value: object
    #: An id is another in every run, and a report that names it would differ each time.
    is_id: bool

    def breaches(self, seen: Sequence[object]) -> Iterator[str]:
        wrong = [value for value in seen if (not value if self.value is None else value != self.value)]
        if wrong:
            due = "the one that it has" if self.is_id else shown(self.value)
            yield f": {len(wrong)} of {len(seen)} have {shown(wrong[0])}, not {due}"


def chunks_of(call: str, answers: tuple[TaskAnswer, ...], chunks: tuple[Any, ...]) -> Iterator[Expected]:
    """Hold the chunks that `call` gave to what the tasks say; of a crew that fails, those before the one that does."""
    text, due = text_of(chunks), "".join(task.text for task in answers)
    yield Expected(_CLAUSE, f"the text of all chunks of {call}", due, text)
    # What is of which task can't be told where the text is another.
    if text == due:
        for task, own in _by_task(answers, chunks):
            where = f"task {task.task_name!r} that {call} gives"
            yield from _origin(task, own, where)
            yield from _tool_call(task, [chunk for chunk in own if _is_of_tool(chunk)], where)


def _origin(task: TaskAnswer, chunks: list[Any], where: str) -> Iterator[Expected]:
    yield Expected(_CLAUSE, f"whether there is any chunk of {where}", True, bool(chunks))
    kinds = [kind for chunk in chunks if (kind := _kind(chunk)) not in {"text", "tool_call"}]
    yield Expected(_CLAUSE, f"the chunk_type of chunks of {where}", OneOf(("text", "tool_call")), (*kinds, "text")[0])
    for name in (*_NAMES, *_IDS):
        values = [getattr(chunk, name, None) for chunk in chunks]
        yield Expected(_CLAUSE, f"{name} of chunks of {where}", _Each(getattr(task, name), name in _IDS), values)


def _tool_call(task: TaskAnswer, chunks: list[Any], where: str) -> Iterator[Expected]:
    called = task.tool_name is not None
    yield Expected(_CLAUSE, f"whether there are chunks of a tool call of {where}", called, bool(chunks))
    if not called or not chunks:
        return
    joined = "".join(map(content_of, chunks))
    yield Expected(_CLAUSE, f"the deltas of the tool call of {where}, joined", task.arguments, joined)
    last = getattr(chunks[-1], "tool_call", None)
    named = (getattr(last, "tool_name", None), getattr(last, "arguments", None))
    yield Expected(_CLAUSE, f"the tool call of the last chunk of {where}", (task.tool_name, task.arguments), named)
    ids = {getattr(getattr(chunk, "tool_call", None), "tool_id", None) for chunk in chunks}
    has_one = len(ids) == 1 and all(ids)
    yield Expected(_CLAUSE, f"whether the chunks of a tool call of {where} have one id", True, has_one)


def _by_task(answers: tuple[TaskAnswer, ...], chunks: tuple[Any, ...]) -> list[tuple[TaskAnswer, list[Any]]]:
    """Return the chunks of each task: a chunk is of the task whose text is not yet whole when it comes."""
    groups: list[tuple[TaskAnswer, list[Any]]] = [(task, []) for task in answers]
    place = 0
    for chunk in chunks:
        if not (content_of(chunk) or _is_of_tool(chunk)):
            continue
        while place < len(groups) - 1 and len(text_of(groups[place][1])) >= len(groups[place][0].text):
            place += 1
        if groups:
            groups[place][1].append(chunk)
    return groups


def text_of(chunks: Iterable[Any]) -> str:
    """Return the text of chunks, joined; pieces of tool calls are none."""
    return "".join(content_of(chunk) for chunk in chunks if not _is_of_tool(chunk))


def content_of(chunk: Any) -> str:
    """Return the content of a chunk; of what has none, nothing."""
    content = getattr(chunk, "content", None)
    return content if isinstance(content, str) else ""


def _kind(chunk: Any) -> Any:
    # The kinds of chunks are members of an enumeration in one runtime, and their names in another.
    kind = getattr(chunk, "chunk_type", None)
    return getattr(kind, "value", kind)


def _is_of_tool(chunk: Any) -> bool:
    return bool(_kind(chunk) == "tool_call")
