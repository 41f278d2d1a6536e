"""Humans in flows: asked what they think of a method's output, at once or later, and asked for input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.flow.feedback.pending import PendingFeedbackContext as PendingFeedbackContext
    from harness.flow.feedback.providers import InputProvider as InputProvider
    from harness.flow.feedback.result import HumanFeedbackResult as HumanFeedbackResult
    from harness.flow.feedback.resumption import Resumption as Resumption
else:
    # Most flows ask nobody.
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.flow.feedback.pending": "PendingFeedbackContext",
            "harness.flow.feedback.providers": "InputProvider",
            "harness.flow.feedback.result": "HumanFeedbackResult",
            "harness.flow.feedback.resumption": "Resumption",
        },
    )
