"""What a model is told of the agent that it is, and of what it is to do."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from harness.events.run_clock import run_time
from harness.validation import answer_schema

LAST_CALL: Final = (
    "You have used as many steps as you may, and there are no tools any more. Give your best complete answer now, from "
    "what you know so far."
)

GO_ON: Final = "You have thought, and neither used a tool nor answered. Go on, with `Action:` or with `Final Answer:`."

SHORTEN: Final = (
    "What follows is part of the record of a task that is being worked on. Tell it again as briefly as you can; leave out nothing "
    "that is needed to finish the task: what was found out, with its numbers and names, what was tried, what is still to be "
    "done.\n\n{}"
)
SHORTENED: Final = "What has been done so far, in short:\n{}\n\nGo on from there."


def system_text(role: str, goal: str, backstory: str, tools: str | None) -> str:
    """Return who the agent is, and, for models that can't be given tools, what it may use."""
    introduction = f"You are {role}. {backstory}\nYour goal: {goal}"
    return introduction if tools is None else f"{introduction}\n\n{tools}"


def dated(text: str, date_format: str) -> str:
    """Return a prompt that tells today's date; of a recording the day on which it was made."""
    return f"{text}\n\nToday is {run_time().strftime(date_format)}."


def task_text(description: str, expected_output: str, context: str | None, *, markdown: bool = False) -> str:
    """Return what is to be done, with what is already known."""
    parts = [description]
    if expected_output:
        parts.append(
            f"What is expected: {expected_output}\nAnswer with just that, complete, and not with a summary of it."
        )
    if markdown:
        parts.append("Write the answer in Markdown.")
    if context:
        parts.append(f"What you know from earlier work:\n{context}")
    return "\n\n".join(parts)


def form_text(model: type[BaseModel]) -> str:
    """Return the request for an answer in the form of `model`, for models that can't be told of it otherwise."""
    schema = json.dumps(answer_schema(model), ensure_ascii=False)
    return f"Answer with one JSON object and nothing else. It fits this JSON Schema: {schema}"


def opening(system: str, user: str, templates: tuple[str | None, str | None, str | None]) -> list[dict[str, Any]]:
    """Return the first messages; the agent's own templates of both texts, where it has them, say how they are put.

    In templates `{{ .System }}`, `{{ .Prompt }}` and `{{ .Response }}` stand for the texts and for the answer. With
    templates all is one message of the user's.
    """
    of_system, of_prompt, of_response = templates
    if not (of_system and of_prompt):
        return [*([{"role": "system", "content": system}] if system else []), {"role": "user", "content": user}]
    text = of_system.replace("{{ .System }}", system) + of_prompt.replace("{{ .Prompt }}", user)
    if of_response:
        text += "\n" + of_response.split("{{ .Response }}")[0]
    return [{"role": "user", "content": text}]
