"""Endpoint by which people correct the speakers, roles and title of a stored interview."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from contracts.corrections import CorrectTranscriptRequest, TranscriptCorrection
from control.access.rights import Right
from control.api.authorization import Submitter
from control.api.context import Context, HeavyPlace
from control.api.etags import IfMatch, parse_if_match_version, set_version_etag
from control.api.idempotency import claim_idempotency_key, compute_request_fingerprint
from control.api.interviews import TranscriptPath
from control.api.json_bodies import JsonBody
from control.api.openapi import build_error_responses
from control.api.ownership import find_owned_transcript
from control.domain import ConcurrentChangeError, NotFoundError
from control.interviews.studies import StudyArchivedError
from read_model.transcripts import TranscriptQueries

router: Final = APIRouter(tags=["transcripts"])


@router.post(
    "/transcripts/{transcript_id}/fix", responses=build_error_responses(404, 409, 412, 422, 428)
)
async def correct_transcript(  # noqa: PLR0913, PLR0917 - FastAPI names them
    transcript_id: TranscriptPath,
    wanted: JsonBody[CorrectTranscriptRequest],
    request: Request,
    response: Response,
    context: Context,
    caller: Submitter,
    place: HeavyPlace,
    if_match: IfMatch = None,
) -> TranscriptCorrection:
    """Correct who speaks in an interview, their roles, or its title, as a new revision.

    Words, numbers and times of turns stay as they are. A dry run says what would change, with the
    current revision as `ETag`; the change itself takes it as `If-Match`. The corrected revision is
    current once all of its notes are stored.
    """
    del place
    owned = await find_owned_transcript(context, caller, transcript_id)
    expected = None if wanted.dry_run else parse_if_match_version(if_match)
    fingerprint = await compute_request_fingerprint(request, await request.body())
    await claim_idempotency_key(request, context, caller, fingerprint)
    found = await TranscriptQueries(context.database).revision(transcript_id, None)
    if found is None or found.study_id != owned.study_id:
        raise NotFoundError(f"no revision of interview {transcript_id} is stored")
    if expected not in {None, found.revision}:
        raise ConcurrentChangeError(
            f"revision {found.revision} is current now, not {expected}: look at it, and correct "
            "that one"
        )
    shows_labels = found.is_open or caller.may(Right.READ_EVIDENCE, owned.study_id)
    corrector = context.build_corrector(caller.token_id)
    planned = await corrector.plan(transcript_id, found, wanted, shows_labels=shows_labels)
    set_version_etag(response, found.revision)
    if wanted.dry_run:
        return planned.changes
    study = await context.studies.find(owned.study_id)
    if study.archived_at is not None:
        raise StudyArchivedError(
            f"the study {study.study_id} is archived: `onrecord study archive --undo` reopens it"
        )
    target = f"{transcript_id} revision {found.revision}: {_summarize(wanted)}"
    reason = wanted.reason or ""
    await context.trail.record(caller, "transcript.fix", target, owned.study_id, reason)
    return await corrector.correct(planned, caller.name)


def _summarize(wanted: CorrectTranscriptRequest) -> str:
    """Summarize a correction for the trail, without the words and names that are corrected."""
    parts = [
        *(["title"] if wanted.title is not None else []),
        *([f"{len(wanted.speakers)} speakers"] if wanted.speakers else []),
        *([f"{len(wanted.turns)} ranges of turns"] if wanted.turns else []),
    ]
    return ", ".join(parts)
