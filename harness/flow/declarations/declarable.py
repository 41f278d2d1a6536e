"""How a flow is made from a declaration, and gives its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from harness.flow.declarations.schema import FlowDefinition


class DeclarableFlow:
    """The part of a flow that is written down in YAML or JSON."""

    #: What the class was made from; None where it was written in Python.
    declaration: FlowDefinition | None = None

    @classmethod
    def from_declaration(
        cls,
        *,
        contents: str | dict[str, Any] | FlowDefinition | None = None,
        path: str | Path | None = None,
        **options: Any,
    ) -> Self:
        """Return a flow that does what a declaration says: YAML or JSON, as text, as a dict, or in a file.

        What it names as `module:qualname` is imported, its expressions are read, and its graph is checked, now. `options`
        are those of the constructor.

        Raises:
            FlowDeclarationError: it is wrong; the message has the line and the column of every mistake.
            FlowScriptExecutionDisabledError: it has a script, and the environment does not allow any.
            UsageError: neither `contents` nor `path`, or both; or the file can't be read.
        """
        return cls._flow_declared(contents, path)(**options)

    @classmethod
    def _flow_declared(
        cls, contents: str | dict[str, Any] | FlowDefinition | None, path: str | Path | None = None
    ) -> type[Self]:
        # Late: a flow that is written in Python needs no YAML.
        from harness.flow.declarations.build import declared_class
        from harness.flow.declarations.schema import read_declaration

        return declared_class(cls, *read_declaration(contents, path))

    @classmethod
    def flow_definition(cls) -> FlowDefinition:
        """Return the flow as a declaration: the one that it was made from, or its graph, with its methods as calls of code.

        Raises:
            UsageError: a method of the graph can't be imported, as one of a class inside of a function.
        """
        from harness.flow.declarations.graph import declaration_of

        return declaration_of(cls) if cls.declaration is None else cls.declaration
