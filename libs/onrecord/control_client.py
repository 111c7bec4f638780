"""Control's HTTP API, as commands call it: dead letters, tokens and the trail."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from typing import Final
from uuid import UUID, uuid4

from pydantic import TypeAdapter, ValidationError

from contracts.access import (
    AccessToken,
    AccessTokenPage,
    CreatedToken,
    CreateTokenRequest,
    Session,
    SessionPage,
    TrailPage,
    WhoAmI,
)
from contracts.control_api import (
    MOST_LETTERS,
    DeadLetter,
    DeadLetterCount,
    DeadLetterPage,
    DeadLetterWithValue,
)
from contracts.corrections import CorrectTranscriptRequest, TranscriptCorrection
from contracts.drift import DriftReport
from contracts.operations import AuditReport, PipelineState
from contracts.ownership import (
    HandOverRequest,
    HandoverResult,
    HandOverStudyRequest,
    OwnedTranscript,
    RevisionChangeResult,
    WithdrawRevisionRequest,
)
from contracts.refreshing import RefreshStudyRequest, StudyRefresh
from contracts.registry import (
    CreateStudyRequest,
    EditStudyRequest,
    RegisteredStudy,
    RegisteredStudyPage,
)
from contracts.study import Identifier
from contracts.submissions import InterviewState, SubmittedTranscript, SubmitTranscriptRequest
from onrecord.control_transport import (
    ControlTransport,
    SlicedRequestBody,
)
from onrecord.errors import FailedError, UsageError

_STUDY_ID: Final[TypeAdapter[str]] = TypeAdapter(Identifier)

AUDIT_S: Final = 600.0
"""Longest wait for an audit, in seconds."""


class ControlClient(ControlTransport):
    """Client of control's HTTP API for dead letters, studies, access tokens and the audit trail.

    Methods raise ``UsageError`` for an id that names no letter or several and for a token that is
    not valid or may not do what is asked, and
    ``UnreachableError`` when control does not answer, or waits for its own dependencies.
    """

    async def letters(
        self, which: Mapping[str, str | None], *, limit: int = MOST_LETTERS
    ) -> list[DeadLetter]:
        """Return letters that match, the latest first.

        Args:
            which: narrows by ``service``, ``code``, ``state``, ``subject`` or ``key``; None does
                not.
            limit: at most so many, up to ``MOST_LETTERS``.
        """
        page = await self.get("/v1/letters", DeadLetterPage, {**which, "limit": limit})
        return list(page.letters)

    async def letters_page(
        self, which: Mapping[str, str | None], *, limit: int, snoozed: bool = False
    ) -> DeadLetterPage:
        """Return the first page of letters that match, with the number of those left out.

        Args:
            which: as for ``letters``.
            limit: at most so many, up to ``MOST_LETTERS``.
            snoozed: with ``state`` open: letters that are snoozed now, too.
        """
        params = {**which, "limit": limit, "snoozed": snoozed or None}
        return await self.get("/v1/letters", DeadLetterPage, params)

    async def counts(self) -> list[DeadLetterCount]:
        """Return how many letters there are by service, state and cause."""
        return await self.get("/v1/letters/counts", list[DeadLetterCount])

    async def letter(self, letter_id: str) -> DeadLetterWithValue:
        """Return a letter by its id or the beginning of it, with its value's first MiB."""
        return await self.get(get_letter_path(letter_id), DeadLetterWithValue)

    async def value(self, letter_id: str) -> bytes | None:
        """Return a letter's value as it was set aside, however large; None for a tombstone."""
        return await self.get_bytes(f"{get_letter_path(letter_id)}/value")

    async def replay(self, letter_id: str, *, force: bool = False) -> DeadLetter:
        """Put a letter back.

        Args:
            letter_id: its id, or the beginning of it.
            force: whether one goes back that a replay cannot mend as things are.

        Raises:
            DeadLetterClosedError: it was replayed or discarded before, or a replay cannot mend it.
        """
        params = {"force": "true"} if force else {}
        path = f"{get_letter_path(letter_id)}/replay"
        return await self.send("POST", path, DeadLetter, params=params)

    async def discard(self, letter_id: str, reason: str) -> DeadLetter:
        """Give a letter up.

        Raises:
            DeadLetterClosedError: it was replayed or discarded before.
        """
        path = f"{get_letter_path(letter_id)}/discard"
        return await self.send("POST", path, DeadLetter, json={"reason": reason})

    async def submit(
        self, request: SubmitTranscriptRequest, idempotency_key: str
    ) -> SubmittedTranscript:
        """Submit an interview; return once Kafka has it.

        Args:
            request: the interview.
            idempotency_key: the same for each try to submit it.

        Raises:
            UsageError: it cannot be accepted, such as a revision stored with other content.
        """
        body = gzip.compress(request.model_dump_json(exclude_defaults=True).encode(), mtime=0)
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Content-Length": str(len(body)),
            "Idempotency-Key": idempotency_key,
        }
        try:
            return await self.send(
                "POST",
                "/v1/transcripts",
                SubmittedTranscript,
                content=SlicedRequestBody(body),
                headers=headers,
                is_large=True,
            )
        except FailedError as error:
            raise UsageError(str(error)) from error

    async def interview_state(self, study_id: str, source: str) -> InterviewState:
        """Return what is known of an interview: stored revisions, and outcomes.

        Args:
            study_id: the study's id.
            source: what it was submitted as, such as its file's name.
        """
        path = f"/v1/studies/{study_id}/submissions"
        return await self.get(path, InterviewState, {"source": source})

    async def audit(self) -> AuditReport:
        """Audit that nothing is lost."""
        return await self.send("GET", "/v1/audit", AuditReport, within_s=AUDIT_S)

    async def pipeline(self) -> PipelineState:
        """Return the status of all services, and what each has before it."""
        return await self.get("/v1/pipeline", PipelineState)

    async def drift(self) -> DriftReport:
        """Return the latest alarms about drift, and what is watched."""
        return await self.get("/v1/drift", DriftReport)

    async def who_am_i(self) -> WhoAmI:
        """Return the name and the roles of the token."""
        return await self.get("/v1/me", WhoAmI)

    async def create_token(self, wanted: CreateTokenRequest) -> CreatedToken:
        """Make a token, and return it with its secret."""
        body = wanted.model_dump(mode="json")
        return await self.send("POST", "/v1/tokens", CreatedToken, json=body)

    async def list_tokens(self) -> list[AccessToken]:
        """Return the tokens, the latest first."""
        pages = self.pages("/v1/tokens", AccessTokenPage)
        return [one async for page in pages for one in page.tokens]

    async def revoke_token(self, token_id: UUID) -> AccessToken:
        """Revoke a token, and return it."""
        return await self.send("DELETE", f"/v1/tokens/{token_id}", AccessToken)

    async def list_sessions(self, *, ended: bool = False) -> list[Session]:
        """Return the sessions of browsers, the latest first.

        Args:
            ended: those that have ended, too.
        """
        pages = self.pages("/v1/sessions", SessionPage, {"ended": "true" if ended else None})
        return [one async for page in pages for one in page.sessions]

    async def end_session(self, session_id: UUID) -> None:
        """End a session of a browser."""
        await self.send_for_nothing("DELETE", f"/v1/sessions/{session_id}")

    async def create_study(self, wanted: CreateStudyRequest) -> RegisteredStudy:
        """Register a study, and return it."""
        body = wanted.model_dump(mode="json", exclude_unset=True)
        return await self.send("POST", "/v1/studies", RegisteredStudy, json=body)

    async def study(self, study_id: str) -> RegisteredStudy:
        """Return a registered study."""
        path = f"/v1/studies/{_study_part(study_id)}/registration"
        return await self.get(path, RegisteredStudy)

    async def list_registered_studies(self) -> list[RegisteredStudy]:
        """Return the registered studies that the token may read, by their ids."""
        pages = self.pages("/v1/registrations", RegisteredStudyPage)
        return [one async for page in pages for one in page.studies]

    async def refresh_study(self, study_id: str, wanted: RefreshStudyRequest) -> StudyRefresh:
        """Ask a study's interviews again with its current version, or say what that costs."""
        path = f"/v1/studies/{_study_part(study_id)}/refresh"
        body = wanted.model_dump(mode="json")
        return await self.send("POST", path, StudyRefresh, json=body)

    async def edit_study(
        self, study: RegisteredStudy, changes: EditStudyRequest
    ) -> RegisteredStudy:
        """Change a study, if it is still as it was read, and return it.

        Raises:
            FailedError: it was changed meanwhile.
        """
        return await self.send(
            "PATCH",
            f"/v1/studies/{study.study_id}/registration",
            RegisteredStudy,
            json=changes.model_dump(mode="json", exclude_unset=True),
            headers={"If-Match": f'"{study.changes}"'},
        )

    async def withdraw_revision(
        self, transcript_id: UUID, wanted: WithdrawRevisionRequest
    ) -> RevisionChangeResult:
        """Withdraw a revision of an interview, and return which, with the interview."""
        return await self._change_revision(transcript_id, "withdraw", wanted)

    async def restore_revision(
        self, transcript_id: UUID, wanted: WithdrawRevisionRequest
    ) -> RevisionChangeResult:
        """Restore a revision that was withdrawn, and return which, with the interview."""
        return await self._change_revision(transcript_id, "restore", wanted)

    async def plan_correction(
        self, transcript_id: UUID, wanted: CorrectTranscriptRequest
    ) -> TranscriptCorrection:
        """Return what a correction of an interview would change."""
        dry = wanted.model_copy(update={"dry_run": True})
        path = f"/v1/transcripts/{transcript_id}/fix"
        return await self.send("POST", path, TranscriptCorrection, json=dry.model_dump(mode="json"))

    async def correct_transcript(
        self, planned: TranscriptCorrection, wanted: CorrectTranscriptRequest
    ) -> TranscriptCorrection:
        """Correct an interview as planned, if the revision it was planned for is current still."""
        return await self.send(
            "POST",
            f"/v1/transcripts/{planned.transcript_id}/fix",
            TranscriptCorrection,
            json=wanted.model_dump(mode="json"),
            headers={"If-Match": f'"{planned.corrects}"', "Idempotency-Key": str(uuid4())},
        )

    async def hand_over_transcript(
        self, transcript_id: UUID, wanted: HandOverRequest
    ) -> OwnedTranscript:
        """Hand an interview over to another producer, and return it."""
        path = f"/v1/transcripts/{transcript_id}/handover"
        return await self.send("POST", path, OwnedTranscript, json=wanted.model_dump(mode="json"))

    async def hand_over_interviews(
        self, study_id: str, wanted: HandOverStudyRequest
    ) -> HandoverResult:
        """Hand the interviews of a study over to another producer; return how many were."""
        path = f"/v1/studies/{_study_part(study_id)}/handover"
        return await self.send("POST", path, HandoverResult, json=wanted.model_dump(mode="json"))

    async def _change_revision(
        self, transcript_id: UUID, verb: str, wanted: WithdrawRevisionRequest
    ) -> RevisionChangeResult:
        path = f"/v1/transcripts/{transcript_id}/{verb}"
        # Without a number, a request that is sent again would take another revision.
        headers = {"Idempotency-Key": str(uuid4())}
        body = wanted.model_dump(mode="json")
        return await self.send("POST", path, RevisionChangeResult, json=body, headers=headers)

    async def trail(self, which: Mapping[str, str | int | None]) -> TrailPage:
        """Return a page of the trail, the latest entry first.

        Args:
            which: ``actor``, ``action``, ``study_id``, ``cursor`` and ``limit``; None does not
                narrow.
        """
        return await self.get("/v1/trail", TrailPage, which)


def get_letter_path(letter_id: str) -> str:
    """Return the path of a dead letter in the control service's API.

    Raises:
        UsageError: the id has something in it beside letters, digits and dashes.
    """
    if not letter_id.replace("-", "").isalnum() or not letter_id.isascii():
        raise UsageError(f"{letter_id!r} is no letter's id, nor the beginning of one")
    return f"/v1/letters/{letter_id}"


def _study_part(study_id: str) -> str:
    """A study's id as a part of a path.

    Raises:
        UsageError: no study can have it.
    """
    try:
        return _STUDY_ID.validate_python(study_id)
    except ValidationError as error:
        raise UsageError(f"{study_id!r} is no study's id") from error
