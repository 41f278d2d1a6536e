"""Expressions: CEL over `state`, `outputs` and, within `each`, `item`; checked when they are read."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final

from harness.errors import MissingExtraError
from harness.flow.declarations.errors import ExpressionError
from harness.frames.codec import encode

#: Calls that give their first argument a name: their variable is no root.
_BINDING: Final = frozenset({"all", "exists", "exists_one", "filter", "map", "min", "reduce"})
#: Names that CEL itself knows: its types.
_TYPES: Final = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
#: Longer ones are refused, before a parser has to nest as deep.
_MAX_LENGTH: Final = 4000


@cache
def _cel() -> Any:
    """Return the library, which takes half a second to load."""
    try:
        import celpy
    except ImportError as error:
        raise MissingExtraError(
            "expressions of declared flows need a CEL library: pip install 'stream-harness[declarations]'"
        ) from error
    return celpy


class Expression:
    """A CEL expression that has been read; it may be evaluated any number of times, in any thread."""

    def __init__(self, text: str, roots: Collection[str]) -> None:
        """Read it. `roots` are the names that it may speak of.

        Raises:
            ExpressionError: the syntax is wrong, or it speaks of something else.
            MissingExtraError: the CEL library is not installed.
        """
        celpy = _cel()
        self.text = text
        if len(text) > _MAX_LENGTH:
            raise ExpressionError(f"an expression has at most {_MAX_LENGTH} characters, and this has {len(text)}")
        environment = celpy.Environment()
        try:
            tree = environment.compile(text)
            self._names = frozenset(_roots(tree, _TYPES))
            self._program = environment.program(tree)
        except celpy.CELParseError as error:
            where = f" at its character {error.column}" if error.line == 1 else ""
            raise ExpressionError(f"{text!r} is no CEL expression: it can't be read{where}") from error
        except RecursionError as error:
            raise ExpressionError("this expression nests too deep") from error
        unknown = sorted(self._names - set(roots))
        if unknown:
            raise ExpressionError(f"{text!r} speaks of {unknown[0]!r}; there are {', '.join(sorted(roots))}")

    def value(self, scope: Mapping[str, Any]) -> Any:
        """Return what it comes to, as plain Python values.

        Raises:
            ExpressionError: it can't be evaluated with what is in `scope`.
        """
        celpy = _cel()
        try:
            activation = {name: celpy.json_to_cel(encode(scope[name])) for name in self._names}
            return _plain(self._program.evaluate(activation))
        except celpy.CELEvalError as error:
            reason = str(error.args[0]).partition(" (in activation")[0]
            raise ExpressionError(f"{self.text!r} can't be evaluated: {reason}") from error
        except (RecursionError, ValueError) as error:
            raise ExpressionError(f"{self.text!r} can't be evaluated: {error}") from error


def closing_brace(text: str, at: int) -> int:
    """Return where in a text the brace stands that closes the expression which begins at `at`.

    Raises:
        ExpressionError: there is none, or what stands before it is no CEL.
        MissingExtraError: the CEL library is not installed.
    """
    parser = _cel().celparser.CELParser
    parser()
    is_open = 1
    with contextlib.suppress(Exception):  # as where a text has no end
        for token in parser.CEL_PARSER.lex(text[at:]):
            is_open += (token.type == "LBRACE") - (token.type == "RBRACE")
            if not is_open:
                return at + int(token.start_pos)
    raise ExpressionError(
        f"the expression that begins with {text[at : at + 20]!r} is not closed: a }} is missing, or what is no CEL stands before it"
    )


def _roots(tree: Any, bound: frozenset[str]) -> Iterator[str]:
    """Yield the names that an expression speaks of, but for the variables of its own calls."""
    kind: Any = getattr(tree, "data", None)
    children: Any = getattr(tree, "children", ())
    if kind in ("ident", "dot_ident"):
        name = str(children[0])
        if name not in bound:
            yield name
        return
    if kind == "member_dot_arg" and str(children[1]) in _BINDING and len(children) > 2:
        yield from _roots(children[0], bound)
        arguments = children[2].children
        names = frozenset(_roots(arguments[0], frozenset()))
        for argument in arguments[1:]:
            yield from _roots(argument, bound | names)
        return
    for child in children:
        yield from _roots(child, bound)


def _plain(value: Any) -> Any:
    types = _cel().celtypes
    if isinstance(value, Exception):
        raise _cel().CELEvalError(*value.args)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, types.BoolType):
        return bool(value)
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)
