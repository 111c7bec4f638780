"""A short question that any model answers: it tells an outage from one request's fault."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel

from model_client.requests import ModelRequest, ModelText


class AnyAnswer(BaseModel):
    """Answer whose content does not matter."""


def _accept(_: ModelText) -> AnyAnswer:
    return AnyAnswer()


AVAILABILITY_QUESTION: Final = ModelRequest(
    messages=[{"role": "user", "content": "Reply with the word ok."}],
    schema={},
    response_model=AnyAnswer,
    prompt_version="availability-1",
    parse_text=_accept,
    max_output_tokens=1,
)
"""The shortest answer shows as much as a long one; one that is cut off counts as well."""
