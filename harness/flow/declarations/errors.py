"""What can be wrong with a declared flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from harness.errors import MissingExtraError, UsageError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DeclarationProblem:
    """One thing that is wrong, and where; lines and columns count from 1."""

    #: As in `methods.draft.do.ref`; empty for the whole.
    path: str
    message: str
    line: int | None = None
    column: int | None = None

    def in_file(self, name: str) -> str:
        """Return it as one line, which editors and terminals make a link of."""
        place = name if self.line is None else f"{name}:{self.line}:{self.column}"
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class FlowDeclarationError(UsageError):
    """A declaration of a flow can't be made into one; nothing of it has been run."""

    #: Everything that is wrong, in the order of the file.
    problems: tuple[DeclarationProblem, ...]

    def __init__(self, name: str, problems: list[DeclarationProblem]) -> None:
        super().__init__("\n".join(problem.in_file(name) for problem in problems))
        self.problems = tuple(problems)


class FlowScriptExecutionDisabledError(UsageError, RuntimeError):
    """A declared flow has a script, and scripts have not been allowed."""


class ExpressionError(UsageError):
    """An expression can't be read or evaluated."""


class PartError(Exception):
    """Something is wrong at this path inside of a part of a declaration."""

    def __init__(self, path: tuple[int | str, ...], error: Exception) -> None:
        super().__init__(str(error))
        self.path = path


def part(read: Callable[[], T], *path: int | str) -> T:
    """Return what is read of the part at a path, which what is wrong there names. Raises PartError."""
    try:
        return read()
    except PartError as error:
        error.path = (*path, *error.path)
        raise
    except MissingExtraError:
        raise
    except UsageError as error:
        raise PartError(path, error) from error
