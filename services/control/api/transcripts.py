"""Endpoints of submissions: submit an interview, and learn what is known of one."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contracts.access import StudyId
from contracts.events import TranscriptSubmitted
from contracts.ids import derive_transcript_id
from contracts.submissions import (
    InterviewState,
    Source,
    SubmittedTranscript,
    SubmitTranscriptRequest,
)
from contracts.submissions import Submitter as TokenSubmitter
from contracts.topics import MIB
from control.access.rights import Right
from control.api.authorization import StudySubmitter, Submitter
from control.api.bodies import read_request_body
from control.api.context import Context, HeavyPlace
from control.api.idempotency import claim_idempotency_key, compute_request_fingerprint
from control.api.openapi import build_body_schema, build_error_responses
from control.api.problems import format_validation_error
from control.domain import BadRequestError

router: Final = APIRouter(tags=["transcripts"])

PATH: Final = "/transcripts"
"""Path of submissions, whose bodies may be larger than others'."""

LARGE_BYTES: Final = 4 * MIB
"""Size of a submission's body, in bytes after decompression, beyond which one at a time is parsed
and published."""

_BODY: Final[dict[str, Any]] = {
    # It is read in pieces, which FastAPI does not; so FastAPI does not know its model either.
    "requestBody": {
        "required": True,
        "description": "May be sent with `Content-Encoding: gzip`.",
        "content": {"application/json": {"schema": build_body_schema(SubmitTranscriptRequest)}},
    }
}


@router.post(
    PATH,
    status_code=202,
    responses=build_error_responses(404, 408, 409, 413, 422),
    openapi_extra=_BODY,
)
async def submit_transcript(
    request: Request, context: Context, caller: Submitter, place: HeavyPlace
) -> SubmittedTranscript:
    """Submit an interview to Kafka; 202 once the broker has it, also for a repeated request.

    404: nobody has registered its study, and where registration is open, it has none of its own.

    A 503 means that Kafka has not acknowledged it: submit it again.
    """
    del place
    content = await read_request_body(request, context.max_transcript_bytes, context.upload_pace)
    is_large = len(content) > LARGE_BYTES
    # What is parsed, encoded and compressed is held several times: of large ones, one at a time.
    large = context.large_submission.place(caller.token_id)
    async with large if is_large else nullcontext():
        fingerprint = await compute_request_fingerprint(request, content)
        event = await asyncio.to_thread(_read, content)
        content.clear()
        study_id = event.named_study_id
        caller.require([Right.SUBMIT], study_id)
        await claim_idempotency_key(request, context, caller, fingerprint)
        by = TokenSubmitter(token_id=caller.token_id, name=caller.name, is_person=caller.is_person)
        submitter = context.submitter
        await submitter.check(event, by)
        target = f"{event.transcript_id} revision {event.revision}"
        await context.trail.record(caller, "transcript.submit", target, study_id)
        return await submitter.submit(event, by)


class ReadInterviewStateRequest(BaseModel):
    """Parameters of the request for an interview's state: the study and source."""

    model_config = ConfigDict(extra="forbid")

    source: Source = Field(description="What the interview was submitted as.")


@router.get("/studies/{study_id}/submissions", responses=build_error_responses(404))
async def read_interview_state(
    study_id: Annotated[StudyId, Path(description="The study's id.")],
    which: Annotated[ReadInterviewStateRequest, Query()],
    context: Context,
    caller: StudySubmitter,
) -> InterviewState:
    """Return the stored revisions of an interview, and the outcomes of its submissions."""
    del caller
    transcript_id = derive_transcript_id(study_id, which.source)
    return await context.submitter.state(transcript_id, study_id)


def _read(content: bytearray) -> TranscriptSubmitted:
    try:
        return SubmitTranscriptRequest.model_validate_json(content, strict=True).to_event()
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        places = [{**one, "loc": ("body", *one["loc"])} for one in found]
        raise BadRequestError(format_validation_error(places)) from error
