"""What this project knows of one wire API of one provider. All of it stands here, and nowhere else."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from msgspec import Struct, field

from harness.errors import MissingExtraError, UsageError
from harness.llm.recorded import RecordedCall
from harness.providers.shared.dialect import Dialect
from harness.providers.shared.shapes import OF_ANOTHER_SHAPE

#: What stands for a credential where nobody will look at it.
NOBODY: Final = "nobody"


class Provider(Struct, frozen=True, kw_only=True):
    """One wire API of one provider: its row in the registry. Modules are named, and imported when they are needed."""

    #: As in a report, such as `openai` or `anthropic`.
    name: str
    #: Its name in a model string → its integration, a subclass of `LLM` or `BaseLLM`, as `module:Class`. The first name is
    #: also that of bare model names.
    models: Mapping[str, str]
    #: Settings that its integrations take beside those of all. Some are credentials: no other provider is given them.
    settings: tuple[str, ...] = ()
    #: What bare model names look like, such as `claude-…`.
    bare_names: re.Pattern[str] | None = None
    #: What the URLs of its calls look like, from the scheme on, without the query.
    url: re.Pattern[str] | None = None
    #: Whether a request asks for an answer, by URL and body (None: not known), where the URL's form can't tell.
    is_call: Callable[[str, bytes | None], bool] | None = None
    #: The module whose `parse_recorded(url, body)` reads its requests; needed where there is a URL.
    request: str | None = None
    #: How its streams are framed and end, and how it tells of errors; None where nobody here knows.
    dialect: Dialect | None = None
    #: The extra of this project that brings its SDK.
    extra: str | None = None
    #: The distributions that it may be spoken to with, the official SDK first.
    distributions: tuple[str, ...] = ()
    #: The folder of the recordings of it that come with this project.
    recordings: str | None = None
    #: Header fields of its own that recordings keep, of requests and of responses; with `-` at its end, all that begin so.
    request_headers: tuple[str, ...] = ()
    response_headers: tuple[str, ...] = ()
    #: Environment variables with which clients that look for credentials are content: NOBODY in place of one.
    placeholders: Mapping[str, str] = field(default_factory=dict)
    #: The environment variable in which its SDK looks for an address, and what follows the address in the path of a call.
    address: tuple[str, re.Pattern[str]] | None = None
    #: Where its calls go without that variable.
    homes: tuple[str, ...] = ()
    #: What else in an environment leads its calls elsewhere: variable → what the URLs are like to which it leads, None
    #: where its value is an address, as that of `address` is.
    moved_by: Mapping[str, re.Pattern[str] | None] = field(default_factory=dict)
    #: What an environment held where the URLs of all its calls are like this: variable → what each is like, and the value,
    #: as `Match.expand` has it. Empty is none.
    in_urls: Mapping[str, tuple[re.Pattern[str], str]] = field(default_factory=dict)
    #: Whether it takes the calls to every provider that has no row, where its SDK is installed.
    takes_all: bool = False

    @property
    def leading(self) -> Mapping[str, re.Pattern[str] | None]:
        """All variables that say where its calls go: that of `address`, and those of `moved_by`."""
        return {**({self.address[0]: None} if self.address else {}), **self.moved_by}

    def value_in(self, url: str, variable: str) -> str | None:
        """Return what a variable of `in_urls` held where a call went to this URL; None where that does not tell."""
        pattern, template = self.in_urls[variable]
        found = pattern.search(url)
        return None if found is None else found.expand(template)

    def parse(self, url: str, body: bytes) -> RecordedCall:
        """Return the call that makes a request again: same URL and JSON. Raises UsageError; what can't be is named."""
        if self.request is None:
            raise UsageError(f"{self.name}: recorded requests can't be rebuilt; its row names no module for that")
        module = importlib.import_module(self.request)
        try:
            return module.parse_recorded(url, body)  # type: ignore[no-any-return]
        except UsageError:
            raise
        except OF_ANOTHER_SHAPE as error:
            fault = f"{type(error).__name__}: {error}"
            raise UsageError(f"the recorded request is not as its API has it ({fault})") from error


@contextmanager
def sdk_needed(provider: str, extra: str) -> Iterator[None]:
    """Raise MissingExtraError where what is imported inside is not installed; `extra` brings it."""
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(f"calls to {provider} need its SDK: pip install 'stream-harness[{extra}]'") from error
