"""The check of `entry.crew`: a streamed crew is its chunks, each with its origin, and then its result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from conformance.areas.observations import CrewClosed, CrewKept, CrewResult, CrewStreamed, TaskSaid
from conformance.timeline.check import Finding, seen, shown
from conformance.timeline.evidence import Evidence

#: What a chunk says of its origin.
_ORIGIN: Final = ("task_index", "task_name", "task_id", "agent_role", "agent_id")
_NAMED: Final = ("task_index", "task_name", "agent_role")
_OBSERVED: Final = (CrewStreamed, CrewKept, CrewResult, CrewClosed)


def crew(evidence: Evidence) -> Iterator[Finding]:
    """A streamed crew gives the chunks of its model's text, keeps them, has a result at its end, and can be closed."""
    # Chunks come last: whatever they say wrongly they say often, and a report shows the first few.
    for closed in seen(evidence, CrewClosed):
        yield from _closed(closed)
    for result in seen(evidence, CrewResult):
        yield from _result(result)
    for kept in seen(evidence, CrewKept):
        yield from _kept(kept)
    for streamed in seen(evidence, CrewStreamed):
        yield from _streamed(streamed)


def has_crews(evidence: Evidence) -> bool:
    """Whether any crew was streamed."""
    return any(isinstance(one, _OBSERVED) for one in evidence.observations)


def _streamed(streamed: CrewStreamed) -> Iterator[Finding]:
    if streamed.missing:
        yield None, f"what {streamed.call} gives has no {', '.join(streamed.missing)}"
        return
    if streamed.raised is not None and not streamed.fails:
        yield None, f"reading {streamed.call} {_did(streamed.raised)}"
    if streamed.raised is None and streamed.fails:
        yield None, f"reading {streamed.call} ended as if the crew were whole, and its model had refused a task"
    text = text_of(streamed.chunks)
    said = "".join(task.text for task in streamed.said)
    if text != said:
        yield None, f"the chunks of {streamed.call} are {text!r} together, and the model said {said!r}"
        return
    for task, chunks in _by_task(streamed):
        where = f"of task {task.task_name!r} that {streamed.call} gives"
        yield from _origin(task, chunks, where)
        yield from _tool_call(task, [chunk for chunk in chunks if _is_of_tool(chunk)], where)


def _origin(task: TaskSaid, chunks: list[Any], where: str) -> Iterator[Finding]:
    """Give what the chunks of a task say wrongly of themselves, each once."""
    if not chunks:
        yield None, f"there is no chunk {where}"
    for chunk in chunks:
        if _kind(chunk) not in {"text", "tool_call"}:
            yield None, f"a chunk {where} has the chunk_type {shown(getattr(chunk, 'chunk_type', None))}"
            break
    for name in _ORIGIN:
        values = [getattr(chunk, name, None) for chunk in chunks]
        due = getattr(task, name)
        wrong = [value for value in values if (not value if due is None else value != due)]
        if wrong:
            # An id is another in every run: a report that names it would differ each time.
            wanted = shown(due) if name in _NAMED else "the one that it has"
            yield None, f"{name} of {len(wrong)} of the {len(values)} chunks {where} is {shown(wrong[0])}, not {wanted}"


def _tool_call(task: TaskSaid, chunks: list[Any], where: str) -> Iterator[Finding]:
    """Give what chunks say wrongly of the tool call that they are pieces of, or that there are none."""
    if task.tool_name is None or not chunks:
        if bool(chunks) is not (task.tool_name is not None):
            yield None, f"there are {len(chunks)} chunks of tool calls {where}"
        return
    if (joined := "".join(map(content_of, chunks))) != task.arguments:
        yield None, f"the deltas of the tool call {where} join to {joined!r}, not to {task.arguments!r}"
    last = getattr(chunks[-1], "tool_call", None)
    told = (getattr(last, "tool_name", None), getattr(last, "arguments", None))
    if told != (task.tool_name, task.arguments):
        yield None, f"the last chunk of the tool call {where} tells of {told}, not of {task.tool_name, task.arguments}"
    ids = {getattr(getattr(chunk, "tool_call", None), "tool_id", None) for chunk in chunks}
    if len(ids) != 1 or not all(ids):
        yield None, f"the chunks of the one tool call {where} have the ids {sorted(map(str, ids))}"


def _by_task(streamed: CrewStreamed) -> list[tuple[TaskSaid, list[Any]]]:
    """Return the chunks of each task: a chunk is of the task whose text is not yet whole when it comes."""
    groups: list[tuple[TaskSaid, list[Any]]] = [(task, []) for task in streamed.said]
    place = 0
    for chunk in streamed.chunks:
        if not (content_of(chunk) or _is_of_tool(chunk)):
            continue
        while place < len(groups) - 1 and len(text_of(groups[place][1])) >= len(groups[place][0].text):
            place += 1
        if groups:
            groups[place][1].append(chunk)
    return groups


def _kept(kept: CrewKept) -> Iterator[Finding]:
    for name, chunks in (("chunks", kept.kept), ("a second reading", kept.again)):
        if chunks != kept.read:
            yield None, f"{name} of {kept.call} has {len(chunks)} chunks, not the {len(kept.read)} that were read"
    text = text_of(kept.read)
    if kept.full_text != text:
        yield None, f"get_full_text() of {kept.call} is {kept.full_text!r}, not {text!r}"
    if not kept.is_completed:
        yield None, f"is_completed of {kept.call} is False after its end"


def _result(result: CrewResult) -> Iterator[Finding]:
    when = f"the result of {result.call}, {_WHEN[result.when]},"
    came = f"is {result.texts}" if result.raised is None else _did(result.raised)
    if result.when == "after-end":
        if result.raised is not None or result.texts != result.expected:
            yield None, f"{when} {came}, not {result.expected}"
    elif result.when == "after-failure":
        if result.raised is None or result.raised is not result.error:
            yield None, f"{when} {came}, not {shown(result.error)} as reading it did"
    elif not isinstance(result.raised, RuntimeError):
        yield None, f"{when} {came}, not a RuntimeError"
    if result.is_completed is (result.when == "before-end"):
        yield None, f"is_completed is {result.is_completed} {_WHEN[result.when]} of {result.call}"


_WHEN: Final = {
    "before-end": "read in the middle",
    "after-end": "read after the end",
    "after-failure": "read after the failure",
    "after-close": "read after an early close",
}


def _closed(closed: CrewClosed) -> Iterator[Finding]:
    if closed.raised is not None:
        yield None, f"{closed.call} {_did(closed.raised)}"
    elif not closed.returned_while_blocked:
        yield None, f"{closed.call} did not come back while the model was silent"
    if not (closed.is_completed and closed.is_cancelled):
        states = f"is_completed is {closed.is_completed} and is_cancelled {closed.is_cancelled}"
        yield None, f"{states} after {closed.call}"
    if closed.chunks_later > closed.chunks_then:
        yield None, f"{closed.chunks_later - closed.chunks_then} chunks came after {closed.call}"


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


def _did(raised: BaseException) -> str:
    return f"raised {type(raised).__name__}: {raised}"
