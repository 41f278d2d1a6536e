"""Amazon Bedrock's Converse and ConverseStream, through boto3.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (2026-11).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any, ClassVar, Final

from harness.llm.base import BaseLLM
from harness.llm.input.unsent_fields import Carried
from harness.llm.output.parts import Part
from harness.llm.parameters.names import sole_value
from harness.llm.request import LLMRequest
from harness.llm.settings import environment
from harness.providers.bedrock.answer import BedrockAnswer
from harness.providers.bedrock.body import BedrockBody, translated
from harness.providers.bedrock.clients import AsyncBedrockClient, BedrockClient, has_async_client
from harness.providers.bedrock.request import asks_by_tool, sdk_arguments
from harness.providers.shared.answer import ProviderAnswer
from harness.providers.shared.body import ResponseBody
from harness.providers.shared.calls.structured import StructuredAnswer
from harness.providers.shared.model import SDKModel
from harness.providers.shared.reasoning.thoughts import Thoughts
from harness.providers.shared.requests.wire_body import present

#: Names that programs know of fields of Converse.
_OF_CONVERSE: Final = {
    "guardrail_config": "guardrailConfig",
    "additional_model_request_fields": "additionalModelRequestFields",
    "additional_model_response_field_paths": "additionalModelResponseFieldPaths",
}

_CREDENTIALS: Final = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")


class Bedrock(SDKModel):
    """A model on Amazon Bedrock, at `base_url` where that is given.

    Credentials and region are boto3's to find: variables, profiles, roles. Settings that Converse does not have (seed,
    n, penalties, logprobs) are not sent; `thinking` and `reasoning_effort` go to the model as its own fields,
    but for the effort of Claude, which Converse has a field for. The signed
    reasoning behind tool calls is kept with the instance, and goes back with them. `additional_params` may hold `extra_body`,
    fields of the body that boto3 does not know.
    """

    provider = "bedrock"
    response_body: ClassVar[type[ResponseBody]] = BedrockBody
    no_interceptor = "boto3 has no interceptor; register a handler for its events instead"
    #: boto3's names of what asks, for a whole answer and for a stream.
    operations: ClassVar[tuple[str, str]] = ("converse", "converse_stream")
    _translated = staticmethod(translated)
    carried = Carried(
        message=frozenset({"cache_control", "prefix"}),
        part=frozenset({"cache_control", "title", "context", "citations"}),
        tool=frozenset({"strict", "cache_control"}),
        without=frozenset({"seed", "n", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"}),
    )

    def __init__(
        self, *args: Any, region_name: str | None = None, aws_region_name: str | None = None, **settings: Any
    ) -> None:
        self._credentials = present(**{name: settings.pop(name, None) for name in _CREDENTIALS})
        super().__init__(*args, **{_OF_CONVERSE.get(name, name): value for name, value in settings.items()})
        self._region = sole_value("Bedrock", region_name=region_name, aws_region_name=aws_region_name)
        self._thoughts = Thoughts()

    def _new_client(self) -> BedrockClient:
        return BedrockClient(self, self.region_name, self.client_arguments)

    def _new_async_client(self) -> AsyncBedrockClient:
        return AsyncBedrockClient(self, self.region_name, self.client_arguments)

    @property
    def region_name(self) -> str | None:
        """The region that was given, or that the environment names; else boto3 finds one."""
        return self._region or environment(("AWS_REGION_NAME",))

    @property
    def client_arguments(self) -> dict[str, Any]:
        """What boto3's client is made with beside region and address: credentials, and whatever else was given."""
        return {**self._credentials, **(self.client_params or {})}

    def agenerate(self, request: LLMRequest) -> AsyncIterator[Part]:
        """Do as `generate`, by aiobotocore where that is installed, else in a thread."""
        return super().agenerate(request) if has_async_client() else BaseLLM.agenerate(self, request)

    def _arguments(self, request: LLMRequest) -> dict[str, Any]:
        return sdk_arguments(self, self._thoughts.restored(request))

    def _send(self, client: Any, arguments: dict[str, Any], *, stream: bool) -> Any:
        return client.send(self.operations[stream], arguments)

    def _answer(self, request: LLMRequest) -> ProviderAnswer:
        answer = BedrockAnswer(self.provider, partial(self._thoughts.keep, request))
        return StructuredAnswer(answer) if asks_by_tool(self, request) else answer
