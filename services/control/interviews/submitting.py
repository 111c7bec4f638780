"""Publishes interviews that are submitted over HTTP, with who submitted them."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

from contracts.encoded import EncodedEvent
from contracts.errors import OnrecordError
from contracts.events import TranscriptSubmitted
from contracts.gzip_content import compress_text
from contracts.submissions import (
    InterviewState,
    StoredRevision,
    SubmittedTranscript,
    Submitter,
    build_submitter_headers,
)
from contracts.topics import MIB, TRANSCRIPTS_SUBMITTED
from contracts.transcript import ContentForm
from control.access.rights import NotPermittedError
from control.access.shared_secrets import SUBMITTER_SECRET, read_or_create_shared_secret
from control.domain import NotFoundError
from control.interviews.studies import StudyArchivedError, StudyStore
from control.interviews.submitted_contents import list_transcript_outcomes
from control.queries import load_control_queries
from database.pool import Database
from messaging import KafkaUnavailableError, Publisher, RecordLocation, RecordTooLargeError

_QUERIES: Final = load_control_queries("requests.sql")
_OWNERSHIP: Final = load_control_queries("ownership.sql")

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""Longest that a submission waits for the broker, in seconds."""


class RevisionConflictError(OnrecordError):
    """Raised when the submitted revision is already stored with different content (HTTP 409)."""


class TranscriptOwnedByOtherError(OnrecordError):
    """Raised when the submitted interview belongs to another producer of its study (HTTP 409)."""


class SubmissionTooLargeError(OnrecordError):
    """Raised when a submission is too large for its topic, even compressed (HTTP 413)."""


class TranscriptSubmitter:
    """Publisher that sends submitted interviews to Kafka, and waits for the broker's ack.

    Args:
        database: knows stored revisions, and the secret that proves who submitted.
        publisher: sends the events.
        open_registration: whether ingestion registers a study that comes with a submission.
    """

    def __init__(
        self, database: Database, publisher: Publisher, *, open_registration: bool = False
    ) -> None:
        self._database = database
        self._publisher = publisher
        self._open_registration = open_registration

    async def check(self, event: TranscriptSubmitted, submitter: Submitter) -> None:
        """Refuse what cannot be accepted, before anything is done.

        Raises:
            NotFoundError: its study is not registered, and this submission does not register it.
            StudyArchivedError: its study takes no more interviews.
            NotPermittedError: its study takes none of this producer.
            TranscriptOwnedByOtherError: another producer submitted it first, for the same study.
            RevisionConflictError: the revision is stored with other content, or is withdrawn.
            KafkaUnavailableError: the broker or its topic is not there.
            DatabaseUnavailableError: try again later.
        """
        await self._check_study(event, submitter)
        # What another study has is for ingestion to refuse: no handover would help, and whoever
        # submits may not know of it.
        whose = (event.transcript_id, event.named_study_id, submitter.producer)
        if await self._database.fetchval(_OWNERSHIP.is_of_another_producer, *whose):
            raise TranscriptOwnedByOtherError(
                f"this interview of {event.named_study_id} belongs to another producer than "
                f"{submitter.producer}, which submitted it first: `onrecord transcript handover` "
                "makes it this one's, or submit it under a name of its own"
            )
        if await self._database.fetchval(
            _OWNERSHIP.is_withdrawn, event.transcript_id, event.revision, event.named_study_id
        ):
            raise RevisionConflictError(
                f"revision {event.revision} of this interview was withdrawn: submit another one, "
                "or restore it (`onrecord transcript restore`)"
            )
        if event.content_form is not ContentForm.URI:
            stored = {
                one.revision: one.content_sha256
                for one in await self._stored(event.transcript_id, event.named_study_id)
            }
            known = stored.get(event.revision)
            if known is not None and known != await asyncio.to_thread(_hash, event):
                raise RevisionConflictError(
                    f"revision {event.revision} of this interview is stored with other content, "
                    f"study or roles: submit the corrected one as revision {max(stored) + 1}"
                )
        if await self._publisher.find_missing_topics([TRANSCRIPTS_SUBMITTED.name]):
            raise KafkaUnavailableError("the topic of submissions does not exist")

    async def _check_study(self, event: TranscriptSubmitted, submitter: Submitter) -> None:
        """Refuse what ingestion would make a letter of, as it is with studies now."""
        study_id = event.named_study_id
        found = await StudyStore(self._database).list_studies([study_id])
        if not found:
            if event.study is not None and self._open_registration:
                return
            raise NotFoundError(
                f"the study {study_id} is not registered: register it (`onrecord study create "
                "FILE`, `POST /v1/studies`), or name another one; then submit this again"
            )
        (study,) = found
        if study.archived_at is not None:
            raise StudyArchivedError(
                f"the study {study_id} is archived and takes no interviews: `onrecord study "
                "archive --undo` reopens it"
            )
        if study.producers and submitter.producer not in study.producers:
            raise NotPermittedError(
                f"the study {study_id} takes no submissions of {submitter.producer}: `onrecord "
                "study edit` adds a producer"
            )

    async def submit(self, event: TranscriptSubmitted, submitter: Submitter) -> SubmittedTranscript:
        """Publish a submission.

        Text that is too large for the topic as it is, is compressed.

        Raises:
            SubmissionTooLargeError: it is too large, even so.
            KafkaUnavailableError: the broker did not acknowledge it in time. It may have it or
                get it yet: submitting the same again changes nothing.
        """
        secret = await read_or_create_shared_secret(self._database, SUBMITTER_SECRET)
        location = await self._publish(event, submitter, secret)
        if location is None and event.content_form is ContentForm.TEXT:
            packed = await asyncio.to_thread(compress_text, event.content)
            event = event.model_copy(update={"content": packed, "content_form": ContentForm.GZIP})
            location = await self._publish(event, submitter, secret)
        if location is None:
            raise SubmissionTooLargeError(_TOO_LARGE)
        return SubmittedTranscript(
            transcript_id=event.transcript_id,
            revision=event.revision,
            study_id=event.named_study_id,
            topic=location.topic,
            partition=location.partition,
            offset=location.offset,
        )

    async def state(self, transcript_id: UUID, study_id: str) -> InterviewState:
        """Return an interview's revisions stored for a study, and what became of its submissions.

        Any producer may name any interview's id: what is stored of it for other studies is not
        this one's, nor are its outcomes.
        """
        outcomes = await list_transcript_outcomes(self._database, transcript_id, [study_id])
        stored = await self._stored(transcript_id, study_id)
        return InterviewState(transcript_id=transcript_id, stored=stored, outcomes=outcomes)

    async def _stored(self, transcript_id: UUID, study_id: str) -> tuple[StoredRevision, ...]:
        rows = await self._database.fetch(_QUERIES.select_stored_revisions, transcript_id, study_id)
        return tuple(StoredRevision(**row) for row in rows)

    async def _publish(
        self, event: TranscriptSubmitted, submitter: Submitter, secret: bytes
    ) -> RecordLocation | None:
        """Publish an event; return None if it is larger than its topic takes.

        The error would keep all that was encoded while the content is compressed.
        """
        encoded = await asyncio.to_thread(EncodedEvent.of, event)
        headers = await asyncio.to_thread(
            build_submitter_headers,
            submitter,
            encoded.key.encode(),
            encoded.body.encode(),
            secret,
        )
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                return await self._publisher.publish_alone(encoded, headers)
        except RecordTooLargeError:
            return None
        except TimeoutError as error:
            raise KafkaUnavailableError("the broker did not acknowledge in time") from error


def _hash(event: TranscriptSubmitted) -> str:
    return event.content_sha256


_TOO_LARGE: Final = (
    f"the interview is larger than {TRANSCRIPTS_SUBMITTED.max_message_bytes // MIB} MiB as a "
    "compressed message: split it, or have it exported without word times"
)
