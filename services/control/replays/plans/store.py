"""Store of replay plans, their frozen sets and what became of them, in PostgreSQL."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from contracts.errors import UNMENDABLE
from contracts.replay_plans import (
    CANARY_ABOVE,
    MOST_LETTERS_SHOWN,
    CreateReplayPlanRequest,
    ReplayPlan,
    ReplayPlanLetter,
    ReplayPlanState,
)
from control.access.rights import Caller
from control.access.trail import AuditTrail
from control.domain import (
    CLOCK_SKEW,
    BadRequestError,
    ConcurrentChangeError,
    DeadLetterNotOpenError,
    NotFoundError,
    PreconditionRequiredError,
    UnknownDeadLetterError,
)
from control.letters.store import DeadLetterStore
from control.queries import load_control_queries
from control.replays.claim_session import CLAIMS_LOCK
from control.replays.overrides import validate_overrides
from control.replays.plans.budget import PlanSpending
from control.replays.plans.decision import StepOutcomeCounts
from control.replays.plans.freezing import BATCH, freeze_plan_letters, write_frozen_letters
from control.replays.plans.rows import read_plan_letter_row, read_plan_row
from control.replays.plans.slices import PlanSlices
from database.pool import Database, Record

_QUERIES: Final = load_control_queries("plans.sql")

FROZEN_AT_ONCE: Final = 200_000
"""Most letters of a plan whose set is frozen before the answer: about a second's work."""

MOST_LETTERS: Final = 10_000_000
"""Most letters of a plan: their ids as text, of which the hash is, stay below PostgreSQL's 1 GB."""

_FROM: Final = {
    ReplayPlanState.RUNNING: (
        ReplayPlanState.READY,
        ReplayPlanState.PAUSED,
        ReplayPlanState.STOPPED,
    ),
    ReplayPlanState.PAUSED: (ReplayPlanState.RUNNING,),
    ReplayPlanState.STOPPED: (ReplayPlanState.RUNNING,),
    ReplayPlanState.FINISHED: (ReplayPlanState.RUNNING,),
    ReplayPlanState.CANCELLED: (
        ReplayPlanState.FREEZING,
        ReplayPlanState.READY,
        ReplayPlanState.RUNNING,
        ReplayPlanState.PAUSED,
        ReplayPlanState.STOPPED,
    ),
}
"""From which states a plan gets to another."""


class ReplayPlanStore:
    """Store of replay plans, their sets of letters and their counts, in PostgreSQL.

    Args:
        database: where they are.
        letters: the index, under whose name letters and plans are claimed.

    Attributes:
        claimant: the number by which plans are known that this replica runs.
        slices: claims parts of plans' sets.
    """

    def __init__(self, database: Database, letters: DeadLetterStore) -> None:
        self._database = database
        self._letters = letters
        self._trail = AuditTrail(database)
        self.claimant = letters.claimant
        self.slices = PlanSlices(database, letters.claimant)

    async def create(self, wanted: CreateReplayPlanRequest, created_by: str) -> ReplayPlan:
        """Make a plan of the open letters that match; letters that come later are not in it.

        A plan of more than ``FROZEN_AT_ONCE`` letters is ``freezing`` until ``freeze`` has written
        its set, which the runner does.

        Raises:
            NotFoundError: none matches that a replay could mend.
            UnknownDeadLetterError: it names letters that there are not.
            BadRequestError: more match than a plan may have, or its messages are to use what there
                is not.
        """
        plan_id = uuid4()
        overrides = validate_overrides(wanted.overrides, datetime.now(UTC), plan_id)
        which = wanted.which
        selected = await self._letters.count_selection(which, force=wanted.force)
        left_out = await self._letters.count_left_out(
            which, until=datetime.now(UTC) + CLOCK_SKEW, force=wanted.force
        )
        left_out |= await self._count_closed(which.letter_ids or ())
        if not (letters := selected.replayable):
            raise NotFoundError(_explain_nothing(left_out))
        letters = letters if wanted.limit is None else min(letters, wanted.limit)
        if letters > MOST_LETTERS:
            raise BadRequestError(
                f"{letters:,} letters match, and a plan has {MOST_LETTERS:,} at most: narrow it"
            )
        is_canary = letters > CANARY_ABOVE if wanted.canary is None else wanted.canary
        inserted = (
            plan_id,
            created_by,
            which.model_dump_json(exclude_none=True),
            json.dumps(left_out),
            wanted.rate,
            wanted.max_failed,
            timedelta(seconds=wanted.step_wait_s),
            letters,
            is_canary,
            wanted.limit,
            overrides.model_dump_json(exclude_defaults=True),
            wanted.force,
        )
        if letters > FROZEN_AT_ONCE:
            await self._database.execute(_QUERIES.insert_plan, *inserted)
        else:  # nobody sees a plan of few letters without its set
            async with self._database.transaction() as connection:
                await connection.execute(_QUERIES.insert_plan, *inserted)
                await write_frozen_letters(connection, plan_id)
        return await self.plan(plan_id)

    async def freeze(self, plan_id: UUID) -> None:
        """Write the set of a plan that is ``freezing``; errors as by ``freeze_plan_letters``."""
        await freeze_plan_letters(self._database, plan_id, self._letters.claimant)

    async def plan(self, plan_id: UUID) -> ReplayPlan:
        """Return one plan, with its counts.

        Raises:
            NotFoundError: there is none.
        """
        rows = await self._database.fetch(_QUERIES.select_plans, plan_id, None, None, 1)
        if not rows:
            raise NotFoundError(f"there is no plan {plan_id}: `onrecord dlq plan list` names them")
        (found,) = await self._describe(rows)
        return found

    async def plans(
        self, limit: int, after: tuple[datetime, UUID] | None = None
    ) -> tuple[tuple[ReplayPlan, ...], tuple[datetime, UUID] | None]:
        """Return a page of the plans, the latest first, and the position behind which is another.

        Args:
            limit: at most so many.
            after: position behind which the page begins: when a plan was made, and its id.
        """
        rows = await self._database.fetch(
            _QUERIES.select_plans, None, *(after or (None, None)), limit + 1
        )
        found = await self._describe(rows[:limit])
        last = (found[-1].created_at, found[-1].plan_id) if len(rows) > limit else None
        return found, last

    async def letters(
        self, plan_id: UUID, *, begin: int = 0, limit: int = MOST_LETTERS_SHOWN
    ) -> tuple[tuple[ReplayPlanLetter, ...], int | None]:
        """Return what became of a page of a plan's letters, and where the next page begins.

        Args:
            plan_id: of the plan.
            begin: number of the first letter, from 0.
            limit: at most so many.

        Raises:
            NotFoundError: there is no such plan.
        """
        plan = await self.plan(plan_id)
        rows = await self._database.fetch(_QUERIES.select_letters, plan_id, begin, limit, BATCH)
        end = begin + len(rows)
        letters = tuple(read_plan_letter_row(row) for row in rows)
        return letters, end if rows and end < plan.letters else None

    async def change_state(
        self,
        plan_id: UUID,
        to: ReplayPlanState,
        reason: str = "",
        *,
        version: int | None = None,
        sources: Collection[ReplayPlanState] | None = None,
    ) -> ReplayPlan:
        """Move a plan to another state; nothing changes if it is in that state already.

        Args:
            plan_id: of the plan.
            to: the state.
            reason: why.
            version: of the plan as it was read; None: whatever it is now.
            sources: states from which it gets there; all that there are if None.

        Raises:
            NotFoundError: there is no such plan.
            ConcurrentChangeError: somebody changed it since it was read.
            DeadLetterNotOpenError: it is in a state from which it does not get there.
        """
        plan = await self.plan(plan_id)
        if plan.state is to:
            return plan
        allowed = _FROM[to] if sources is None else sources
        known = plan.counts.failed_again + plan.counts.resolved
        changed = await self._database.fetchval(
            _QUERIES.change_state,
            plan_id,
            [state.value for state in allowed],
            to.value,
            reason,
            version,
            plan.counts.failed_again,
            known,
        )
        if changed is None:
            now = await self.plan(plan_id)
            if now.state in allowed:
                raise ConcurrentChangeError("it was changed since it was read: read it again")
            if now.state is ReplayPlanState.FREEZING:
                raise DeadLetterNotOpenError(
                    f"the set of plan {plan_id} is being frozen: try again in a few seconds"
                )
            raise DeadLetterNotOpenError(f"plan {plan_id} is {now.state.value}")
        return await self.plan(plan_id)

    async def start(
        self, plan_id: UUID, reason: str = "", *, version: int | None = None
    ) -> ReplayPlan:
        """Start a plan that has not run yet; nothing changes if it runs.

        A request that is sent again must not have a plan go on that stopped by itself meanwhile.

        Raises:
            NotFoundError, ConcurrentChangeError: as by ``change_state``.
            DeadLetterNotOpenError: it ran before.
        """
        try:
            return await self.change_state(
                plan_id,
                ReplayPlanState.RUNNING,
                reason,
                version=version,
                sources=(ReplayPlanState.READY,),
            )
        except DeadLetterNotOpenError as error:
            if (await self.plan(plan_id)).state is ReplayPlanState.FREEZING:
                raise
            raise DeadLetterNotOpenError(
                f"{error}: only `onrecord dlq plan resume` has a paused or stopped plan go on"
            ) from None

    async def resume(
        self,
        plan_id: UUID,
        reason: str = "",
        *,
        version: int | None = None,
        accepts_stop: bool = False,
    ) -> ReplayPlan:
        """Have a plan go on that was paused or that stopped; nothing changes if it runs.

        Args:
            plan_id: of the plan.
            reason: why.
            version: of the plan as it was read; None: whatever it is now.
            accepts_stop: whether a stop, and what failed until then, is accepted.

        Raises:
            NotFoundError, ConcurrentChangeError: as by ``change_state``.
            PreconditionRequiredError: it stopped by itself, and that is not accepted.
            DeadLetterNotOpenError: it did not start yet, or is over.
        """
        sources = [ReplayPlanState.PAUSED, *([ReplayPlanState.STOPPED] if accepts_stop else [])]
        try:
            return await self.change_state(
                plan_id, ReplayPlanState.RUNNING, reason, version=version, sources=sources
            )
        except DeadLetterNotOpenError:
            now = await self.plan(plan_id)
            if now.state is ReplayPlanState.STOPPED and not accepts_stop:
                raise PreconditionRequiredError(
                    f"it stopped by itself: {now.state_reason}; send If-Match with its ETag to "
                    "accept that"
                ) from None
            raise

    async def pause(
        self, plan_id: UUID, reason: str = "", *, version: int | None = None
    ) -> ReplayPlan:
        """Pause a running plan; errors as by ``change_state``."""
        return await self.change_state(plan_id, ReplayPlanState.PAUSED, reason, version=version)

    async def cancel(
        self, plan_id: UUID, reason: str = "", *, version: int | None = None
    ) -> ReplayPlan:
        """Cancel a plan; errors as by ``change_state``."""
        return await self.change_state(plan_id, ReplayPlanState.CANCELLED, reason, version=version)

    async def end(self, plan_id: UUID, state: ReplayPlanState, reason: str) -> ReplayPlan:
        """Stop or finish a running plan by itself, with an entry in the trail before.

        Raises:
            DeadLetterNotOpenError: it does not run any more.
        """
        action = "plan.stop" if state is ReplayPlanState.STOPPED else "plan.finish"
        by_itself = Caller(token_id=plan_id, name=f"plan:{plan_id}", grants=())
        async with self._trail.recording(by_itself, action, str(plan_id), reason):
            return await self.change_state(plan_id, state, reason)

    async def count_step(self, plan_id: UUID, begin: int, end: int) -> StepOutcomeCounts:
        """Count the letters of a part of a plan's set that it sent, and those with an outcome."""
        row = await self._database.fetchrow(_QUERIES.count_step, plan_id, begin, end, BATCH)
        assert row is not None
        return StepOutcomeCounts(**row)

    async def take_plans(self) -> list[UUID]:
        """Take plans at work that no living replica has, and name those that this one has."""
        rows = await self._database.fetch(_QUERIES.take_plans, self._letters.claimant, CLAIMS_LOCK)
        return [row["plan_id"] for row in rows]

    async def progress(self, plan_id: UUID) -> Record:
        """Return the row of a plan, with what the runner goes by."""
        (row,) = await self._database.fetch(_QUERIES.select_plans, plan_id, None, None, 1)
        return row

    async def end_step(self, plan_id: UUID, *, is_sending: bool = False) -> float | None:
        """Seconds since the current step's letters were all sent; None if it does not run here.

        Args:
            plan_id: of the plan.
            is_sending: whether some are still being sent, so that the time begins anew.
        """
        waited = await self._database.fetchval(
            _QUERIES.end_step, plan_id, self._letters.claimant, is_sending
        )
        return None if waited is None else float(waited.total_seconds())

    async def spending(self, plan_ids: Sequence[UUID]) -> dict[UUID, PlanSpending]:
        """Return what calls for messages of plans with a budget cost, by the ledger."""
        rows = await self._database.fetch(_QUERIES.select_spending, plan_ids)
        return {row["plan_id"]: PlanSpending(row["usd"], row["is_refused"]) for row in rows}

    async def sum_counts(self, plan_id: UUID) -> None:
        """Sum up what triggers appended; counts are the same before and after."""
        await self._database.execute(_QUERIES.sum_plan_counts, plan_id)

    async def _count_closed(self, letter_ids: Sequence[UUID]) -> dict[str, int]:
        """Count which of the letters that somebody names are not open, by their state.

        Raises:
            UnknownDeadLetterError: there is none of this id.
        """
        if not letter_ids:
            return {}
        rows = await self._database.fetch(_QUERIES.select_not_open, letter_ids)
        if unknown := [str(row["letter_id"]) for row in rows if not row["is_known"]]:
            more = f", nor {len(unknown) - 1:,} more of those named" if len(unknown) > 1 else ""
            raise UnknownDeadLetterError(
                f"there is no letter {unknown[0]}{more}: `onrecord dlq list --state all` names them"
            )
        return dict(sorted(Counter(row["state"] for row in rows).items()))

    async def _describe(self, rows: Sequence[Record]) -> tuple[ReplayPlan, ...]:
        counts: defaultdict[UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        causes: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
        ids = [row["plan_id"] for row in rows]
        for one in await self._database.fetch(_QUERIES.count_plans, ids):
            counts[one["plan_id"]][one["state"]] += one["letters"]
            if one["state"] == "failed_again":
                causes[one["plan_id"]][one["cause_id"]] = one["letters"]
        spent = await self.spending(
            [row["plan_id"] for row in rows if "budget" in row["overrides"]]
        )
        return tuple(
            read_plan_row(
                row,
                counts[row["plan_id"]],
                causes[row["plan_id"]],
                spent.get(row["plan_id"], PlanSpending()).usd,
            )
            for row in rows
        )


async def delete_old_plans(database: Database, kept: timedelta) -> None:
    """Delete replay plans that ended some time ago, with their sets and counts.

    What became of their letters is with the letters. Counts that triggers append afterwards, as
    when a letter of such a plan fails again, are deleted the next time.

    Args:
        database: has them.
        kept: how long they are kept.
    """
    await database.execute(_QUERIES.delete_old_plans, kept)
    await database.execute(_QUERIES.delete_counts_of_no_plan)
    await database.execute(_QUERIES.delete_spending_of_no_plan)


def _explain_nothing(left_out: dict[str, int]) -> str:
    if not left_out:
        return "no open letter matches: `onrecord dlq list` shows what there is"
    why = ", ".join(f"{number:,} {reason}" for reason, number in left_out.items())
    hint = "; name its code to try all the same" if left_out.keys() & UNMENDABLE else ""
    return f"no letter that matches can be mended by a replay: {why}{hint}"
