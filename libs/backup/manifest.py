"""What a backup says about itself: tables, offsets in Kafka's topics, and hashes of its parts."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

FORMAT: Final = 1
"""Version of the file's form; code refuses versions that it does not know."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AppliedMigration(_Part):
    """Migration that was applied to the database when the backup was made."""

    version: int
    name: str
    sha256: str


class BackedUpTable(_Part):
    """Table in a backup: its columns in the order of its data, and how much there is."""

    name: str
    columns: tuple[str, ...]
    rows: NonNegativeInt
    size: NonNegativeInt = Field(description="Bytes before compression.")


class SequenceState(_Part):
    """Position of a sequence when the backup was made."""

    name: str
    last_value: int


class FilePart(_Part):
    """Part of the file: a piece of a table, compressed."""

    name: str
    size: NonNegativeInt = Field(description="Bytes in the file.")
    content_size: NonNegativeInt = Field(description="Bytes before compression.")
    rows: NonNegativeInt
    sha256: str = Field(description="Of the bytes in the file, in hexadecimal.")


class LogOfPartition(_Part):
    """Which log a partition had: hashes of the ids of its cluster and topic; empty if not known."""

    cluster: str = ""
    topic: str = ""


class GroupPosition(_Part):
    """How far a consumer group had come in a partition.

    Attributes:
        service: whose group.
        topic: without prefix.
        partition: its number.
        committed: the committed offset; None if the group had none.
        metadata: of that commit: what was finished beyond it.
        start: the first offset that was there.
        end: the offset that the next record would get.
        log: which log these are offsets of.
    """

    service: str
    topic: str
    partition: NonNegativeInt
    committed: NonNegativeInt | None
    metadata: str = ""
    start: NonNegativeInt
    end: NonNegativeInt
    log: LogOfPartition = LogOfPartition()


class BackupManifest(_Part):
    """Contents of a backup, as its last part says them.

    Attributes:
        format: version of the file's form.
        backup_id: of this backup.
        onrecord: version of the code that made it.
        positions_read_at: when the offsets were read; before the snapshot was taken.
        snapshot_at: the moment whose rows the tables have.
        server_version: PostgreSQL's.
        migrations: what was applied.
        tables: in the order of the file.
        sequences: those of our tables.
        left_out: tables whose rows are not backed up, as they mean nothing later.
        foreign: relations of others in the same schema, which are not in the backup.
        positions: of all services' groups.
        parts: of the file, in order.
    """

    format: Literal[1] = 1
    backup_id: UUID
    onrecord: str
    positions_read_at: datetime
    snapshot_at: datetime
    server_version: str
    migrations: tuple[AppliedMigration, ...]
    tables: tuple[BackedUpTable, ...]
    sequences: tuple[SequenceState, ...]
    left_out: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    positions: tuple[GroupPosition, ...]
    parts: tuple[FilePart, ...]
