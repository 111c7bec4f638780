"""Admission of submissions: which study one is for, and whether its interview is its producer's.

::

    submission ─▶ study registered? ─▶ takes it? ─▶ transcript claimed ─▶ study for the events
                    unknown_study       study_archived, │ not_yours, revision_gap,
                                        producer_not_allowed       revision_withdrawn
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from contracts import headers as h
from contracts.events import TranscriptSubmitted
from contracts.reading_report import BoundedReadingReport
from contracts.registry import MAX_PRODUCER_CHARACTERS, RegisteredStudy, split_inputs_and_policies
from contracts.study import Study
from contracts.submissions import PERSON_PRODUCER, TOKEN_PRODUCER, Submitter, read_submitter
from contracts.transcript import Segment, TranscriptFormat, decode_word_times
from database.pool import Database, Record
from database.queries import load_queries
from database.text import make_storable_text
from ingestion.domain import StoredInterview
from ingestion.errors import (
    ProducerNotAllowedError,
    RevisionCorrectedError,
    RevisionGapError,
    RevisionWithdrawnError,
    StudyArchivedError,
    TranscriptOwnedByOtherError,
    UnknownCorrectionError,
    UnknownRefreshError,
    UnknownStudyError,
)
from ingestion.reports import correct_reading_report
from messaging import Headers
from messaging.delivery import get_header_text
from rehearsal import get_rehearsal

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "studies.sql")
_REFRESHES: Final = load_queries(Path(__file__).parent / "sql" / "refreshes.sql")

MAX_CACHED: Final = 1_000
"""Most studies that are kept between messages; with more, all are looked up again."""

_PROVED: Final = (TOKEN_PRODUCER, PERSON_PRODUCER)
"""Beginnings of producers' names that take the API's proof."""


class SubmittedRecord(Protocol):
    """Interface of a submission's Kafka record, with the headers that its producer wrote."""

    @property
    def key(self) -> bytes | None:
        """Its key, in bytes."""

    @property
    def value(self) -> bytes | None:
        """Its value, in bytes."""

    @property
    def headers(self) -> Headers:
        """Its headers in order, without those that a retry topic added."""


class AdmittedSubmission(NamedTuple):
    """Submission that may be ingested, with its registered study."""

    submitted: TranscriptSubmitted
    study: Study
    stored: StoredInterview | None = None
    """What is stored of it, if it is asked again or corrected."""


class SubmissionAdmitter(Protocol):
    """Interface of functions that decide whether a submission may be ingested, or raise."""

    async def __call__(
        self, submitted: TranscriptSubmitted, record: SubmittedRecord | None
    ) -> AdmittedSubmission:
        """Return the interview as it may be ingested, and its study.

        Args:
            submitted: the interview.
            record: its record; the headers say, and may prove, who sent it.
        """
        ...


class StudyRegistry:
    """Registry of studies, and of the owners of transcripts, in PostgreSQL.

    Args:
        database: where they are.
        is_open: whether a study that comes with a submission is registered by it.
        cache_s: how long a study that was looked up is used, in seconds; 0: once.
        clock: returns seconds that never go back.
    """

    def __init__(
        self,
        database: Database,
        *,
        is_open: bool,
        cache_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._is_open = is_open
        self._cache_s = cache_s
        self._clock = clock
        self._cached: dict[str, tuple[float, RegisteredStudy]] = {}
        self._secret: bytes | None = None

    async def admit(
        self, submitted: TranscriptSubmitted, record: SubmittedRecord | None
    ) -> AdmittedSubmission:
        """Claim a submission's transcript, and return it with the study that it is for.

        Raises:
            UnknownStudyError: its study is not registered.
            StudyArchivedError: its study takes no more interviews.
            ProducerNotAllowedError: its study takes none of this producer.
            TranscriptOwnedByOtherError: the transcript is another study's or producer's.
            RevisionGapError: the revision does not follow the one before.
            RevisionWithdrawnError: the revision was withdrawn.
            UnknownRefreshError: it is to be asked again, and nobody asked for that.
            UnknownCorrectionError: it is a correction, and nobody asked for that.
            RevisionCorrectedError: its revision is a correction.
            DatabaseUnavailableError: nobody can be asked.
        """
        if submitted.refresh_version is not None:
            return await self._admit_refresh(submitted)
        if submitted.corrects is not None:
            return await self._admit_correction(submitted)
        producer = "" if record is None else await self.identify_producer(record)
        study = await self._find(submitted, producer)
        if study.archived_at is not None:
            raise StudyArchivedError(study.study_id)
        if study.producers and producer not in study.producers:
            raise ProducerNotAllowedError(study.study_id)
        await self._claim(submitted, producer)
        if submitted.accept_doubtful and not study.lets_submissions_accept_doubts:
            submitted = submitted.model_copy(update={"accept_doubtful": False})
        if submitted.study is None:
            return AdmittedSubmission(submitted, study.study)
        asked = study.admit(submitted.study, takes_inputs=self._is_open)
        return AdmittedSubmission(submitted, asked)

    async def _admit_refresh(self, submitted: TranscriptSubmitted) -> AdmittedSubmission:
        """Return what is stored of an interview that is to be asked again.

        That it was asked for, PostgreSQL says, whoever wrote the record. Of policies, those count
        that are the stricter: the study's now, or those that the interview has.
        """
        revision = submitted.transcript_id, submitted.revision
        row = await self._database.fetchrow(_REFRESHES.select_refreshed, *revision)
        if row is None or row["study_id"] != submitted.named_study_id:
            raise UnknownRefreshError(*revision)
        if row["is_withdrawn"]:
            raise RevisionWithdrawnError(*revision)
        self._cached.pop(row["study_id"], None)  # what is kept may be the version before
        study = await self._look_up(row["study_id"])
        assert study is not None, "nobody deletes a registered study"
        segments = await self._database.fetch(_REFRESHES.select_refreshed_segments, *revision)
        stored = _build_stored(row, segments)
        inline = Study.model_validate_json(row["study"])
        return AdmittedSubmission(submitted, study.admit(inline, takes_inputs=False), stored)

    async def _admit_correction(self, submitted: TranscriptSubmitted) -> AdmittedSubmission:
        """Return what is stored of an interview that people corrected, as they corrected it.

        It is asked what it was asked before, also if its study has a newer version, so that what
        did not change is answered by the cache. Of policies, the stricter ones count.
        """
        revision = submitted.transcript_id, submitted.revision
        row = await self._database.fetchrow(_REFRESHES.select_corrected, *revision)
        if row is None or row["study_id"] != submitted.named_study_id:
            raise UnknownCorrectionError(*revision)
        if row["is_withdrawn"]:
            raise RevisionWithdrawnError(*revision)
        study = await self._look_up(row["study_id"])
        assert study is not None, "nobody deletes a registered study"
        segments = await self._database.fetch(_REFRESHES.select_corrected_segments, *revision)
        stored = _build_stored(row, segments)
        if row["report"] is not None:
            report = BoundedReadingReport.model_validate_json(row["report"])
            report = correct_reading_report(report, stored.segments, row["corrected_segments"])
            stored = replace(stored, reading_report=report)
        inline = Study.model_validate_json(row["study"])
        asked = study.admit(inline, takes_inputs=True)
        asked = asked.model_copy(update={"version": inline.version})
        return AdmittedSubmission(submitted, asked, stored)

    async def identify_producer(self, record: SubmittedRecord) -> str:
        """Return who sent a submission, by the API's proof, else the CloudEvents ``source``.

        Control's API proves by a header which token (``token:NAME``) or which person of the OpenID
        Connect issuer (``person:ID``) it was. A source is what the record says: whoever may
        write to the topic may write any, but none that reads like a token or a person.

        Raises:
            DatabaseUnavailableError: the proof cannot be checked now.
        """
        if (submitter := await self._read_submitter(record)) is not None:
            name = submitter.producer
        else:
            name = get_header_text(record.headers, h.CE_SOURCE) or ""
            if name.startswith(_PROVED):
                name = f"source:{name}"
        return make_storable_text(name, max_length=MAX_PRODUCER_CHARACTERS)

    async def _read_submitter(self, record: SubmittedRecord) -> Submitter | None:
        if get_header_text(record.headers, h.SUBMITTED_BY_MAC) is None:
            return None
        if (submitter := self._check_proof(record)) is not None:
            return submitter
        # Control makes the secret when it is first needed; it may also have been made anew.
        found = await self._database.fetchval(_QUERIES.select_submitter_secret)
        self._secret = None if found is None else bytes(found)
        return self._check_proof(record)

    def _check_proof(self, record: SubmittedRecord) -> Submitter | None:
        if self._secret is None:
            return None
        return read_submitter(record.headers, record.key, record.value, self._secret)

    async def _find(self, submitted: TranscriptSubmitted, producer: str) -> RegisteredStudy:
        study_id = submitted.named_study_id
        if (study := await self._look_up(study_id)) is not None:
            return study
        if submitted.study is None or not self._is_open:
            raise UnknownStudyError(study_id)
        await self._register(submitted.study, producer)
        study = await self._look_up(study_id)
        assert study is not None, "nobody deletes a registered study"
        return study

    async def _look_up(self, study_id: str) -> RegisteredStudy | None:
        now = self._clock()
        until, study = self._cached.get(study_id, (now, None))
        if study is not None and now < until:
            return study
        row = await self._database.fetchrow(_QUERIES.select_study, study_id)
        if row is None:
            return None
        if len(self._cached) >= MAX_CACHED:
            self._cached.clear()
        study = RegisteredStudy.of_row(dict(row))
        if get_rehearsal() is not None:
            return study  # a rehearsal may have registered it, which is undone
        self._cached[study_id] = now + self._cache_s, study
        return study

    async def _register(self, study: Study, producer: str) -> None:
        inputs, policies = split_inputs_and_policies(study)
        await self._database.execute(
            _QUERIES.register_study,
            study.study_id,
            policies.personal_data,
            policies.doubtful_speakers,
            policies.statements,
            list(policies.models),
            producer,
            inputs.model_dump_json(),
        )

    async def _claim(self, submitted: TranscriptSubmitted, producer: str) -> None:
        found = await self._database.fetchrow(
            _QUERIES.claim_transcript,
            submitted.transcript_id,
            submitted.named_study_id,
            producer,
            submitted.revision,
            submitted.supersedes,
        )
        assert found is not None, "the function returns one row"
        _refuse(found, submitted.transcript_id, submitted.revision)


def _build_stored(row: Record, segments: Sequence[Record]) -> StoredInterview:
    return StoredInterview(
        title=row["title"],
        format=TranscriptFormat(row["format"]),
        recorded_at=row["recorded_at"],
        segments=tuple(
            Segment(**{**segment, "words": decode_word_times(segment["words"])})
            for segment in segments
        ),
    )


def _refuse(claim: Record, transcript_id: UUID, revision: int) -> None:
    if claim["refusal"] == "owner":
        raise TranscriptOwnedByOtherError(transcript_id)
    if claim["refusal"] == "gap":
        raise RevisionGapError(transcript_id, revision, claim["owner_revision"])
    if claim["refusal"] == "corrected":
        raise RevisionCorrectedError(transcript_id, revision, claim["owner_revision"])
    if claim["refusal"] == "withdrawn":
        raise RevisionWithdrawnError(transcript_id, revision, claim["owner_revision"])
