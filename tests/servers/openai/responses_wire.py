"""OpenAI's Responses format: from a scripted answer to the objects that travel.

Pure functions. The fields are those of OpenAI's API reference, "Responses" and "Streaming events"
(platform.openai.com/docs/api-reference/responses-streaming), as the types of openai-python 3.52.0 state them; the order
of events and of keys and the padding are those of live traffic from 2026-01 to 2026-07.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.servers.openai.chat_scenarios import Call, Failure
from tests.servers.openai.chat_wire import CREATED, message_text, pieces
from tests.servers.openai.responses_scenarios import Answer

_ALPHABET: Final = "0123456789abcdef"


@dataclass(frozen=True)
class Response:
    """One response in pieces, each piece being one delta and counting as one token."""

    seed: str
    model: str
    request: Mapping[str, Any]
    answer: Answer
    text: tuple[str, ...]
    cut: bool

    @classmethod
    def of(cls, answer: Answer, request: Mapping[str, Any], model: str, seed: str) -> Response:
        limit: int | None = request.get("max_output_tokens")
        text = pieces(answer.text)
        cut = limit is not None and limit < len(text)
        return cls(seed, model, request, answer, text[:limit] if cut else text, cut)

    @property
    def id(self) -> str:
        return f"resp_{letters(self.seed, 50)}"

    def item_id(self, kind: str, place: int) -> str:
        return f"{kind}_{letters(f'{self.seed}/{kind}/{place}', 50)}"

    @property
    def usage(self) -> dict[str, Any]:
        answer = self.answer
        asked = self.request["input"]
        items = [{"content": asked}] if isinstance(asked, str) else asked
        # Four characters a token is the provider's rule of thumb.
        prompt = sum(4 + len(message_text(item.get("content"))) // 4 for item in items)
        reasoning = sum(len(pieces(summary)) for summary in answer.summaries)
        said = (
            len(self.text) + len(pieces(answer.refusal)) + sum(1 + len(pieces(one.arguments)) for one in answer.calls)
        )
        return {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": said + reasoning,
            "output_tokens_details": {"reasoning_tokens": reasoning},
            "total_tokens": prompt + said + reasoning,
        }

    def object(self, status: str, error: Failure | None = None) -> dict[str, Any]:
        """The response as it stands with `status`; what it says is there only once it has ended."""
        request, ended = self.request, status in {"completed", "incomplete"}
        return {
            "id": self.id,
            "object": "response",
            "created_at": CREATED,
            "status": status,
            "background": False,
            "completed_at": CREATED + 1 if status == "completed" else None,
            "error": None if error is None else {"code": error.code, "message": error.message},
            "frequency_penalty": 0.0,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": request.get("instructions"),
            "max_output_tokens": request.get("max_output_tokens"),
            "max_tool_calls": None,
            "model": self.model,
            "output": [done for _, done, _ in self.items()] if ended else [],
            "parallel_tool_calls": True,
            "presence_penalty": 0.0,
            "previous_response_id": request.get("previous_response_id"),
            "prompt_cache_key": None,
            "prompt_cache_retention": None,
            "reasoning": {"effort": None, "summary": None, **request.get("reasoning", {})},
            "safety_identifier": None,
            "service_tier": "default" if ended else "auto",
            "store": True,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}, "verbosity": "medium"},
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": self.usage if ended else None,
            "user": None,
            "metadata": {},
        }

    def items(self) -> Iterator[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]]:
        """Each item of the output: as it is added, as it is when done, and the events between."""
        answer = self.answer
        place = 0
        if answer.summaries:
            yield self._reasoning(place)
            place += 1
        if answer.search is not None:
            yield self._search(answer.search, place)
            place += 1
        if self.text or answer.refusal:
            yield self._message(place)
            place += 1
        for number, call in enumerate(answer.calls):
            yield self._call(call, place + number)

    def _reasoning(self, place: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        item = {"id": self.item_id("rs", place), "type": "reasoning", "summary": []}
        events: list[dict[str, Any]] = []
        for index, summary in enumerate(self.answer.summaries):
            where = {"item_id": item["id"], "output_index": place}
            part = {"type": "summary_text", "text": summary}
            head, tail = {"type": "response.reasoning_summary_part"}, {"summary_index": index}
            events.append(
                {"type": "response.reasoning_summary_part.added", **where, "part": {**part, "text": ""}, **tail}
            )
            events += (
                {"type": "response.reasoning_summary_text.delta", "delta": piece, **where, **_padding(piece), **tail}
                for piece in pieces(summary)
            )
            events.append({"type": "response.reasoning_summary_text.done", **where, **tail, "text": summary})
            events.append({"type": f"{head['type']}.done", **where, "part": part, **tail})
        done = {**item, "summary": [{"type": "summary_text", "text": text} for text in self.answer.summaries]}
        if "reasoning.encrypted_content" in (self.request.get("include") or ()):
            done["encrypted_content"] = letters(f"{self.seed}/encrypted/{place}", 60)
        return item, done, events

    def _search(self, query: str, place: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        item = {"id": self.item_id("ws", place), "type": "web_search_call", "status": "in_progress"}
        done = {**item, "status": "completed", "action": {"type": "search", "queries": [query], "query": query}}
        where = {"item_id": item["id"], "output_index": place}
        steps = ("in_progress", "searching", "completed")
        return item, done, [{"type": f"response.web_search_call.{step}", **where} for step in steps]

    def _message(self, place: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        refusal = self.answer.refusal
        kind = "refusal" if refusal else "output_text"
        said = pieces(refusal) if refusal else self.text
        whole = "".join(said)
        item = {"id": self.item_id("msg", place), "type": "message", "status": "in_progress"}
        first = {"content_index": 0}
        where = {"item_id": item["id"]}
        extra: dict[str, Any] = {} if refusal else {"logprobs": []}
        events: list[dict[str, Any]] = [
            {"type": "response.content_part.added", **first, **where, "output_index": place, "part": _part(kind, "")}
        ]
        events += (
            {
                "type": f"response.{kind}.delta", **first, "delta": piece, **where, **extra, **_padding(piece),
                "output_index": place,
            }
            for piece in said
        )  # fmt: skip
        text = {"refusal": whole} if refusal else {"text": whole}
        events.append({"type": f"response.{kind}.done", **first, **where, **extra, "output_index": place, **text})
        events.append(
            {"type": "response.content_part.done", **first, **where, "output_index": place, "part": _part(kind, whole)}
        )
        status = "incomplete" if self.cut else "completed"
        done = {**item, "status": status, "content": [_part(kind, whole)], "role": "assistant"}
        return {**item, "content": [], "role": "assistant"}, done, events

    def _call(self, call: Call, place: int) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
        head = {"id": self.item_id("fc", place), "type": "function_call"}
        tail = {"call_id": f"call_{letters(f'{self.seed}/call/{place}', 24)}", "name": call.name}
        where = {"item_id": head["id"]}
        events: list[dict[str, Any]] = [
            {
                "type": "response.function_call_arguments.delta", "delta": piece, **where, **_padding(piece),
                "output_index": place,
            }
            for piece in pieces(call.arguments)
        ]  # fmt: skip
        done = {"type": "response.function_call_arguments.done", "arguments": call.arguments, **where}
        events.append({**done, "output_index": place})
        added = {**head, "status": "in_progress", "arguments": "", **tail}
        return added, {**head, "status": "completed", "arguments": call.arguments, **tail}, events


def events(response: Response) -> Iterator[dict[str, Any]]:
    """The events of a stream in order."""
    for number, event in enumerate(_unnumbered(response)):
        # `text` of a done event is the only key that follows the number in live traffic.
        text = {"text": event.pop("text")} if event["type"] == "response.output_text.done" else {}
        yield {**event, "sequence_number": number, **text}


def _unnumbered(response: Response) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": response.object("in_progress")}
    yield {"type": "response.in_progress", "response": response.object("in_progress")}
    for place, (added, done, between) in enumerate(response.items()):
        yield {"type": "response.output_item.added", "item": added, "output_index": place}
        yield from between
        yield {"type": "response.output_item.done", "item": done, "output_index": place}
    status = "incomplete" if response.cut else "completed"
    yield {"type": f"response.{status}", "response": response.object(status)}


def failure_event(response: Response, failure: Failure, number: int) -> dict[str, Any]:
    """What a stream says when it, or the response, fails."""
    if response.answer.fails:
        failed = response.object("failed", failure)
        return {"type": "response.failed", "response": failed, "sequence_number": number}
    return {
        "type": "error",
        "code": failure.code,
        "message": failure.message,
        "param": failure.param,
        "sequence_number": number,
    }


def plain(response: Response) -> dict[str, Any]:
    """The whole response as one object, which also says who pays."""
    answer = response.answer
    status = "failed" if answer.fails else "incomplete" if response.cut else "completed"
    whole = response.object(status, answer.failure if answer.fails else None)
    billed: dict[str, Any] = {}
    for name, value in whole.items():
        billed[name] = value
        if name == "background":
            billed["billing"] = {"payer": "developer"}
    return billed


def sse(event: Mapping[str, Any]) -> bytes:
    """`event` as one server-sent event, named by its type."""
    return f"event: {event['type']}\ndata: {json.dumps(event, separators=(',', ':'), ensure_ascii=False)}\n\n".encode()


def letters(seed: str, length: int) -> str:
    digest = hashlib.sha512(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:length])


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _padding(piece: str) -> dict[str, str]:
    """The `obfuscation` that brings the delta's length to a multiple of sixteen, as live ones are."""
    return {"obfuscation": letters(piece, 16 - len(piece) % 16)}
