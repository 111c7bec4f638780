"""Admission of submissions where a test has no registry of studies."""

from __future__ import annotations

from contracts.events import TranscriptSubmitted
from contracts.study import Study
from database.settings import PostgresSettings
from messaging import Headers


def open_ingestion(postgres: PostgresSettings) -> dict[str, str]:
    """Return the environment of an ingestion that registers the studies of submissions."""
    return {
        "INGESTION_OPEN_REGISTRATION": "true",
        "POSTGRES_DSN": postgres.dsn.get_secret_value(),
    }


async def admit_inline(submitted: TranscriptSubmitted, headers: Headers = ()) -> Study:
    """Return the study that came with a submission, whosever the interview is."""
    del headers
    assert submitted.study is not None
    return submitted.study
