"""The fixture `vcr_config` of those who have used vcrpy's plugins: as much of it as has a meaning here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from harness.errors import UsageError
from harness.recording.settings import Settings

#: What names secrets, each as a list of names, or of names and what to write in their place.
_FILTERS: Final = ("filter_headers", "filter_query_parameters", "filter_post_data_parameters")
#: What is so in any case: requests are compared by method, URL and body, and bodies are kept readable.
_ALWAYS: Final = frozenset({"decode_compressed_response", "match_on", "allow_playback_repeats"})
_KNOWN: Final = frozenset({*_FILTERS, *_ALWAYS, "record_mode", "cassette_library_dir"})


def checked(config: Any) -> Mapping[str, Any]:
    """Return what the fixture gives. Raises UsageError where that is no mapping."""
    if config is not None and not isinstance(config, Mapping):
        raise UsageError(f"the fixture vcr_config gives {config!r}; expected a dict of vcrpy's options")
    return config or {}


def settings_in(config: Mapping[str, Any]) -> Settings:
    """Return the settings that it means: the names of secrets.

    Raises:
        UsageError: a filter is no list of names.
    """
    return Settings(
        secret_names=tuple(dict.fromkeys(name for key in _FILTERS for name in _names(key, config.get(key))))
    )


def without_effect(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is to be known of options that mean nothing here."""
    unknown = sorted(config.keys() - _KNOWN)
    if unknown:
        yield f"vcr_config: {', '.join(unknown)} has no effect on cassettes of stream-harness"


def _names(key: str, values: Any) -> Iterator[str]:
    for item in values or ():
        name = item if isinstance(item, str) else item[0] if isinstance(item, tuple | list) and item else None
        if not isinstance(name, str) or isinstance(values, str):
            raise UsageError(f"{key} of vcr_config is {values!r}; expected a list of names")
        yield name
