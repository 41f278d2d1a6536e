"""The errors of the project, in families by whose fault they are.

Every one is a `HarnessError`. Foreign exceptions are translated once, at the edge where they enter, with
`raise … from`. Fields are kept beside the text, so that a program need not parse a message.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "ConformanceError",
    "HarnessError",
    "LLMContextLengthExceededError",
    "MalformedResponseError",
    "MissingExtraError",
    "NetworkBlockedError",
    "ProviderConnectionError",
    "ProviderError",
    "ProviderStatusError",
    "RecordingError",
    "RunCancelled",
    "RunPaused",
    "StreamTruncatedError",
    "TransportFault",
    "UnplayedRecordingError",
    "UnreadableRecordingError",
    "UnrecordedRequestError",
    "UnsafeRecordingError",
    "UntrustedTargetError",
    "UsageError",
]


class HarnessError(Exception):
    """Any error that this project raises on purpose."""


class UsageError(HarnessError, ValueError):
    """The caller asked for something that can't be done; nothing has been run."""


class MissingExtraError(UsageError, ImportError):
    """What is asked for needs a package that is not installed; the message has the `pip install` that helps."""


class ProviderError(HarnessError):
    """A provider, or the way to it, failed a call (clause `llm.errors`).

    `retryable` says whether the same request may succeed later.
    """

    def __init__(
        self,
        message: str,
        *,
        provider: str,
        status: int | None = None,
        request_id: str | None = None,
        code: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        #: The provider's name as in a model string, such as `openai`.
        self.provider = provider
        #: The HTTP status, or None where no response came or the failure lies inside a 200.
        self.status = status
        #: The provider's id of the request, from its response headers, or else as its error tells it.
        self.request_id = request_id
        #: The provider's own machine-readable code, such as `context_length_exceeded`.
        self.code = code
        self.retryable = retryable


class ProviderStatusError(ProviderError):
    """The provider answered with an HTTP error status."""


class LLMContextLengthExceededError(ProviderStatusError):
    """The provider refused a conversation that is longer than the model's window."""


class ProviderConnectionError(ProviderError):
    """No whole response came: refused, reset, timed out or cut before the headers."""


class StreamTruncatedError(ProviderError):
    """The stream ended before its provider's end marker (clause `llm.truncation`)."""


class MalformedResponseError(ProviderError):
    """The provider sent bytes that its own wire format does not allow."""


class RecordingError(HarnessError):
    """A recording can't be read, written, matched or trusted."""


class UnreadableRecordingError(RecordingError):
    """A file of a recording is missing, empty, torn, foreign, or of a later format version."""


class UnrecordedRequestError(RecordingError):
    """A request matched nothing on the tape (clause `replay.complete`).

    The message names the nearest recorded request and what differs in it.
    """


class UnplayedRecordingError(RecordingError):
    """A recorded request was never made (clause `replay.complete`)."""


class UnsafeRecordingError(RecordingError):
    """A new recording did not pass the scan, and was not kept."""

    #: The `Recorded` of what was done, and of where it is kept aside.
    recorded: Any = None


class UntrustedTargetError(RecordingError, UsageError):
    """A recording names a program that neither the project nor the caller vouches for (clause `replay.trusted`)."""


class NetworkBlockedError(RecordingError):
    """A request left for the network while the network is blocked and no tape is running."""


class ConformanceError(HarnessError):
    """A subject under test, or a declaration about it, can't be used as it is."""


class RunCancelled(BaseException):
    """Raised inside a cancelled run at its next event, await or provider byte.

    A `BaseException`, so that no `except Exception` in user code keeps a closed run alive (clause
    `cleanup.work-stops`).
    """


class RunPaused(Exception):  # noqa: N818 - nothing went wrong
    """Raised in a method of a flow, or by a hook of it, to have the run wait for something outside.

    The method and the flow end as paused, what runs beside the method comes to its end, and this object is the result
    of the run. `message` and `emit` are what a reader of the paused frames is shown.
    """

    def __init__(self, message: str | None = None, *, emit: list[str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.emit = emit


class TransportFault(BaseException):
    """Carries a `HarnessError` from a patched transport through a provider SDK, untouched.

    SDKs wrap, retry or swallow any `Exception` that their HTTP client raises, each in its own way. What a tape
    has to say must arrive the same whatever the SDK, so it travels as a `BaseException` and is unwrapped where the
    runtime or the recorder called the SDK.
    """

    def __init__(self, error: HarnessError) -> None:
        super().__init__(str(error))
        #: What is to be raised in place of this carrier.
        self.error = error


def error_text(error: BaseException) -> str:
    """Return what `error` says, or what went wrong when it was asked.

    Raises:
        RunCancelled, KeyboardInterrupt: these came meanwhile.
    """
    try:
        return str(error)
    except (RunCancelled, KeyboardInterrupt):
        raise
    except BaseException as failure:
        return f"<its text raised {type(failure).__name__}>"
