"""What a model is given: messages and what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from harness.llm.input.hosted import (
        HostedTool as HostedTool,
        custom_name as custom_name,
        hosted_tools as hosted_tools,
        in_order as in_order,
    )
    from harness.llm.input.messages import Message as Message, ToolDefinition as ToolDefinition
    from harness.llm.input.reader import (
        listed_messages as listed_messages,
        read_messages as read_messages,
        read_tools as read_tools,
    )
    from harness.llm.input.unsent_fields import (
        Carried as Carried,
        tell_unsent as tell_unsent,
        without_notes as without_notes,
    )
else:
    # Their models are made when the first call is.
    __getattr__, __dir__, __all__ = lazy_names(
        __name__,
        {
            "harness.llm.input.hosted": "HostedTool custom_name hosted_tools in_order",
            "harness.llm.input.messages": "Message ToolDefinition",
            "harness.llm.input.reader": "listed_messages read_messages read_tools",
            "harness.llm.input.unsent_fields": "Carried tell_unsent without_notes",
        },
    )
