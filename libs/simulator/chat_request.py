"""Model of a chat completion request: the fields that the simulator reads."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class StreamOptions(BaseModel):
    """Options for a streamed response, such as whether it ends with token usage."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    include_usage: bool | None = None


class ResponseFormat(BaseModel):
    """Requested format of a response: text, JSON, or JSON that matches a schema."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: str


class ChatRequest(BaseModel):
    """Body of a chat completion request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    model: str = Field(min_length=1)
    messages: list[Any] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    documents: list[Any] = Field(default_factory=list)
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)

    @property
    def asks_for_json(self) -> bool:
        """Whether the answer has to be a JSON document."""
        return self._format in {"json_schema", "json_object"}

    @property
    def asks_for_schema(self) -> bool:
        """Whether the answer has to follow a JSON schema."""
        return self._format == "json_schema"

    @property
    def asks_for_usage(self) -> bool:
        """Whether a stream has to end with its token usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def token_limit(self) -> int | None:
        """The most tokens the answer may have."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def _format(self) -> str:
        return self.response_format.type if self.response_format else "text"
