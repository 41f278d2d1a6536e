"""The counts of tokens under the names that all providers share, meaning the same for all (clause `llm.usage`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.llm.output.parts import Usage
from harness.providers.shared.shapes import as_number


def usage(
    raw: Mapping[str, Any],
    prompt: Iterable[Any],
    completion: Iterable[Any],
    *,
    cached: Any = None,
    reasoning: Any = None,
    created: Any = None,
) -> Iterator[Usage]:
    """Yield what `raw` tells; nothing where it counts neither.

    `prompt` are the counts that make all that was read, from a cache or into one too; `completion` those of all that was
    written, reasoning too. The total is the sum of the two. Raises ValueError for counts that are no numbers.
    """
    read, written = [list(map(as_number, counts)) for counts in (prompt, completion)]
    if all(count is None for count in (*read, *written)):
        return
    prompt_tokens, completion_tokens = sum(filter(None, read)), sum(filter(None, written))
    yield Usage(
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        total_tokens=prompt_tokens + completion_tokens,
        cached_prompt_tokens=as_number(cached),
        reasoning_tokens=as_number(reasoning),
        cache_creation_tokens=as_number(created),
        raw=dict(raw),
    )
