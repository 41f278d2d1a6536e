"""Text with `${…}` in it, in any depth of a value."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, TypeAlias

from harness.flow.declarations.errors import part
from harness.flow.declarations.expressions import Expression, closing_brace
from harness.frames.codec import encode

#: Gives the value of a template in a scope of names.
Rendered: TypeAlias = Callable[[Mapping[str, Any]], Any]


def template(value: Any, roots: Collection[str]) -> Rendered:
    """Return what gives `value` with the expressions in its texts evaluated.

    A text that is one `${…}` alone, but for blanks, becomes what that comes to. Inside of other text, what is no text is written as JSON,
    and null as nothing. A `$` without a brace is text.

    Raises:
        ExpressionError: an expression can't be read, or is not closed.
        PartError: one of a part, which it names.
    """
    if isinstance(value, str):
        return _text(value, roots)
    if isinstance(value, Mapping):
        items = {key: part(partial(template, item, roots), key) for key, item in value.items()}
        return lambda scope: {key: item(scope) for key, item in items.items()}
    if isinstance(value, list):
        parts = [part(partial(template, item, roots), place) for place, item in enumerate(value)]
        return lambda scope: [rendered(scope) for rendered in parts]
    return lambda scope: value


def expression(value: str, roots: Collection[str]) -> Expression:
    """Return the expression that a text is where one is expected, in `${…}` or bare. Raises ExpressionError."""
    parts = _parts(value.strip())
    alone = parts[0] if len(parts) == 1 and parts[0][0] else None
    return Expression(value if alone is None else alone[1], roots)


def _text(text: str, roots: Collection[str]) -> Rendered:
    pieces = [Expression(piece, roots) if is_code else piece for is_code, piece in _parts(text)]
    if not any(isinstance(piece, Expression) for piece in pieces):
        return lambda scope: text
    visible = [piece for piece in pieces if not (isinstance(piece, str) and not piece.strip())]
    if len(visible) == 1 and isinstance(visible[0], Expression):
        return visible[0].value
    return lambda scope: "".join(
        _written(piece.value(scope)) if isinstance(piece, Expression) else piece for piece in pieces
    )


def _written(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(encode(value), ensure_ascii=False)


def _parts(text: str) -> list[tuple[bool, str]]:
    """Return the pieces of a text in their order, each with whether it is an expression."""
    parts: list[tuple[bool, str]] = []
    at = 0
    while (begin := text.find("${", at)) >= 0:
        if begin > at:
            parts.append((False, text[at:begin]))
        end = closing_brace(text, begin + 2)
        parts.append((True, text[begin + 2 : end].strip()))
        at = end + 1
    if at < len(text):
        parts.append((False, text[at:]))
    return parts
