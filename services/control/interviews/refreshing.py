"""Asks the interviews of a study again with its current version.

A refresh is a submission of control's own: it names the stored revision whose content it has, and
ingestion reads that from PostgreSQL. So it is settled, audited and paid for as every other::

    claimed in PostgreSQL ─▶ transcripts-submitted ─▶ marked as published
            └────────── crash: the next request publishes it ──┘
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from contracts.events import TranscriptSubmitted
from contracts.refreshing import MAX_REFRESHED, RefreshEstimate, StudyRefresh
from contracts.registry import RegisteredStudy
from contracts.topics import TRANSCRIPTS_SUBMITTED
from control.interviews.studies import StudyArchivedError
from control.queries import load_control_queries
from database.pool import Database, Record
from database.queries import transpose_rows
from messaging import KafkaUnavailableError, Publisher

_QUERIES: Final = load_control_queries("refreshes.sql")

ACKNOWLEDGED_WITHIN_S: Final = 10.0
"""Longest that a request waits for the broker to have its submissions, in seconds."""


class StudyRefresher:
    """Publisher of requests to make new notes of interviews, which it claims in PostgreSQL.

    Args:
        database: where interviews, refreshes and the ledger of calls are.
        publisher: sends the submissions.
    """

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    async def plan(
        self, study: RegisteredStudy, only: Collection[UUID] | None, *, requested: int = 0
    ) -> StudyRefresh:
        """Return how a study's interviews stand, and what asking the outdated ones costs.

        Args:
            study: the study.
            only: of these interviews; None: of all.
            requested: how many were just asked again.
        """
        rows = await self._select(study, only)
        outdated = [row for row in rows if _is_outdated(row)]
        return StudyRefresh(
            study_id=study.study_id,
            version=study.version,
            up_to_date=sum(row["is_up_to_date"] for row in rows),
            in_progress=sum(row["is_in_progress"] and not row["is_up_to_date"] for row in rows),
            outdated=len(outdated),
            requested=requested,
            estimate=await self._estimate(study, outdated),
        )

    async def refresh(
        self, study: RegisteredStudy, only: Collection[UUID] | None, by: str
    ) -> StudyRefresh:
        """Ask interviews again that are of another version, at most ``MAX_REFRESHED`` of them.

        What is being asked again is not asked twice, unless it came to nothing: letters of it were
        discarded, and none is open or on its way back.

        Args:
            study: the study.
            only: of these interviews; None: of all.
            by: who wants it.

        Raises:
            StudyArchivedError: it takes no more interviews.
            KafkaUnavailableError: the broker does not have all of them; asking again goes on.
            DatabaseConflictError: another request about the study takes long.
        """
        if study.archived_at is not None:
            raise StudyArchivedError(
                f"the study {study.study_id} is archived: `onrecord study archive --undo` reopens "
                "it"
            )
        if await self._publisher.find_missing_topics([TRANSCRIPTS_SUBMITTED.name]):
            raise KafkaUnavailableError("the topic of submissions does not exist")
        # What another request has claimed and not published yet would be published by both. Claims
        # are committed on connections of their own: what is published has one, come what may.
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.lock_refreshes, study.study_id)
            rows = [row for row in await self._select(study, only) if _is_outdated(row)]
            claimed = []
            for row in rows[:MAX_REFRESHED]:
                event = await self._claim(study, row["transcript_id"], by)
                if event is not None:
                    claimed.append(event)
            await self._publish(claimed)
        return await self.plan(study, only, requested=len(claimed))

    async def _select(
        self, study: RegisteredStudy, only: Collection[UUID] | None
    ) -> Sequence[Record]:
        ids = None if only is None else list(only)
        return await self._database.fetch(
            _QUERIES.select_refresh_states, study.study_id, study.version, ids
        )

    async def _claim(
        self, study: RegisteredStudy, transcript_id: UUID, by: str
    ) -> TranscriptSubmitted | None:
        row = await self._database.fetchrow(
            _QUERIES.claim_refresh, transcript_id, study.study_id, study.version, by
        )
        if row is None or row["is_published"]:
            return None
        return TranscriptSubmitted(
            transcript_id=transcript_id,
            revision=row["revision"],
            title=row["title"],
            study_id=study.study_id,
            content="",
            refresh_version=study.version,
        )

    async def _publish(self, events: Sequence[TranscriptSubmitted]) -> None:
        try:
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await self._publisher.publish(events)
        except TimeoutError as error:
            raise KafkaUnavailableError("the broker did not acknowledge in time") from error
        sent = [(event.transcript_id, event.revision) for event in events]
        await self._database.execute(_QUERIES.mark_refresh_published, *transpose_rows(2, sent))

    async def _estimate(self, study: RegisteredStudy, rows: Sequence[Record]) -> RefreshEstimate:
        revisions = transpose_rows(2, [(row["transcript_id"], row["revision"]) for row in rows])
        inputs = study.inputs.model_dump_json()
        cached = await self._database.fetchval(_QUERIES.count_cached_chunks, *revisions, inputs)
        costs = await self._database.fetchrow(_QUERIES.select_refresh_costs, *revisions)
        assert costs is not None, "it has no GROUP BY"
        return estimate_refresh_costs(sum(row["chunks"] for row in rows), int(cached), dict(costs))


def estimate_refresh_costs(chunks: int, cached: int, costs: dict[str, Any]) -> RefreshEstimate:
    """Estimate the cost of asking a model for new notes on chunks, from its earlier calls.

    Args:
        chunks: how many are asked about.
        cached: of how many the cache may have the answers.
        costs: a row of ``select_refresh_costs``.
    """
    others = chunks - costs["chunks"]

    def low(name: str) -> Decimal:
        every = costs[f"{name}_low"] + others * costs[f"{name}_min"]
        return Decimal(every) * (chunks - cached) / chunks if chunks else Decimal(0)

    def high(name: str) -> Decimal:
        return Decimal(costs[f"{name}_high"] + others * costs[f"{name}_max"])

    is_priced = costs["usd_low"] is not None and costs["usd_high"] is not None
    return RefreshEstimate(
        chunks=chunks,
        measured_chunks=costs["chunks"],
        cached_chunks=cached,
        calls_low=int(low("calls")),
        calls_high=int(high("calls")),
        tokens_low=int(low("tokens")),
        tokens_high=int(high("tokens")),
        usd_low=round(low("usd"), 6) if is_priced else None,
        usd_high=round(high("usd"), 6) if is_priced else None,
    )


def _is_outdated(row: Record) -> bool:
    return not row["is_up_to_date"] and not row["is_in_progress"]
