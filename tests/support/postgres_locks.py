"""Who waits for a lock in a database."""

from __future__ import annotations

from database.pool import Database


async def is_somebody_waiting(database: Database) -> bool:
    """Return whether a session waits for a lock of any kind; not within a transaction."""
    return bool(
        await database.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
    )
