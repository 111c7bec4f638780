"""Admission of submissions where a test has no registry of studies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from contracts.events import TranscriptSubmitted
from database.erasures import ErasedTranscripts
from database.settings import PostgresSettings
from ingestion.registry import AdmittedSubmission


def open_ingestion(postgres: PostgresSettings) -> dict[str, str]:
    """Return the environment of an ingestion that registers the studies of submissions."""
    return {
        "INGESTION_OPEN_REGISTRATION": "true",
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
    }


class NothingErased(ErasedTranscripts):
    """Interviews that were erased, where none was."""

    def __init__(self) -> None:
        """Ask no database."""

    async def contains(self, transcript_id: UUID) -> bool:
        """Return False."""
        del transcript_id
        return False


async def admit_inline(submitted: TranscriptSubmitted, record: Any = None) -> AdmittedSubmission:
    """Return a submission with the study that came with it, whosever the interview is."""
    del record
    assert submitted.study is not None
    return AdmittedSubmission(submitted, submitted.study)
