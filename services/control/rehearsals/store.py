"""Rehearsals, their letters and the predictions in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID, uuid4

from contracts.control_api import DeadLetterFilter, DeadLetterState
from contracts.rehearsals import (
    LetterRehearsal,
    ListRehearsedLettersRequest,
    RehearsalAccuracy,
    RehearsalMode,
    RehearsalPrediction,
    RehearsalRequest,
    RehearsedLetter,
)
from contracts.replay_options import NO_OVERRIDES, ReplayOverrides
from control.domain import ConcurrentChangeError, DeadLetterPosition, NotFoundError
from control.letters.edits import LetterEditor
from control.queries import load_control_queries
from control.rehearsals.prediction import LetterPrediction
from control.replays.overrides import validate_overrides
from database.pool import Database, Record
from database.text import replace_nul

_QUERIES: Final = load_control_queries("rehearsals.sql")

KEPT: Final = timedelta(days=30)
"""How long a rehearsal is kept once it is done."""

LEASE: Final = timedelta(seconds=30)
"""How long a rehearsal waits for a worker that was killed."""


SETTLED_WITHIN: Final = timedelta(minutes=5)
"""How long a call that is not settled may still be; later its process was killed."""


class ClaimedRehearsal(NamedTuple):
    """Rehearsal that a worker has claimed: its id, mode, budget and overrides."""

    rehearsal_id: UUID
    mode: RehearsalMode
    budget_usd: Decimal
    overrides: ReplayOverrides = NO_OVERRIDES


class LetterToRehearse(NamedTuple):
    """Dead letter whose replay a rehearsal is still to predict, with its place in the DLQ."""

    letter_id: UUID
    place: DeadLetterPosition | None
    refusal: str
    size_bytes: int
    subject: str | None = None


class RehearsalStore:
    """Store of rehearsals, their dead letters and predictions, in PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.editor = LetterEditor(database)

    async def begin(
        self, asked: RehearsalRequest, named: Sequence[UUID], *, by: str
    ) -> LetterRehearsal:
        """Begin a rehearsal of the open letters that are named, or match.

        Args:
            asked: the filter, how many, and whether models may be called.
            named: ids of letters; then the filter has nothing in it.
            by: who asks.

        Raises:
            NotFoundError: no open letter matches.
            BadRequestError: its messages are to use what there is not.
        """
        overrides = validate_overrides(asked.overrides, datetime.now(UTC))
        rehearsal_id = uuid4()
        which = asked.model_dump_json(
            include=set(DeadLetterFilter.model_fields) - {"state"}, exclude_none=True
        )
        async with self._database.transaction() as connection:
            await connection.execute(
                _QUERIES.insert_rehearsal,
                rehearsal_id,
                asked.mode,
                asked.budget_usd,
                by,
                overrides.model_dump_json(exclude_defaults=True),
            )
            matching = await connection.fetchval(
                _QUERIES.choose_letters, rehearsal_id, which, list(named) or None, asked.sample
            )
            if not matching:
                raise NotFoundError("no open dead letter matches: there is nothing to rehearse")
        return await self.rehearsal(rehearsal_id)

    async def rehearsal(self, rehearsal_id: UUID) -> LetterRehearsal:
        """Return a rehearsal, with the predictions' counts and accuracy.

        Raises:
            NotFoundError: there is none with this id.
        """
        row = await self._database.fetchrow(_QUERIES.select_rehearsal, rehearsal_id)
        if row is None:
            raise NotFoundError(f"there is no rehearsal {rehearsal_id}")
        outcomes = await self._database.fetch(_QUERIES.select_outcomes, rehearsal_id, None)
        predictions = json.loads(row["predictions"] or "{}")
        overrides = json.loads(row["overrides"])
        return LetterRehearsal(
            **{
                **row,
                "predictions": predictions,
                "overrides": overrides,
                "accuracy": _compare(outcomes),
            }
        )

    async def letters(
        self, rehearsal_id: UUID, which: ListRehearsedLettersRequest, after: UUID | None
    ) -> list[RehearsedLetter]:
        """Return a page of a rehearsal's letters, by id, with what replays ended in."""
        rows = await self._database.fetch(
            _QUERIES.select_rehearsed_letters,
            rehearsal_id,
            which.prediction,
            which.cause,
            after,
            which.limit,
        )
        ids = [row["letter_id"] for row in rows]
        found = await self._database.fetch(_QUERIES.select_outcomes, rehearsal_id, ids)
        outcomes = {row["letter_id"]: row["outcome"] for row in found}
        return [RehearsedLetter(**row, outcome=outcomes.get(row["letter_id"], "")) for row in rows]

    async def cancel(self, rehearsal_id: UUID) -> None:
        """Rehearse no more letters.

        Raises:
            NotFoundError: there is no such rehearsal.
            ConcurrentChangeError: it is over.
        """
        if await self._database.fetchval(_QUERIES.cancel_rehearsal, rehearsal_id) is None:
            found = await self.rehearsal(rehearsal_id)
            raise ConcurrentChangeError(f"the rehearsal is {found.state.value} already")

    async def claim(self, worker: UUID) -> ClaimedRehearsal | None:
        """Return a rehearsal to work on; None if there is none."""
        row = await self._database.fetchrow(_QUERIES.claim_rehearsal, worker, LEASE)
        if row is None:
            return None
        return ClaimedRehearsal(
            row["rehearsal_id"],
            RehearsalMode(row["mode"]),
            row["budget_usd"],
            ReplayOverrides.model_validate_json(row["overrides"]),
        )

    async def renew(self, rehearsal_id: UUID, worker: UUID) -> bool:
        """Extend a worker's lease; False if the rehearsal is not its own any more."""
        renewed = await self._database.fetchval(_QUERIES.renew_lease, rehearsal_id, worker, LEASE)
        return renewed is not None

    async def next_letters(self, rehearsal_id: UUID, limit: int) -> list[LetterToRehearse]:
        """Return letters that are not rehearsed yet, in the order of the DLQs."""
        rows = await self._database.fetch(_QUERIES.select_next_letters, rehearsal_id, limit)
        return [_letter(row) for row in rows]

    async def spent(self, rehearsal_id: UUID) -> tuple[Decimal, bool]:
        """Return what the calls of a rehearsal have cost, in US dollars.

        Returns:
            The sum, and whether it has calls at their worst case that are about to be settled.
        """
        row = await self._database.fetchrow(_QUERIES.select_spent, rehearsal_id, SETTLED_WITHIN)
        assert row is not None  # it has no FROM
        return row["spent"], row["is_settling"]

    async def store(self, rehearsal_id: UUID, letter_id: UUID, found: LetterPrediction) -> None:
        """Store what was found out about a letter; a second time changes nothing."""
        await self._database.execute(
            _QUERIES.store_prediction,
            rehearsal_id,
            letter_id,
            found.prediction,
            found.service,
            found.error_code,
            found.error_type,
            replace_nul(found.error_message),
            replace_nul(found.reason),
            found.calls_cached,
            found.calls_made,
            found.calls_needed,
            found.cost_usd,
        )

    async def finish(self, rehearsal_id: UUID) -> None:
        """End a rehearsal: all its letters are rehearsed."""
        await self._database.execute(_QUERIES.finish_rehearsal, rehearsal_id)

    async def give_up(self, rehearsal_id: UUID, reason: str) -> None:
        """End a rehearsal; its letters that are not rehearsed yet will not be."""
        async with self._database.transaction() as connection:
            await connection.execute(_QUERIES.refuse_letters, rehearsal_id, reason)
            await connection.execute(_QUERIES.finish_rehearsal, rehearsal_id)

    async def delete_old(self) -> None:
        """Delete rehearsals that are kept no longer."""
        await self._database.execute(_QUERIES.delete_old_rehearsals, KEPT)


def _letter(row: Record) -> LetterToRehearse:
    letter_id = row["letter_id"]
    if row["state"] is None:
        return LetterToRehearse(letter_id, None, "it is not indexed any more", 0)
    refusal = ""
    if row["state"] != DeadLetterState.OPEN:
        refusal = f"it is {row['state']}"
    elif row["source_topic"] is None:
        refusal = "it does not have the place it came from"
    elif row["displaced_at"] is not None:
        refusal = "its DLQ was made anew, and its bytes are gone"
    place = DeadLetterPosition(
        row["dlq_topic"],
        row["dlq_partition"],
        row["dlq_offset"],
        letter_id,
        row["service"],
        row["message_sha256"],
    )
    return LetterToRehearse(letter_id, place, refusal, row["size_bytes"], row["subject"])


def _compare(outcomes: Sequence[Record]) -> RehearsalAccuracy:
    predicted = [row for row in outcomes if row["prediction"] in _DECIDED]
    settled = [row for row in predicted if row["outcome"] != "pending"]
    return RehearsalAccuracy(
        replayed=len(predicted), settled=len(settled), right=sum(map(_is_right, settled))
    )


def _is_right(row: Record) -> bool:
    if row["prediction"] == RehearsalPrediction.PASSES:
        return bool(row["outcome"] == "passed")
    return bool(row["failed_cause_id"] == row["predicted_cause_id"])


_DECIDED: Final = frozenset(
    {
        RehearsalPrediction.PASSES,
        RehearsalPrediction.SAME_CAUSE,
        RehearsalPrediction.OTHER_CAUSE,
    }
)
