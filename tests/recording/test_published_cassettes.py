"""Cassettes that others have published, each a kind of its own: what becomes of each is written here.

They are test data of one's own: name a folder that holds `cassettes/` in `HARNESS_CASES`. What a test must not do without stands
in the tests beside this one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from conformance.run.replay import ReplayStatus, replay


class Right(NamedTuple):
    """What a replay must say."""

    status: ReplayStatus = "passed"
    #: What the message holds.
    message: str = ""


RIGHT: Final = {
    "01a_extra_field_annotations": Right(),
    "01b_extra_field_tool_call_index": Right(),
    "01c_extra_field_reasoning_content": Right(),
    "01e_extra_field_parsed_arguments": Right(),
    "02a_parsed_body": Right(),
    "02c_aiohttp_json_body_mapping": Right(),
    "02d_langchain_requests_responses": Right(),
    # Read, and its answer is `{}`.
    "02e_vcrpy_bytesio_body": Right("failed", "without choices"),
    "03_bedrock_invoke_model": Right(),
    "04_stream_without_done": Right("passed", "end marker"),
    "05a_anthropic_tool_type_custom": Right(),
    "05b_anthropic_server_tool": Right(),
    "05c_anthropic_server_tool_history": Right(),
    "06_mistral_stream_fragment": Right(),
    "07a_content_is_list_mistral_thinking": Right(),
    "07c_content_is_object_cloudflare": Right(),
    "08_anthropic_response_without_headers": Right(),
    "09a_gemini_stream_as_json_array": Right(),
    "09b_gemini_key_in_query": Right(),
    "09c_gemini_alt_json_enum_int": Right(),
    "09e_gemini_response_json_schema_adk": Right(),
    "10a_azure_cognitiveservices_responses": Right(),
    "10b_azure_embeddings_taken_for_a_call": Right("not-a-call"),
    "11a_responses_prompt_without_model": Right(),
    "11b_responses_custom_tool_call_history": Right(),
    "12_chat_custom_tool_reason_hidden": Right(),
    "13_brotli_body": Right(),
    "15_empty_double_recording_litellm": Right("failed", "the recorded body is empty"),
    "17_legacy_completions_not_a_call": Right(),
}


def published() -> Iterator[Any]:
    folder = os.environ.get("HARNESS_CASES")
    if folder is None:
        yield pytest.param(
            None, marks=pytest.mark.skip(reason="set HARNESS_CASES to a folder with cassettes/"), id="none"
        )
        return
    for path in sorted((Path(folder) / "cassettes").iterdir()):
        yield pytest.param(path, id=path.stem)


@pytest.mark.parametrize("path", list(published()))
def test_what_becomes_of_a_published_cassette_is_what_is_right(path: Path) -> None:
    right = RIGHT[path.stem]
    (result,) = replay(path)
    assert result.status == right.status, result.message
    assert right.message in (result.message or "")
