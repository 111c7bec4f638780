"""Claims slices of plans' sets, each in one transaction with the plan's position, and undoes it."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import UUID

from control.domain import DeadLetterPosition
from control.letters.hopeless import find_hopeless_letters, require_unspent_budget
from control.queries import load_control_queries
from control.replays.plans.freezing import BATCH
from database.pool import Database

_QUERIES: Final = load_control_queries("plan_slices.sql")


class ClaimedSlice(NamedTuple):
    """Slice of a plan's set that is claimed: the plan's position is behind it.

    Attributes:
        plan_id: of the plan.
        begin: how many letters were taken before.
        end: how many are taken with these.
        letters: those that are claimed, in the order of the set.
        not_sent: why others are not, with how many.
    """

    plan_id: UUID
    begin: int
    end: int
    letters: list[DeadLetterPosition]
    not_sent: Counter[str]


class _CannotBeUndoneError(Exception):
    """Raised within the transaction that undoes a claim, so that it is rolled back."""


class PlanSlices:
    """Claims of slices of plans' sets, in PostgreSQL.

    Args:
        database: where plans and letters are.
        claimant: the number that this replica's claims name.
    """

    def __init__(self, database: Database, claimant: int) -> None:
        self._database = database
        self._claimant = claimant

    async def claim(self, plan_id: UUID, begin: int, end: int) -> ClaimedSlice | None:
        """Claim the next letters of a plan, in one transaction with the plan's position.

        Args:
            plan_id: of the plan.
            begin: how many letters were taken before.
            end: how many are taken with these.

        Returns:
            Those that are open, in their place and not hopeless; None if the plan does not run
            here, or not from there, any more.

        Raises:
            BudgetSpentError: models would be asked, and the budget for that is spent; nothing is
                claimed, and the plan is where it was.
        """
        not_sent: Counter[str] = Counter()
        async with self._database.transaction() as connection:
            plan = await connection.fetchrow(_QUERIES.advance, plan_id, begin, end, self._claimant)
            if plan is None:
                return None
            batches = await connection.fetch(
                _QUERIES.select_slice, plan_id, end - 1, end - begin + BATCH
            )
            wanted = [
                letter_id
                for row in batches
                for number, letter_id in enumerate(row["letter_ids"], row["begins"])
                if begin <= number < end
            ]
            if not plan["is_forced"]:
                hopeless = await find_hopeless_letters(
                    connection, wanted, names_cause=plan["names_cause"]
                )
                require_unspent_budget(hopeless)
                wanted = [one for one in wanted if one not in hopeless]
                not_sent.update(hopeless.values())
            rows = await connection.fetch(_QUERIES.claim_slice, plan_id, wanted, self._claimant)
            found = {row["letter_id"]: DeadLetterPosition(*row) for row in rows}
            if others := [one for one in wanted if one not in found]:
                why = await connection.fetch(_QUERIES.count_not_claimed, others)
                not_sent.update({row["reason"]: row["letters"] for row in why})
            if not_sent:
                await connection.execute(_QUERIES.add_not_sent, plan_id, json.dumps(not_sent))
        letters = [found[one] for one in wanted if one in found]
        return ClaimedSlice(plan_id, begin, end, letters, not_sent)

    async def give_back(self, claimed: ClaimedSlice) -> bool:
        """Undo a claim of which nothing was sent: its letters are open, and the plan is before it.

        Returns:
            False if the plan has gone on from there, or somebody else has it or some letters, or
            one of them has an outcome by now: nothing changes.
        """
        with suppress(_CannotBeUndoneError):
            await self._give_back(claimed)
            return True
        return False

    async def _give_back(self, claimed: ClaimedSlice) -> None:
        async with self._database.transaction() as connection:
            withdrawn = await connection.fetchval(
                _QUERIES.withdraw, claimed.plan_id, claimed.begin, claimed.end, self._claimant
            )
            if withdrawn is None:
                raise _CannotBeUndoneError
            if claimed.not_sent:
                fewer = {reason: -letters for reason, letters in claimed.not_sent.items()}
                await connection.execute(_QUERIES.add_not_sent, claimed.plan_id, json.dumps(fewer))
            letter_ids = [letter.letter_id for letter in claimed.letters]
            opened = await connection.fetch(_QUERIES.open_slice, letter_ids, self._claimant)
            if len(opened) < len(letter_ids):
                raise _CannotBeUndoneError

    async def add_not_sent(self, plan_id: UUID, reasons: dict[str, int]) -> None:
        """Add to the letters of a plan that were not sent, by why not."""
        await self._database.execute(_QUERIES.add_not_sent, plan_id, json.dumps(reasons))
