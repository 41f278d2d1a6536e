"""The request body of Ollama's own chat API: from our request to the wire, and back from a recorded one.

Sources: https://docs.ollama.com/api/chat and https://docs.ollama.com/capabilities/tool-calling (2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace
from pydantic import BaseModel

from harness.errors import UsageError
from harness.llm.input.messages import AnyToolCall, ImagePart, Message, RefusalPart, TextPart
from harness.llm.recorded import OMIT, RecordedCall
from harness.llm.request import LLMRequest
from harness.providers.shared.data_url import DataURL
from harness.providers.shared.requests.recorded_request import (
    RecordedRequest,
    body_fields,
    checked,
    json_object,
    parse_tools,
    picked,
)
from harness.providers.shared.requests.turns import of_no_type
from harness.providers.shared.requests.wire_body import (
    described,
    filled,
    is_text,
    present,
    same_names,
    sent_arguments,
    wire_settings,
    with_additional,
)
from harness.validation import answer_schema

if TYPE_CHECKING:
    from harness.llm.base import BaseLLM

PATH: Final = "/api/chat"
#: Our setting → its name among the options.
_OPTIONS: Final = {
    **same_names("temperature", "top_p", "top_k"),
    "max_tokens": "num_predict",
    **same_names("seed", "frequency_penalty", "presence_penalty"),
}
_ROLES: Final = {"developer": "system", "function": "tool"}


def is_call(url: str, body: bytes | None) -> bool:
    """Whether a request is of this API and asks for an answer; `body` is None where it is not known.

    Applications have paths of that name, too, and name no model; without messages a model is loaded and says nothing.
    """
    fields = body_fields(body)
    return body is None or (isinstance(fields.get("model"), str) and bool(fields.get("messages")))


def wire_body(llm: BaseLLM, request: LLMRequest) -> dict[str, Any]:
    if llm.n is not None:
        raise UsageError("ollama: n can't be sent; a call has one answer. Leave it out")
    response_format, think = request.response_format, _think(llm)
    options = {**wire_settings(llm, _OPTIONS), **filled(stop=request.stop)}
    fields = {
        "model": llm.model,
        "messages": _wire_messages(request.messages),
        # Where nothing is said, it streams.
        "stream": bool(request.stream),
        **wire_settings(llm, same_names("logprobs", "top_logprobs")),
        **present(think=think),
        **filled(tools=[tool.given() for tool in request.tools]),
        **({} if response_format is None or is_text(response_format) else {"format": _format(response_format)}),
        **filled(options=options),
    }
    return with_additional(llm, fields, "options")


def _think(llm: BaseLLM) -> Any:
    level = llm.reasoning_effort if llm.thinking is None else llm.thinking
    if level is None or isinstance(level, bool | str):
        return level
    raise UsageError(f"ollama: thinking is true, false or one of its levels, such as 'high', not {level!r}")


def _format(response_format: type[BaseModel] | Mapping[str, Any]) -> Any:
    """Return the JSON Schema that an answer is to fit, or `json`; a mapping may be in OpenAI's form."""
    if not isinstance(response_format, Mapping):
        return answer_schema(response_format)
    if response_format.get("type") == "json_object":
        return "json"
    if response_format.get("type") == "json_schema":
        return described(response_format)["schema"]
    return response_format


def _wire_messages(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages in Ollama's form. Raises UsageError for a part that it has none for."""
    names: dict[str, str] = {}
    sent = []
    for message in messages:
        # Ids may come again in a later turn: a result is of the last call before it.
        names |= {call.id: call.function.name for call in message.tool_calls or ()}
        sent.append(_wire_message(message, names))
    return sent


def _wire_message(message: Message, names: Mapping[str, str]) -> dict[str, Any]:
    texts, images = _content(message)
    role = _ROLES.get(message.role, message.role)
    called = (message.name or names.get(message.tool_call_id or "")) if role == "tool" else None
    return {
        "role": role,
        "content": "".join(texts),
        **filled(images=images, thinking=message.reasoning or message.reasoning_content),
        **filled(tool_calls=list(map(_call, message.tool_calls or ()))),
        **present(tool_call_id=message.tool_call_id),
        **filled(tool_name=called),
    }


def _call(call: AnyToolCall) -> dict[str, Any]:
    function = {"name": call.function.name, "arguments": sent_arguments(call, "ollama")}
    return {"id": call.id, "function": function}


def _content(message: Message) -> tuple[list[str], list[str]]:
    """Return the texts and the images of a message, the latter in base64."""
    texts, images = [], []
    content = message.content if message.content is not None else message.refusal
    for part in content if isinstance(content, list) else [TextPart(type="text", text=content or "")]:
        match part:
            case TextPart():
                texts.append(part.text)
            case RefusalPart():
                texts.append(part.refusal)
            case ImagePart():
                images.append(_image(part.image_url.url))
            case _:
                raise of_no_type(part, "ollama", "text and images")
    return texts, images


def _image(url: str) -> str:
    inline = DataURL.read(url)
    if inline is None:
        raise UsageError(f"ollama: an image is sent as a data URL; {url[:80]!r} would have to be fetched")
    return inline.base64


def parse_recorded(url: str, body: bytes) -> RecordedCall:
    recorded = RecordedRequest(json_object(body, ["messages"]), systems=True)
    base_url, model = recorded.base_url(url, PATH), recorded.model()
    messages, tools = recorded.messages("messages", _parse_messages), recorded.tools(parse_tools)
    call = recorded.call(f"ollama-api/{model}", messages, tools, base_url=base_url)
    # Where nothing is said, it streams.
    return call if call.stream is not None else replace(call.with_rest({"stream": OMIT, **recorded.rest}), stream=True)


def _parse_messages(wire: Sequence[Any]) -> list[dict[str, Any]]:
    known = same_names("role", "content", "tool_call_id", "tool_calls")
    found = [picked(message, **known, thinking="reasoning", tool_name="name") for message in wire]
    return checked(found, _wire_messages, list(wire))
