"""Tools for models that can't be given any: described in the prompt, asked for and answered in text.

The form is the one of the ReAct paper (arXiv 2210.03629), as models have learned it: lines that begin with `Thought:`,
`Action:`, `Action Input:`, `Observation:` and `Final Answer:`, which some write in other letters, set in bold, number, or
mark as headings and lists.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.llm.output.assembly import NoArgumentsYet
from harness.llm.output.thoughts import without_thoughts
from harness.tools.base_tool import BaseTool

#: Where the model is to stop: what follows an action is not its to say.
STOP_WORD: Final = "\nObservation:"


def _heading(words: str) -> str:
    numbered = rf"(?:{words})(?:[ \t]+\d+)?"
    mark = r"(?:(?:[#>*-]+|\d+[.)])[ \t]+)?"
    return rf"^[ \t]*{mark}(?:\*\*)?{numbered}(?:\*\*)?[ \t]*[:：](?:\*\*)?[ \t]*"


_LINES: Final = re.MULTILINE | re.IGNORECASE
_ACTION: Final = re.compile(_heading("Action") + r"\s*(?P<tool>[^\n]+)$", _LINES)
_INPUT: Final = re.compile(_heading(r"Action(?:[ \t]+\d+)?[ \t_]+Input"), _LINES)
_NEXT: Final = re.compile(_heading("Thought|Action|Observation|Final Answer"), _LINES)
_FINAL: Final = re.compile(_heading("Final Answer") + r"(?P<answer>.*)", _LINES | re.DOTALL)
_THOUGHT: Final = re.compile(_heading("Thought"), re.IGNORECASE)
_OBSERVATION: Final = re.compile(_heading("Observation"), _LINES)
#: In the line of a thought.
_ACTION_BESIDE: Final = re.compile(r"\bAction:[ \t]*(?P<tool>[^\n]+)$", _LINES)
_FINAL_BESIDE: Final = re.compile(r"\bFinal Answer:[ \t]*(?P<answer>.*)", re.DOTALL | re.IGNORECASE)
#: What a heading of a text has, in which no tool is asked for where no input follows.
_OF_TEXT: Final = re.compile(r"[\n\d#>-]|^[ \t]*\*[ \t]|action|ACTION")
#: What stands before an object: a fence, perhaps, whatever it says that is in it.
_OPENED: Final = re.compile(r"\s*(?:`+\w*\s*)?(?=\{)")
#: Lets the lines of a text stand in it as they are.
_LENIENT: Final = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class TextAction:
    """A tool that the model asks for in text."""

    tool: str
    #: What stands after `Action Input:`, as JSON wherever it can be read as an object.
    arguments: str
    thought: str
    #: What the model said, up to what it made up of what follows.
    text: str


def read_action(answer: str, *, is_cut: bool = False) -> TextAction | None:
    """Return the tool that a model asks for, where it does; what its answer says is the answer's.

    With `is_cut` the answer ends where a limit or a filter cut it: arguments that end there and are no whole object are
    unknown.
    """
    text, stopped, _ = without_thoughts(answer).partition(STOP_WORD)
    action, final = _ACTION.search(text), _FINAL.search(text)
    if action is None and _INPUT.search(text):
        action = _ACTION_BESIDE.search(text)
    if action is None or (final is not None and final.start() < action.start()):
        return None
    following, given = _NEXT.search(text, action.end()), _INPUT.search(text, action.end())
    if following is not None and given is not None:
        if given.start() < following.start():
            # What stands in the arguments may look like the form.
            following = _NEXT.search(text, _object_end(text, given.end()))
        else:
            given = None
    if following is not None:
        text = text[: following.start()].rstrip()
    if given is None and _OF_TEXT.search(text[action.start() : action.start("tool")]):
        return None
    if given is None:
        # Under another heading, or none.
        arguments = "".join(text[action.end() :].partition("{")[1:])
    else:
        arguments = _unfenced(text[given.end() :].strip())
    is_cut = is_cut and not stopped and following is None
    thought = _thought(text[: action.start()])
    return TextAction(action["tool"].strip(" \t\r\"'`*[]"), _as_json(arguments, is_cut=is_cut), thought, text)


def read_answer(text: str, *, in_text: bool) -> tuple[str, str]:
    """Return what a model thought and what it answers; a text without `Final Answer:` is the answer as a whole.

    A model that is not told of tools `in_text` may answer in this form all the same: it begins in it.
    """
    speech = without_thoughts(text)
    if not in_text and not (_THOUGHT.match(speech.lstrip()) or _FINAL.match(speech.lstrip())):
        return "", text
    final = _FINAL.search(speech)
    if final is None and _THOUGHT.match(speech.lstrip()):
        final = _FINAL_BESIDE.search(speech)
    if final is None:
        return "", text
    return _thought(speech[: final.start()]), _unmarked(final["answer"].strip(), speech[: final.start("answer")])


def is_nothing(text: str, *, in_text: bool) -> bool:
    """Return whether a model neither asks for a tool in a text nor answers; the words that begin an answer are none."""
    return not read_answer(text, in_text=in_text)[1].strip() and not (in_text and read_action(text))


def only_thinks(text: str) -> bool:
    """Return whether a model that may ask for a tool in a text, and has not, has not answered either."""
    return bool(_THOUGHT.match(without_thoughts(text).lstrip())) and read_answer(text, in_text=True) == ("", text)


def goes_on_to_answer(text: str) -> bool:
    """Return whether a model answers in a text, and has not made up before it what a tool gave."""
    text = without_thoughts(text)
    final = _FINAL.search(text)
    return final is not None and bool(final["answer"].strip()) and _OBSERVATION.search(text, 0, final.start()) is None


def described(tools: Mapping[str, BaseTool]) -> str:
    """Return what a prompt says of tools, by their names, and of how one is asked for."""
    catalogue = "\n".join(
        f"- {name}: {tool.description} Arguments, as JSON Schema: "
        f"{json.dumps(tool.definition()['function']['parameters'], ensure_ascii=False)}"
        for name, tool in tools.items()
    )
    return (
        f"You may use these tools, one at a time:\n{catalogue}\n\n"
        "To use one, write exactly these three lines and nothing after them:\n"
        "Thought: why you need it\n"
        "Action: the name of the tool\n"
        "Action Input: its arguments as one JSON object\n\n"
        "You are then told what it gave, after the word Observation. When you need no tool any more, write:\n"
        "Thought: what you have found out\n"
        "Final Answer: the complete answer"
    )


def observed(result: str) -> dict[str, Any]:
    """Return the message that tells a model what a tool gave."""
    return {"role": "user", "content": f"Observation: {result}"}


def _thought(text: str) -> str:
    return _THOUGHT.sub("", text.strip(), count=1)


def _unmarked(answer: str, before: str) -> str:
    """Return an answer without the end of a fence, or of bold text, that began before it."""
    for mark in ("```", "**"):
        if answer.endswith(mark) and answer.count(mark) % 2 and before.count(mark) % 2:
            answer = answer.removesuffix(mark).rstrip()
    return answer


def _as_json(text: str, *, is_cut: bool) -> str:
    """Return the object that a text begins with as JSON; also one of Python's, or without its last brace; else the text."""
    for candidate in (text,) if is_cut else (text, text + "}"):
        for read in (json.loads, _begun, ast.literal_eval):
            try:
                found = read(candidate)
                if isinstance(found, dict):
                    return text if read is json.loads and candidate is text else json.dumps(found, ensure_ascii=False)
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
                continue
    return NoArgumentsYet(text) if is_cut else text


def _object_end(text: str, begin: int) -> int:
    """Return where the JSON ends that a text goes on with, in a fence or not; where there is none, where it goes on."""
    opened = _OPENED.match(text, begin)
    try:
        return begin if opened is None else _LENIENT.raw_decode(text, opened.end())[1]
    except (ValueError, RecursionError):
        return begin


def _begun(text: str) -> Any:
    return _LENIENT.raw_decode(text)[0]


def _unfenced(text: str) -> str:
    if not text.startswith("`"):
        return text
    opened = _OPENED.match(text)
    return text[0 if opened is None else opened.end() :].strip("`").strip()
