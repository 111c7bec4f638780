"""Freezes the sets of replay plans: which letters a plan sends, in which steps and in which order.

A large set is written behind the answer, in one transaction that holds no lock on the plan, so
that whoever cancels it does not wait::

    freezing ─▶ ready        its set is written
        ├─────▶ cancelled    by somebody, or since it took too long: nothing is written
        └─────▶ (stays)      the replica crashed: another one begins anew, as of the same time
"""

from __future__ import annotations

import asyncio
import secrets
from typing import Final
from uuid import UUID

import structlog

from contracts.errors import UNMENDABLE
from control.queries import load_control_queries
from database.errors import DatabaseTimeoutError
from database.pool import Connection, Database

log = structlog.get_logger(__name__)

_QUERIES: Final = load_control_queries("plan_sets.sql")

BATCH: Final = 2_000
"""Letters of a set in one row."""

STEPS: Final = (0.01, 0.05, 0.25, 1.0)
"""Shares of a plan's letters that are sent by the end of each step."""

FREEZE_TIMEOUT_S: Final = 3_600.0
"""Longest time that freezing a set may take, in seconds; ten million letters take minutes."""

WATCH_S: Final = 1.0
"""Seconds between two looks at whether somebody has cancelled a plan whose set is being written."""

_UNMENDABLE: Final = sorted(code.value for code in UNMENDABLE)


class _NoLongerFreezingError(Exception):
    """Raised when somebody has cancelled a plan while its set was written."""


async def freeze_plan_letters(database: Database, plan_id: UUID, claimant: int) -> None:
    """Fix a replay plan's set of letters in PostgreSQL; does nothing if its state forbids it.

    It takes 15 seconds a million letters at most on two cores (measured: 10 while three others
    worked). It goes on for as long as this replica lives, and ends within ``WATCH_S`` once somebody
    cancels the plan. One that takes longer than ``FREEZE_TIMEOUT_S`` is cancelled, with the reason.

    Args:
        database: where plans and letters are.
        plan_id: of the plan.
        claimant: the number that this replica's claims name.

    Raises:
        DatabaseUnavailableError: try again later.
    """
    began = asyncio.get_running_loop().time()
    work = asyncio.create_task(_freeze(database, plan_id, claimant))
    try:
        while not (await asyncio.wait((work,), timeout=WATCH_S))[0]:
            if not await database.fetchval(_QUERIES.is_freezing, plan_id):
                break
    finally:
        if not work.done():
            work.cancel()
        (failed,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(failed, DatabaseTimeoutError):
        if asyncio.get_running_loop().time() - began < FREEZE_TIMEOUT_S:
            raise failed  # somebody ended the statement
        log.warning("replay_plan_not_frozen", plan_id=str(plan_id), seconds=FREEZE_TIMEOUT_S)
        await database.execute(
            _QUERIES.give_up,
            plan_id,
            f"its set could not be frozen within {FREEZE_TIMEOUT_S:,.0f} s: narrow it",
        )
    elif isinstance(failed, Exception) and not isinstance(failed, _NoLongerFreezingError):
        raise failed


async def write_frozen_letters(connection: Connection, plan_id: UUID) -> None:
    """Write a replay plan's fixed set of letters, and mark it ready, in the caller's transaction.

    The set is of letters as they were when the plan was made: those that came or failed anew since
    are not in it, nor are those that are not open any more.

    Args:
        connection: in a transaction.
        plan_id: of the plan.
    """
    await connection.execute(_QUERIES.prepare_to_freeze)
    await connection.execute(_QUERIES.limit_time, f"{FREEZE_TIMEOUT_S * 1000:.0f}")
    plan = await connection.fetchrow(_QUERIES.select_freezing_plan, plan_id)
    if plan is None:
        return
    frozen = await connection.fetchrow(
        _QUERIES.freeze,
        plan_id,
        plan["meant"],
        secrets.randbits(62),
        [] if plan["is_forced"] else _UNMENDABLE,
        list(STEPS if plan["is_canary"] else STEPS[-1:]),
        BATCH,
        plan["created_at"],
        plan["most_letters"],
        timeout=FREEZE_TIMEOUT_S + 1,  # the server's limit comes first
    )
    assert frozen is not None
    steps = frozen["steps"]
    finished = await connection.fetchval(
        _QUERIES.finish_plan,
        plan_id,
        steps,
        steps[-1] if steps else 0,
        frozen["set_sha256"] or "",
    )
    if finished is None:
        raise _NoLongerFreezingError


async def _freeze(database: Database, plan_id: UUID, claimant: int) -> None:
    async with database.transaction() as connection:
        if await connection.fetchval(_QUERIES.lock_set, plan_id, claimant):
            await write_frozen_letters(connection, plan_id)
