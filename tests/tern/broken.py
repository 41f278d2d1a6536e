"""Tern's integration with one mistake each, which the suite must not let pass."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from harness.errors import StreamTruncatedError
from harness.llm import Finish, LLMRequest, Part, Usage
from tests.tern import Tern


class EndsWhateverCame(Tern):
    """Takes the end of the stream for the end of the answer."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        ended = False
        with contextlib.suppress(StreamTruncatedError):
            for part in super().generate(request):
                ended = ended or isinstance(part, Finish)
                yield part
        if not ended:
            yield Finish("stop", "stop")


class CountsNothing(Tern):
    """Keeps what was used to itself."""

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        return (part for part in super().generate(request) if not isinstance(part, Usage))
