"""Documents of other recorders, brought to the form of vcrpy's: what a request and a response are called differs, not what they hold.

Ruby's VCR and Python's betamax (`http_interactions`), go-vcr and PHP's VCR (`url`, `code`), and HTTP archives (`log.entries`, of browsers,
proxies and Polly.js).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

#: Where other recorders keep their interactions.
_RUBY: Final = "http_interactions"
_ARCHIVE: Final = "log"


def interactions_of(document: Mapping[str, Any]) -> list[Any] | None:
    """Return the interactions of a document of another recorder, in the form of vcrpy's; None for one of none known here."""
    ruby = document.get(_RUBY)
    if isinstance(ruby, list):
        return ruby
    archive = document.get(_ARCHIVE)
    entries = archive.get("entries") if isinstance(archive, dict) else None
    if isinstance(entries, list):
        return [_from_archive(entry) if isinstance(entry, dict) else entry for entry in entries]
    interactions = document.get("interactions")
    if isinstance(interactions, list) and any(map(_is_go_form, interactions)):
        return [_from_go(interaction) if _is_go_form(interaction) else interaction for interaction in interactions]
    return None


def _from_archive(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry of an HTTP archive: http://www.softwareishard.com/blog/har-12-spec (2026-11)."""
    request, response = entry.get("request"), entry.get("response")
    if not isinstance(request, dict) or not isinstance(response, dict):
        return entry
    posted, content = _mapping(request.get("postData")), _mapping(response.get("content"))
    # Playwright writes -1 where no response came.
    status = 0 if str(response.get("status")) == "-1" else response.get("status")
    return {
        "request": {
            "method": request.get("method"),
            "uri": request.get("url"),
            "headers": _named(request.get("headers")),
            "body": posted.get("text"),
        },
        "response": {
            "status": {"code": status, "message": response.get("statusText")},
            "headers": _named(response.get("headers")),
            "body": _archived(content),
        },
    }


def _archived(content: dict[str, Any]) -> dict[str, Any]:
    """Return the body of a response in an archive.

    Polly.js writes what is no text as base64, before its sixth version as hexadecimals (`_isBinary`); of a compressed body
    each chunk so, in a JSON list: `getBodyFromChunks` of @pollyjs/adapter-node-http 6.0.0 and 5.1.1.
    """
    text = content.get("text") or ""
    if isinstance(text, str):
        chunks = text.strip('[]"').split('","')
        if content.get("encoding") == "base64":
            return {"base64_string": chunks}
        if content.get("_isBinary"):
            # What is none has been written by hand.
            with suppress(ValueError):
                return {"string": [bytes.fromhex(chunk) for chunk in chunks]}
    return {"string": text}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _named(fields: Any) -> Any:
    if not isinstance(fields, list):
        return fields
    return [[field.get("name"), field.get("value")] if isinstance(field, dict) else field for field in fields]


def _is_go_form(interaction: Any) -> bool:
    request = interaction.get("request") if isinstance(interaction, dict) else None
    return isinstance(request, dict) and "uri" not in request and "url" in request


def _from_go(interaction: dict[str, Any]) -> dict[str, Any]:
    request, response = interaction["request"], interaction.get("response")
    made = {**request, "uri": request["url"]}
    if not isinstance(response, dict) or "code" not in response:
        return {**interaction, "request": made}
    answer = {**response, "status": {"code": response["code"], "message": str(response.get("status") or "")}}
    return {**interaction, "request": made, "response": answer}
