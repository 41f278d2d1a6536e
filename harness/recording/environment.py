"""The environment of a run that is played: as far as it decides where requests go, the one that the recording speaks of.

Official SDKs do not start without a key, and ask the environment where their provider is, by which account, and through
which proxy. Whoever plays a recording has another environment than who made it, or none.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from harness.llm.credentials import no_credentials_needed
from harness.providers.registry import providers, recognized
from harness.recording.wire import Interaction

#: What clients read of the way to the network, and are refused by where it is wrong. Nothing that is played goes there.
WAYS: Final = (
    *(f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")),
    *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)

_lock = threading.Lock()
#: How many runs are played, and what the first of them changed: variable → its value before, and since.
_played = 0
_changed: dict[str, tuple[str | None, str | None]] = {}


@contextmanager
def played_environment(recorded: Iterable[Interaction] | None, own: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let clients in this context do without a key, and find what is `recorded`; None is a run that is answered elsewhere.

    Until the last such context is left, the process's environment has a stand-in for each key that it lacks. Of what is
    recorded, it names no address, account or proxy that leads past it, and the address at which a provider was, where that
    is one and not the provider's own. What is another than in `own`, where that is given, is left alone: the run has set
    it. Nothing of this is recorded, and nothing reaches a provider.
    """
    _begin(recorded, os.environ if own is None else own)
    try:
        with no_credentials_needed():
            yield
    finally:
        _end()


@contextmanager
def no_way_out() -> Iterator[None]:
    """Keep clients in this context from proxies: those whom they ask are on this machine."""
    before = {name: os.environ.pop(name) for name in WAYS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


def _begin(recorded: Iterable[Interaction] | None, own: Mapping[str, str]) -> None:
    global _played  # noqa: PLW0603 - the environment is the process's, too
    with _lock:
        _played += 1
        if _played > 1:
            return
        now = dict(os.environ)
        changes = _stand_ins(now) if recorded is None else {**_stand_ins(now), **_places(recorded, now)}
        for name, value in changes.items():
            before = now.get(name)
            if value != before and before in (None, own.get(name)):
                _changed[name] = (before, value)
                _set(name, value)


def _end() -> None:
    global _played  # noqa: PLW0603
    with _lock:
        _played -= 1
        while _played == 0 and _changed:
            name, (before, since) = _changed.popitem()
            # What the run itself has set is its own.
            if os.environ.get(name) == since:
                _set(name, before)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _stand_ins(now: Mapping[str, str]) -> dict[str, str]:
    """Return a stand-in for each key that the environment `now` lacks, and for what else a client can't do without."""
    return {
        name: value
        for row in providers()
        for name, value in row.placeholders.items()
        if name not in row.leading and not now.get(name)
    }


def _places(recorded: Iterable[Interaction], now: Mapping[str, str]) -> dict[str, str | None]:
    """Return what the variables are to be that say where a provider is; None is nothing."""
    urls = set()
    calls: defaultdict[str, list[str]] = defaultdict(list)
    addresses: defaultdict[str, set[str]] = defaultdict(set)
    for request in (interaction.request for interaction in recorded):
        url = request.url.partition("?")[0]
        urls.add(url)
        row = recognized(request.method, request.url, request.body)
        if row is not None:
            calls[row.name].append(request.url)
            if row.address is not None:
                addresses[row.address[0]].add(row.address[1].sub("", url))
    places: dict[str, str | None] = dict.fromkeys(WAYS)
    for row in providers():
        for name, pattern in row.leading.items():
            if not any(pattern.search(url) if pattern else _is_at(url, now.get(name, "")) for url in urls):
                places[name] = None
    homes = {home for row in providers() for home in row.homes}
    for variable, found in addresses.items():
        # One that leads past home says where that is, for whoever reads it; who has none needs none.
        if len(found) == 1 and (now.get(variable) if found & homes else variable in places):
            (places[variable],) = found
    for row in providers():
        for name in row.in_urls:
            values = {row.value_in(url, name) for url in calls[row.name]}
            if len(values) == 1 and None not in values:
                places[name] = values.pop() or None
    return places


def _is_at(url: str, address: str) -> bool:
    """Whether a URL is beneath an address, which may come without its scheme."""
    where = address.rstrip("/").rpartition("://")[2]
    return bool(where) and f"{url.rpartition('://')[2]}/".startswith(f"{where}/")
