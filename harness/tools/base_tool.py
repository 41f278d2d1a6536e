"""`BaseTool`: what users subclass to give an agent something that it can do."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import re
import threading
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, field_validator, model_validator

from harness.errors import UsageError
from harness.fields import aliases
from harness.fork import freed_by_fork
from harness.tools.arguments import InferredArguments, arguments_of, parameters_schema, passed
from harness.tools.failure import ToolFailure, ToolFailurePolicy, ToolFailureReason
from harness.tools.use import ToolInputError
from harness.validation import UserModel, all_faults
from harness.workers import asettled, in_thread, run_coroutine, settled

#: Counts are few and short; a lock of each tool's own could not be copied with it.
_counting = freed_by_fork(threading.Lock())
#: Where a word of a name begins, as in `getTide`, `HTTPServer`.
_WORD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNFIT: Final = re.compile(r"[^a-z0-9]+")
#: How alike an unknown argument and a parameter are where one was meant to be the other.
_NEAR: Final = 0.8
#: The longest name of a function that all providers take, and how much of a longer one is kept before its digest.
LONGEST_NAME: Final = 64
_KEPT: Final = 55


def _in_words(name: str) -> str:
    return _WORD.sub("_", name).lower()


def _always(arguments: Any = None, result: Any = None) -> bool:
    return True


class EnvVar(UserModel):
    """A variable of the environment that a tool reads, for those who deploy it."""

    name: str
    description: str
    required: bool = True
    default: str | None = None


class BaseTool(UserModel):
    """A tool: subclass it with a `name`, a `description`, and `_run`, `_arun`, or both.

    `args_schema` says what arguments fit; by default it is made from the parameters of `_run`. One tool may be used by
    several agents and threads at once.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, defer_build=True)
    #: Fields that a frame shows of a tool.
    shown_in_frames: ClassVar[tuple[str, ...]] = ("name", "description")

    #: What people call it; the model knows it as `function_name`.
    name: str
    #: What the model is told of it.
    description: str
    args_schema: type[BaseModel] = Field(default=InferredArguments, validate_default=True)
    #: What it returns, where that is an object, for readers and programs.
    result_schema: type[BaseModel] | None = None
    #: Whether what it returns is the agent's answer, word for word.
    result_as_answer: bool = False
    #: How often it may be used; None is without a limit.
    max_usage_count: int | None = None
    current_usage_count: int = 0
    #: Whether a result may be kept for the next use with the same arguments, as `(arguments, result)`; asked where an
    #: agent or a crew keeps results.
    cache_function: Callable[..., Any] | None = _always
    env_vars: list[EnvVar] = Field(default_factory=list)
    #: What its failures lead to; None leaves it to the task, the agent and the crew.
    tool_failure_policy: ToolFailurePolicy | None = None

    #: What the definition was made of, which may change, and the definition.
    _tool_definition: tuple[tuple[Any, ...], dict[str, Any]] | None = PrivateAttr(default=None)

    # What a subclass implements.

    def _run(self, /, *args: Any, **kwargs: Any) -> Any:
        """Do the work; may be a coroutine function. By default `_arun` is run to its end."""
        return run_coroutine(lambda: self._arun(*args, **kwargs))

    async def _arun(self, /, *args: Any, **kwargs: Any) -> Any:
        """Do the work without blocking the loop. By default `_run` works in a thread."""
        return await asettled(await in_thread(lambda: self._run(*args, **kwargs)))

    # What users call.

    def run(self, /, *args: Any, **kwargs: Any) -> Any:
        """Use the tool, and return what it returns; a `ToolFailure` once it has been used as often as it may be.

        Raises:
            ToolInputError: the arguments do not fit.
        """
        arguments = self.arguments(*args, **kwargs)
        if not self._tool_counted():
            return self._tool_used_up()
        return settled(self._run(**arguments))

    async def arun(self, /, *args: Any, **kwargs: Any) -> Any:
        """Do as `run`, without blocking the loop."""
        arguments = self.arguments(*args, **kwargs)
        if not self._tool_counted():
            return self._tool_used_up()
        return await self._arun(**arguments)

    def arguments(self, /, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the arguments as the work gets them: validated, and only those that were given or have a Field's default.

        The named ones are in the order of the parameters, others after them, as they were given.

        Those of a schema that was made from parameters have the parameters' types; those of a schema of the tool's own
        are plain, nested ones as dicts.

        Raises:
            ToolInputError: they do not fit; the message says where and why.
        """
        if len(args) > len(self.args_schema.model_fields):
            raise ToolInputError(
                f"arguments given to the tool {self.name!r} by their place are at most {len(self.args_schema.model_fields)}, "
                f"not {len(args)}"
            )
        if args:
            kwargs = {**dict(zip(self.args_schema.model_fields, args, strict=False)), **kwargs}
        fitting = self._tool_fitting(kwargs)
        if fitting.model_extra is None:
            self._tool_check_names(kwargs, fitting)
        if isinstance(fitting, InferredArguments):
            return passed(fitting)
        # What a schema computes is nothing that was given.
        return fitting.model_dump(exclude=set(type(fitting).model_computed_fields))

    def _tool_fitting(self, given: Mapping[str, Any]) -> BaseModel:
        """Return the arguments, validated: where null does not fit and is the default, as in `place: str = None`, without it."""
        fields = self.args_schema.model_fields
        try:
            return self.args_schema.model_validate(given, by_alias=True, by_name=True)
        except ValidationError as error:
            rest = {
                name: value
                for name, value in given.items()
                if value is not None or name not in fields or fields[name].default is not None
            }
            if len(rest) == len(given):
                faults = all_faults(error)
                raise ToolInputError(f"the arguments of the tool {self.name!r} do not fit: {faults}") from error
        return self._tool_fitting(rest)

    def _tool_check_names(self, given: Mapping[str, Any], fitting: BaseModel) -> None:
        """Refuse an argument that is nearly one whose default would stand for it; others that are unknown are left out."""
        # As the model is told them, before the fields' own.
        names = {name: (*aliases(field), name) for name, field in type(fitting).model_fields.items()}
        known = {name for several in names.values() for name in several}
        left = {_in_words(first): first for name, (first, *_) in names.items() if name not in fitting.model_fields_set}
        for name in given:
            near = () if name in known else difflib.get_close_matches(_in_words(name), left, n=1, cutoff=_NEAR)
            if near:
                meant = left[near[0]]
                raise ToolInputError(f"the tool {self.name!r} has no argument {name!r}; did you mean {meant!r}?")

    def reset_usage_count(self) -> None:
        """Begin to count its uses anew."""
        with _counting:
            self.current_usage_count = 0

    def _tool_counted(self) -> bool:
        """Count one use; return whether it may be."""
        with _counting:
            if self.max_usage_count is not None and self.current_usage_count >= self.max_usage_count:
                return False
            self.current_usage_count += 1
            return True

    def _tool_used_up(self) -> ToolFailure:
        return ToolFailure(
            message=f"the tool {self.name!r} has been used {self.current_usage_count} times, as often as it may be; go "
            "on without it",
            reason=ToolFailureReason.USAGE_LIMIT,
        )

    # What agents ask.

    @property
    def function_name(self) -> str:
        """Its name as providers take it and as models of the reference runtime know it: `get_tide` for `Get tide`."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        name = _UNFIT.sub("_", _in_words(plain)).strip("_") or "tool"
        if len(name) <= LONGEST_NAME:
            return name
        # Long names may differ at their ends alone.
        return f"{name[:_KEPT]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"

    def definition(self) -> dict[str, Any]:
        """Return what a model is given of it, as `{type, function: {name, description, parameters}}`."""
        made_of = (self.name, self.description, self.args_schema)
        if self._tool_definition is None or self._tool_definition[0] != made_of:
            function = {
                "name": self.function_name,
                "description": self.description,
                "parameters": parameters_schema(self.args_schema, self.name),
            }
            self._tool_definition = (made_of, {"type": "function", "function": function})
        return self._tool_definition[1]

    def may_be_kept(self, arguments: Mapping[str, Any], result: Any) -> bool:
        """Return whether a result may stand for the next use with the same arguments."""
        return self.cache_function is None or bool(self.cache_function(arguments, result))

    def _tool_work(self) -> Callable[..., Any]:
        """Return the function whose parameters are the arguments, where no schema says what those are."""
        kind = type(self)
        if kind._run is BaseTool._run and kind._arun is not BaseTool._arun:
            return kind._arun
        return kind._run

    @field_validator("args_schema", mode="before")
    @classmethod
    def _tool_inferred(cls, schema: Any) -> Any:
        return InferredArguments if schema is None else schema

    @model_validator(mode="after")
    def _tool_check(self) -> Self:
        kind = type(self)
        if kind._run is BaseTool._run and kind._arun is BaseTool._arun:
            raise UsageError(f"{kind.__name__} has neither _run() nor _arun(): implement one of them")
        work = self._tool_work()
        if inspect.isgeneratorfunction(work) or inspect.isasyncgenfunction(work):
            raise UsageError(f"the tool {self.name!r} is a generator, which nobody runs through: return a list")
        if self.max_usage_count is not None and self.max_usage_count < 1:
            raise UsageError(f"max_usage_count of the tool {self.name!r} is at least 1, not {self.max_usage_count}")
        if self.args_schema in (InferredArguments, None):
            self.args_schema = arguments_of(work, self.name)
        return self
