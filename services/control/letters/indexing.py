"""From records on the DLQs and on the topic of submissions to what control's index keeps."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from contracts import headers as h
from contracts.bounds import is_representable_time
from contracts.events import TranscriptSubmitted
from contracts.submissions import read_submitter
from contracts.topics import DLQ_TOPICS, TRANSCRIPTS_SUBMITTED
from control.domain import IndexedDeadLetter, IndexedSubmission
from control.letters.rows import LetterRow, format_letter_headers
from database.text import REPLACEMENT
from messaging import MessageOrigin, Record
from messaging.codec import strip_schema_id
from messaging.dead_letters import identity
from messaging.dead_letters.stubs import select_headers_that_fit
from messaging.delivery import Headers, split_headers

UNKNOWN: Final = "unknown"
"""Value of missing headers: another program wrote the record to the DLQ."""

MOST: Final = 2**31 - 1
"""The largest count the index takes (PostgreSQL's ``int``)."""

LONGEST: Final = 500
"""Characters of what is looked up: PostgreSQL refuses to index texts of a few kB (2,704 bytes)."""

KEY_BYTES: Final = 1024
"""Bytes that the index keeps of a letter's key."""

HEADERS_BYTES: Final = 4 * 1024
"""Bytes that it keeps of the message's headers; the DLQ has also those that do not fit."""

ADDED_BYTES: Final = 32 * 1024
"""Bytes that it keeps of the headers that were added; the same."""

TURN_RECORDS: Final = 32
"""Records whose entries are built between two turns of the event loop, which has others to serve:
some milliseconds."""

TURN_BYTES: Final = 256 * 1024
"""Bytes of their values after which the next turn comes earlier."""

HEADER_BYTES: Final = 4 * 1024
"""Bytes that the index keeps of one header."""

SUBMISSIONS: Final = TRANSCRIPTS_SUBMITTED.name
"""Topic whose messages have the producer's name; other topics' messages are services'."""

_INDEXED_HEADERS: Final = frozenset(
    {
        h.DLQ_TOPIC,
        h.DLQ_PARTITION,
        h.DLQ_OFFSET,
        h.ORIGIN_TIMESTAMP,
        h.DLQ_GROUP,
        h.ERROR_CODE,
        h.ERROR_TYPE,
        h.DLQ_MESSAGE,
        h.ATTEMPTS,
        h.TIMEOUTS,
        h.FIRST_FAILED_AT,
        h.FAILED_AT,
        h.FINGERPRINT,
        h.REPLAY_OF,
        h.LETTER_ID,
    }
)
"""Added headers that are read into columns."""

SERVICE_OF: Final = {topic.name: topic.name.removesuffix("-dlq") for topic in DLQ_TOPICS}


def build_letter_row(record: Record) -> LetterRow:
    """Build the row that is indexed of a DLQ record, from its headers.

    Missing ones become "unknown"; so do the place it came from and what it is about, if its service
    did not write it. U+0000 in text is replaced.
    """
    original, added = split_headers(record.headers)
    values = {
        name: _read_text(value, HEADER_BYTES) for name, value in added if name in _INDEXED_HEADERS
    }
    written_at = _written_at(record)
    service = SERVICE_OF[record.topic]
    here = MessageOrigin(record.topic, record.partition, record.offset)
    found = identity.compute_dead_letter_identity(
        service, here, record.key, record.value, record.headers
    )
    origin, about = found.origin, found.about
    return LetterRow(
        letter_id=found.letter_id,
        service=service,
        dlq_topic=record.topic,
        dlq_partition=record.partition,
        dlq_offset=record.offset,
        source_topic=values.get(h.DLQ_TOPIC),
        # Replays need the topic; what became of a message is looked up by its whole place.
        source_partition=_number(values.get(h.DLQ_PARTITION)) if origin else None,
        source_offset=_number(values.get(h.DLQ_OFFSET), most=2**63 - 1) if origin else None,
        source_sent_at=_sent_at(values.get(h.ORIGIN_TIMESTAMP)) if origin else None,
        consumer_group=values.get(h.DLQ_GROUP, ""),
        error_code=values.get(h.ERROR_CODE, UNKNOWN),
        error_type=values.get(h.ERROR_TYPE, ""),
        error_message=values.get(h.DLQ_MESSAGE, ""),
        attempts=_number(values.get(h.ATTEMPTS)) or 0,
        timeouts=_number(values.get(h.TIMEOUTS)) or 0,
        first_failed_at=_moment(values.get(h.FIRST_FAILED_AT)),
        failed_at=_moment(values.get(h.FAILED_AT)) or written_at,
        fingerprint=values.get(h.FINGERPRINT, "")[:LONGEST],
        replay_of=_uuid(values.get(h.REPLAY_OF)),
        subject=about.subject if about else None,
        revision=about.revision if about else None,
        content_sha256=about.content_sha256 if about else None,
        key=record.key and record.key[:KEY_BYTES],
        message_sha256=found.content,
        study_id=about.study_id if about else None,
        producer=_producer(original) if origin and origin.topic == SUBMISSIONS else None,
        headers=format_letter_headers(
            (
                *select_headers_that_fit(original, HEADERS_BYTES),
                *select_headers_that_fit(added, ADDED_BYTES),
            )
        ),
        size_bytes=len(record.value or b""),
        claimed_id=_uuid(values.get(h.LETTER_ID)),
    )


async def build_letter_rows(records: Sequence[Record]) -> list[LetterRow]:
    """Build the rows of DLQ records, and let others have their turn between some."""
    rows = []
    bytes_left = TURN_BYTES
    for number, record in enumerate(records, start=1):
        rows.append(build_letter_row(record))
        bytes_left -= len(record.value or b"")
        if bytes_left <= 0 or number % TURN_RECORDS == 0:
            bytes_left = TURN_BYTES
            await asyncio.sleep(0)
    return rows


def build_indexed_dead_letter(record: Record) -> IndexedDeadLetter:
    """Build the letter that a DLQ record is indexed as."""
    row = build_letter_row(record)._asdict()
    return IndexedDeadLetter(**row | {"headers": json.loads(row["headers"])})


def build_indexed_submission(record: Record, secret: bytes = b"") -> IndexedSubmission:
    """Build the index entry of a submitted record, even if it cannot be decoded.

    Args:
        record: the record.
        secret: proves who submitted it, if it came through the API.
    """
    document = strip_schema_id(record.value or b"")
    by = read_submitter(record.headers, record.key, record.value, secret) if secret else None
    submission = identity.read_submission_identity(document)
    event = _submitted(document) if submission else None
    return IndexedSubmission(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        transcript_id=submission.transcript_id if submission else None,
        revision=submission.revision if submission else None,
        content_sha256=event.content_sha256 if event else None,
        submitted_at=_written_at(record),
        submitted_by=by.name if by else None,
        submitted_by_token=by.token_id if by else None,
    )


def _submitted(document: bytes) -> TranscriptSubmitted | None:
    try:
        return TranscriptSubmitted.model_validate_json(document)
    except ValidationError:
        return None


def _producer(headers: Headers) -> str | None:
    """The ``ce_source`` that a submission names, which nothing proves; None if there is none."""
    source = dict(headers).get(h.CE_SOURCE) or b""
    return _read_text(source, LONGEST) or None


def _read_text(value: bytes | None, most: int) -> str:
    text = (value or b"")[:most].decode("utf-8", "replace")
    return text.replace("\0", REPLACEMENT) if "\0" in text else text


def _number(text: str | None, most: int = MOST) -> int | None:
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > len(str(most)):
        return None
    return number if (number := int(text)) <= most else None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    moment = read if read.tzinfo else read.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if is_representable_time(moment) else None


def _sent_at(text: str | None) -> datetime | None:
    sent_ms = _number(text, most=2**63 - 1)
    return _at(sent_ms) if sent_ms else None


def _written_at(record: Record) -> datetime:
    return _at(record.timestamp_ms)


def _at(timestamp_ms: int) -> datetime:
    # Producers may set any timestamp; one that is no moment must not keep the record unindexed.
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _NO_MOMENT
    return moment if is_representable_time(moment) else _NO_MOMENT


_NO_MOMENT: Final = datetime.fromtimestamp(0, UTC)
