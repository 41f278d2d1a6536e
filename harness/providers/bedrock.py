"""Amazon Bedrock's Converse and ConverseStream, through boto3.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11).
"""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Iterator
from typing import Any, Final

from harness.llm.connections import end_urllib3_with_runs
from harness.llm.credentials import PLACEHOLDER, credentials_needed
from harness.llm.llm import LLM
from harness.llm.parts import Part
from harness.llm.request import LLMRequest
from harness.providers.bedrock_answer import Answer
from harness.providers.bedrock_errors import translation
from harness.providers.bedrock_request import sdk_arguments
from harness.providers.bedrock_sdk import boto3, botocore

_SERVICE: Final = "bedrock-runtime"
_REGION: Final = re.compile(r"https?://[^/]*\.([a-z]{2}(?:-[a-z]+)+-\d)\.")
#: For an endpoint whose name tells no region, such as one on loopback; a region is signed in any case.
_ANY_REGION: Final = "us-east-1"
#: Seconds. boto3 gives up after 60, in which a long answer that is not streamed may not come.
_TIMEOUT_S: Final = 600


class Bedrock(LLM):
    """A model on Amazon Bedrock, at `base_url` where that is given.

    Credentials and region are boto3's to find: variables, profiles, roles. Settings that Converse does not have (seed,
    n, penalties, logprobs) are not sent; `thinking` and `reasoning_effort` go to the model as its own fields.
    """

    provider = "bedrock"

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._lock = threading.Lock()
        self._client: Any = None

    def check(self, request: LLMRequest) -> None:
        sdk_arguments(self, request)

    def get_context_window_size(self) -> int:
        return 200_000 if "claude" in self.model else 128_000

    def generate(self, request: LLMRequest) -> Iterator[Part]:
        answer = Answer(self.provider)
        with translation(answer):
            arguments = sdk_arguments(self, request)
            if not request.stream:
                response = self._sdk().converse(**arguments)
                answer.headers(response)
                yield from answer.whole(response)
                return
            response = self._sdk().converse_stream(**arguments)
            answer.headers(response)
            with contextlib.closing(response["stream"]) as stream:
                for event in stream:
                    yield from answer.event(event)

    def _sdk(self) -> Any:
        with self._lock:
            if self._client is None:
                self._client = self._new_client()
            return self._client

    def _new_client(self) -> Any:
        end_urllib3_with_runs()
        session = boto3.Session()
        found = _REGION.match(self.base_url or "")
        region = found[1] if found else session.region_name or (_ANY_REGION if self.base_url else None)
        timeout = _TIMEOUT_S if self.timeout is None else self.timeout
        settings: dict[str, Any] = {"read_timeout": timeout, "connect_timeout": min(timeout, 60)}
        if self.max_retries is not None:
            settings["retries"] = {"mode": "standard", "total_max_attempts": self.max_retries + 1}
        signed: dict[str, str] = {}
        if not credentials_needed():
            signed = {"aws_access_key_id": PLACEHOLDER, "aws_secret_access_key": PLACEHOLDER}
        return session.client(
            _SERVICE,
            region_name=region,
            endpoint_url=self.base_url,
            config=botocore.config.Config(**settings),
            **signed,
        )
