"""A short question that any model answers: it tells an outage from one request's fault."""

from __future__ import annotations

from uuid import uuid4

from pydantic import BaseModel

from model_client.requests import ModelRequest, ModelText


class AnyAnswer(BaseModel):
    """Answer to a test request that only shows whether a model is available; any text will do."""


def build_availability_request() -> ModelRequest[AnyAnswer]:
    """Build a request for one token, to test whether a model endpoint is available.

    No two have the same text, so that no cache on the way answers for a model that is down.
    """
    return ModelRequest(
        messages=[{"role": "user", "content": f"Reply with the word ok. ({uuid4()})"}],
        schema={},
        response_model=AnyAnswer,
        prompt_version="availability-1",
        parse_text=_accept,
        max_output_tokens=1,
    )


def _accept(_: ModelText) -> AnyAnswer:
    return AnyAnswer()
