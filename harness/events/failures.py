"""Failures that events carry as they are: what is made of them is said here, since most programs meet none."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer

from harness.events.coercion import text_of_error

#: What a failure was, as the exception itself where there is one; its text in JSON, and in frames.
Failure = Annotated[BaseException | str, PlainSerializer(text_of_error, when_used="json")]
#: The same of a tool, which may tell of it by anything.
AnyFailure = Annotated[Any, PlainSerializer(text_of_error, when_used="json")]
