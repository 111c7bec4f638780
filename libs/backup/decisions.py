"""Decisions that a restoration must not undo, such as revoked tokens: carried over where known.

Each kind is a ``CarriedDecision``: collected from the database that is about to be replaced, and
applied to the restored one, in the same transaction, before anybody can read it. Where
the old database is gone there is nothing to collect; the command says so.

Erasures are carried over by their tombstones: once control runs, it deletes what the backup has of
these interviews, and signs a receipt anew.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from database.pool import Connection
from database.queries import load_queries

_QUERIES: Final = load_queries(Path(__file__).parent / "sql" / "decisions.sql")

Collected = Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class CarriedDecision:
    """Kind of decision that outlives a restoration.

    Attributes:
        name: in the plural, for people, such as ``revoked tokens``.
        table: is in the database if such decisions can be: an older schema may lack it.
        collect: reads them from the database that is replaced.
        apply: applies them to the restored one; returns how many it did not have.
    """

    name: str
    table: str
    collect: Callable[[Connection], Awaitable[Collected]]
    apply: Callable[[Connection, Collected], Awaitable[int]]


async def _collect_revoked(connection: Connection) -> Collected:
    return [tuple(row) for row in await connection.fetch(_QUERIES.select_revoked_tokens)]


async def _revoke(connection: Connection, found: Collected) -> int:
    tags = [await connection.execute(_QUERIES.revoke_token, *one) for one in found]
    return sum(tag == "UPDATE 1" for tag in tags)


async def _collect_withdrawn(connection: Connection) -> Collected:
    return [tuple(row) for row in await connection.fetch(_QUERIES.select_withdrawn_revisions)]


async def _withdraw(connection: Connection, found: Collected) -> int:
    answers = [await connection.fetchval(_QUERIES.withdraw_again, *one) for one in found]
    return sum(bool(one) for one in answers)


async def _collect_erasures(connection: Connection) -> Collected:
    return [tuple(row) for row in await connection.fetch(_QUERIES.select_erasures_to_repeat)]


async def _erase_again(connection: Connection, found: Collected) -> int:
    answers = [await connection.fetchval(_QUERIES.erase_again, *one) for one in found]
    return sum(bool(one) for one in answers)


async def _collect_signing_key(connection: Connection) -> Collected:
    return [tuple(row) for row in await connection.fetch(_QUERIES.select_receipt_key)]


async def _keep_signing_key(connection: Connection, found: Collected) -> int:
    for one in found:
        await connection.execute(_QUERIES.put_receipt_key, *one)
    return 0  # nobody's decision, but receipts that were signed with it stay verifiable


async def _collect_retention(connection: Connection) -> Collected:
    return [tuple(row) for row in await connection.fetch(_QUERIES.select_study_retention_times)]


async def _keep_retention(connection: Connection, found: Collected) -> int:
    tags = [await connection.execute(_QUERIES.keep_study_retention_times, *one) for one in found]
    return sum(tag == "UPDATE 1" for tag in tags)


CARRIED_DECISIONS: Final = (
    CarriedDecision("keys of receipts", "control_secrets", _collect_signing_key, _keep_signing_key),
    CarriedDecision("erasures", "erasures", _collect_erasures, _erase_again),
    CarriedDecision("revoked tokens", "access_tokens", _collect_revoked, _revoke),
    CarriedDecision("withdrawn revisions", "withdrawn_revisions", _collect_withdrawn, _withdraw),
    # The table came with the columns.
    CarriedDecision("times of retention", "retention_rounds", _collect_retention, _keep_retention),
)


async def collect_decisions(connection: Connection) -> dict[str, Collected]:
    """Read all decisions of the database that is to be replaced, by the name of their kind."""
    return {
        kind.name: await kind.collect(connection)
        for kind in CARRIED_DECISIONS
        if await _has_table(connection, kind)
    }


async def apply_decisions(
    connection: Connection, collected: dict[str, Collected]
) -> dict[str, int]:
    """Apply decisions to the restored database; return how many it did not have, by kind."""
    if await connection.fetchval("SELECT to_regclass('public.erasures') IS NOT NULL"):
        await connection.execute(_QUERIES.restart_erasures)
    applied = {
        kind.name: await kind.apply(connection, collected[kind.name])
        for kind in CARRIED_DECISIONS
        if collected.get(kind.name) and await _has_table(connection, kind)
    }
    return {name: number for name, number in applied.items() if number}


async def _has_table(connection: Connection, kind: CarriedDecision) -> bool:
    found: bool = await connection.fetchval(
        "SELECT to_regclass('public.' || $1) IS NOT NULL", kind.table
    )
    return found
