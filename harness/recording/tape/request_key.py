"""When two requests are the same: method, scheme, host, port, path, sorted query and body are.

A JSON body is compared as a value, so that the order of keys does not count, and a multipart body by its parts. Headers
and credentials are not compared. A project says otherwise in `[tool.harness]`, by the keys that begin with `match_`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from msgspec import Struct

from harness.errors import UsageError, error_text
from harness.import_path import add_current_folder
from harness.recording.redact.names import normal_names
from harness.recording.settings import Settings
from harness.recording.tape.compared_body import canonical, compared_body
from harness.recording.tape.compared_credentials import BLANK, compared_field, compared_text, whenever_signed
from harness.recording.wire import WireRequest

if TYPE_CHECKING:
    from jsonpath import JSONPath, JSONPathMatch
    from jsonpath.path import CompoundJSONPath

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

#: Where filters are named.
_FILTERS: Final = "--match-by, or match_by of [tool.harness]"

#: Returns a request as it is to be compared.
RequestFilter = Callable[[WireRequest], WireRequest]


class RequestKey(NamedTuple):
    """What two requests must have in common to be the same."""

    method: str
    scheme: str
    host: str
    port: int | None
    path: str
    query: tuple[tuple[str, str], ...]
    #: Of those that are compared, with their names in lower case, sorted.
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Matching(Struct, frozen=True):
    """What of requests is compared."""

    ignored: tuple[JSONPath | CompoundJSONPath, ...] = ()
    normalized: tuple[tuple[JSONPath | CompoundJSONPath, re.Pattern[str]], ...] = ()
    headers: frozenset[str] = frozenset()
    filters: tuple[RequestFilter, ...] = ()
    #: Names of credentials that a project adds, as they are compared.
    secret_names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Matching:
        """Return what the settings say.

        Raises:
            UsageError: a JSON path or a pattern is none, or a function can't be imported.
        """
        return cls(
            tuple(map(_path, settings.match_ignore)),
            tuple((_path(path), _pattern(pattern)) for path, pattern in settings.match_normalize.items()),
            frozenset(name.lower() for name in settings.match_headers),
            tuple(map(_filter, settings.match_by)),
            normal_names(settings.secret_names),
        )

    def key(self, request: WireRequest) -> RequestKey:
        """Return the key of `request`. The path is compared unquoted: clients differ in what they quote."""
        request = self._filtered(request)
        url, own = urlsplit(request.url), self.secret_names
        found = canonical(self._body(request))
        return RequestKey(
            request.method.upper(),
            url.scheme.lower(),
            url.hostname or "",
            url.port or _DEFAULT_PORTS.get(url.scheme.lower()),
            compared_text(unquote(url.path)) or "/",
            tuple(
                sorted(
                    (name, compared_field(name, value, own, in_query=True))
                    for name, value in parse_qsl(whenever_signed(url.query), keep_blank_values=True)
                )
            ),
            tuple(
                sorted(
                    (name.lower(), compared_field(name, value, own))
                    for name, value in request.headers
                    if name.lower() in self.headers
                )
            ),
            request.body if found is None else found,
        )

    def body(self, request: WireRequest) -> Any:
        """Return what is compared of the body: JSON, or bytes."""
        return self._body(self._filtered(request))

    def _filtered(self, request: WireRequest) -> WireRequest:
        for change in self.filters:
            try:
                request = change(request)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # one that ends its process included
                raise UsageError(
                    f"{_FILTERS}: {change!r} raised {type(error).__name__}: {error_text(error)}"
                ) from error
            if not isinstance(request, WireRequest):
                raise UsageError(f"{_FILTERS}: {change!r} returned {request!r}; expected a WireRequest")
        return request

    def _body(self, request: WireRequest) -> Any:
        value = compared_body(request, self.secret_names)
        if isinstance(value, bytes):
            return value
        for path, pattern in self.normalized:
            for match in path.finditer(value):
                if isinstance(match.obj, str):
                    value = _put(value, match, pattern.sub(BLANK, match.obj))
        for path in self.ignored:
            # The last first, so that what is left keeps its place.
            for match in reversed(list(path.finditer(value))):
                value = _without(value, match)
        return value


def request_key(request: WireRequest) -> RequestKey:
    """Return the key of `request` where no project says otherwise."""
    return Matching().key(request)


def _put(root: Any, match: JSONPathMatch, value: Any) -> Any:
    if match.parent is None:
        return value
    match.parent.obj[match.parts[-1]] = value  # type: ignore[index]
    return root


def _without(root: Any, match: JSONPathMatch) -> Any:
    if match.parent is None:
        return None
    del match.parent.obj[match.parts[-1]]  # type: ignore[attr-defined]
    return root


def _path(text: str) -> JSONPath | CompoundJSONPath:
    try:
        import jsonpath
    except ImportError as error:
        raise UsageError("JSON paths need python-jsonpath: pip install 'stream-harness[match]'") from error
    # As messages write them, too: `messages[1].content`.
    whole = text if text.startswith("$") else f"${'' if text.startswith('[') else '.'}{text}"
    try:
        return jsonpath.compile(whole)
    except jsonpath.JSONPathError as error:
        raise UsageError(
            f"--ignore, --normalize or [tool.harness]: {text!r} is no JSON path: {error.args[0]}; write it as in $.messages[*].id"
        ) from error


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(
            f"--normalize, or match_normalize of [tool.harness]: {text!r} is no regular expression: {error}; correct it"
        ) from None


def _filter(name: str) -> RequestFilter:
    module, colon, attribute = name.partition(":")
    add_current_folder()
    try:
        found = getattr(importlib.import_module(module), attribute) if module and colon else None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module that ends its process included
        raise UsageError(
            f"{_FILTERS}: {name!r} can't be imported: {type(error).__name__}: {error_text(error)}"
        ) from error
    if not callable(found):
        raise UsageError(f"{_FILTERS}: {name!r} is no function; expected module:function")
    return found  # type: ignore[no-any-return]
