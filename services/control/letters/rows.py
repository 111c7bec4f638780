"""Rows of the table of dead letters, and the letters that they stand for."""

from __future__ import annotations

import base64
import json
from binascii import b2a_base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts import headers as h
from contracts.control_api import DeadLetterState
from control.domain import IndexedDeadLetter
from database.pool import Record
from database.queries import transpose_rows
from database.text import replace_nul

_SETTLED: Final = (DeadLetterState.REPLAYED, DeadLetterState.DISCARDED)
"""States of rows that have an outcome, which is the letter's state then."""


class LetterRow(NamedTuple):
    """Row of a dead letter, as it is indexed: the arguments of ``insert_letters``, in order.

    The last field is no column: the id in the letter's headers, which may be another letter's.
    """

    letter_id: UUID
    service: str
    dlq_topic: str
    dlq_partition: int
    dlq_offset: int
    source_topic: str | None
    source_partition: int | None
    source_offset: int | None
    source_sent_at: datetime | None
    consumer_group: str
    error_code: str
    error_type: str
    error_message: str
    attempts: int
    timeouts: int
    first_failed_at: datetime | None
    failed_at: datetime
    fingerprint: str
    replay_of: UUID | None
    subject: str | None
    revision: int | None
    content_sha256: str | None
    key: bytes | None
    message_sha256: bytes | None
    study_id: str | None
    producer: str | None
    headers: str
    size_bytes: int
    claimed_id: UUID | None

    @property
    def failure(self) -> tuple[Any, ...]:
        """The arguments of ``reopen_letter``."""
        return (
            self.letter_id,
            self.error_code,
            self.error_type,
            self.error_message,
            self.attempts,
            self.timeouts,
            self.failed_at,
            self.fingerprint,
            self.headers,
            self.key,
        )


_COLUMNS: Final = tuple(name for name in LetterRow._fields if name not in {"headers", "claimed_id"})


def transpose_letter_rows(rows: Sequence[LetterRow]) -> list[list[Any]]:
    """Convert rows of letters to the columns that ``insert_letters`` takes."""
    return transpose_rows(len(LetterRow._fields) - 1, rows)


def build_letter_row(letter: IndexedDeadLetter) -> LetterRow:
    """Convert a letter to the row that is indexed of it; U+0000 in text is replaced."""
    fields = {column: replace_nul(getattr(letter, column)) for column in _COLUMNS}
    headers = format_letter_headers(letter.headers)
    return LetterRow(headers=headers, claimed_id=letter.claimed_id, **fields)


def format_letter_headers(headers: Sequence[tuple[str, bytes | None]]) -> str:
    """Format headers as the JSON that the index keeps: names, and values in base64."""
    # The index is for people; a name that is not UTF-8 is kept byte for byte in the DLQ alone.
    parts: list[bytes] = []
    for name, value in headers:
        parts.append(_KNOWN_NAMES.get(name) or _quote(name))
        parts += (
            (b"null], ",) if value is None else (b'"', b2a_base64(value, newline=False), b'"], ')
        )
    return f"[{b''.join(parts).decode()[:-2]}]"


def _quote(name: str) -> bytes:
    return f"[{json.dumps(_printable(name))}, ".encode()


def _printable(name: str) -> str:
    if name.isascii() and name.isprintable():
        return name
    return str(replace_nul(name.encode("utf-8", "backslashreplace").decode()))


_KNOWN_NAMES: Final = {
    name: _quote(name)
    for constant, name in vars(h).items()
    if constant.isupper() and isinstance(name, str)
}
"""The beginnings of our own headers, as JSON."""


def read_letter_row(row: Record) -> IndexedDeadLetter:
    """Convert a database row of ``dead_letters`` to a dead letter, with its latest known state."""
    headers = [
        (name, None if value is None else base64.b64decode(value))
        for name, value in json.loads(row["headers"])
    ]
    state = row["outcome"] if row["state"] in _SETTLED and row["outcome"] else row["state"]
    return IndexedDeadLetter(**{**row, "headers": headers, "state": state})
