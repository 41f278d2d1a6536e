"""The labels of routers: what one returned, and what its annotation says that it may return."""

from __future__ import annotations

import enum
import types
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

L = TypeVar("L", bound=str)


def label_of(output: Any) -> str | None:
    """Return the label that a router's output is; None for one that sets nothing going."""
    routed = routed_by(output)
    return None if routed is None else str(routed)


def routed_by(output: Any) -> Any:
    """Return what listeners of the label get that a router's output is: that output, or the value of a member of an enum."""
    return output.value if isinstance(output, enum.Enum) else output


def several(labels: L | Iterable[L]) -> tuple[L, ...]:
    """Return labels that were given as several, or one alone."""
    return (labels,) if isinstance(labels, str) else tuple(labels)


def labels_of(function: Callable[..., Any]) -> tuple[str, ...] | None:
    """Return the labels in a router's return annotation, or None where it leaves them open."""
    try:
        annotation = get_type_hints(function, include_extras=True).get("return", Any)
    except Exception:
        return None
    return _labels_in(annotation)


def _labels_in(annotation: Any) -> tuple[str, ...] | None:
    if annotation is type(None):
        return ()
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return tuple(str(member.value) for member in annotation)
    origin = get_origin(annotation)
    if origin is Literal:
        return tuple(label for value in get_args(annotation) if (label := label_of(value)) is not None)
    if origin is Annotated:
        return _labels_in(get_args(annotation)[0])
    if origin is Union or origin is types.UnionType:
        parts = [_labels_in(part) for part in get_args(annotation)]
        return None if None in parts else tuple(label for part in parts for label in part or ())
    return None
