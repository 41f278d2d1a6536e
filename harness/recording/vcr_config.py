"""The fixture `vcr_config` of those who have used vcrpy's plugins: as much of it as has a meaning here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from harness.errors import UsageError
from harness.recording.boundaries import media_type
from harness.recording.tape.compared_body import json_or_bytes
from harness.recording.tape.core import TapeRedactor
from harness.recording.wire import WireRequest, WireResponse

#: What is not to be kept of requests, each as a list of names, or of names and what to write in the place of what they name.
_FILTERS: Final = ("filter_headers", "filter_query_parameters", "filter_post_data_parameters")
_NESTED: Final = "filter_nested_post_data_parameters"
_JSON: Final = "application/json"
_KNOWN: Final = frozenset(
    {*_FILTERS, _NESTED, "cassette_library_dir", "decode_compressed_response", "ignore_localhost", "record_mode"}
)
#: What is compared in any case.
_COMPARED: Final = frozenset({"method", "uri", "scheme", "host", "port", "path", "query", "body", "raw_body"})


def checked(config: Any) -> Mapping[str, Any]:
    """Return what the fixture gives. Raises UsageError where that is no mapping."""
    if config is not None and not isinstance(config, Mapping):
        raise UsageError(f"the fixture vcr_config gives {config!r}; expected a dict of vcrpy's options")
    return config or {}


def filtering(redactor: TapeRedactor, config: Mapping[str, Any]) -> TapeRedactor:
    """Return a redactor that also does to requests what the filters say: they are compared and kept without what these take.

    Raises:
        UsageError: a filter is no list of names.
    """
    headers, query, fields = (dict(_replacements(key, config.get(key))) for key in _FILTERS)
    if not (headers or query or fields):
        return redactor
    return _Filtering(redactor, headers, query, fields, is_nested=bool(config.get(_NESTED)))


def without_effect(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is to be known of options that mean nothing here."""
    unheard = sorted(key for key, value in config.items() if key not in _KNOWN and not _is_so_anyway(key, value))
    if unheard:
        yield f"vcr_config: {', '.join(unheard)} has no effect on cassettes of stream-harness"


def _is_so_anyway(key: str, value: Any) -> bool:
    if key == "match_on":
        return "body" in value and _COMPARED.issuperset(value)
    return key == "allow_playback_repeats" and not value


class _Filtering:
    """Takes out of requests what another redactor takes out, and then what vcrpy's filters do."""

    def __init__(
        self,
        redactor: TapeRedactor,
        headers: Mapping[str, Any],
        query: Mapping[str, Any],
        fields: Mapping[str, Any],
        *,
        is_nested: bool,
    ) -> None:
        self._redactor = redactor
        self._headers = headers
        self._query = query
        self._fields = fields
        self._is_nested = is_nested

    def request(self, request: WireRequest) -> WireRequest:
        from vcr import Request, filters  # type: ignore[import-untyped]

        plain = self._redactor.request(request)
        head = Request(plain.method, plain.url, plain.body, dict(plain.headers))
        kind = head.headers.get("content-type", "")
        filters.replace_headers(head, self._headers.items())
        if self._query:
            filters.replace_query_parameters(head, self._query)
        value = json_or_bytes(plain.body)
        has_fields = isinstance(value, dict) or (self._is_nested and isinstance(value, list))
        # By its header vcrpy takes JSON for a form where that has parameters, or is another JSON's, and reads what is none.
        kind = _JSON if has_fields else "" if media_type(kind) == _JSON else kind
        content = Request(plain.method, head.uri, plain.body, {"Content-Type": kind})
        if self._fields:
            filters.replace_body_parameters(content, self._fields, recursive=self._is_nested)
        headers = tuple((name, head.headers[name]) for name, _ in plain.headers if name in head.headers)
        return replace(plain, url=head.uri, headers=headers, body=content.body)

    def response(self, response: WireResponse) -> WireResponse:
        return self._redactor.response(response)


def _replacements(key: str, values: Any) -> Iterator[tuple[str, Any]]:
    """Yield the names of a filter, each with what is to stand in the place of what it names; None is nothing."""
    for item in values or ():
        name, value = item if isinstance(item, tuple | list) and len(item) == 2 else (item, None)
        if not isinstance(name, str) or isinstance(values, str):
            raise UsageError(f"{key} of vcr_config is {values!r}; expected a list of names")
        yield name, value
