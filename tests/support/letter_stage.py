"""The stage whose dead letters are replayed: it sets messages aside, and takes what goes back."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from contracts.errors import ErrorCode, RetryableError
from contracts.ids import NAMESPACE
from control.indexing import build_indexed_dead_letter
from database.pool import Database
from messaging import Delivery, MessageOrigin, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import append_headers, read_delivery_history, split_headers
from support.replicas_with_faults import DLQ, RETRY, SERVICE, BrokerInMemory, Replica, Sent

SOURCE: Final = "chunks-ready"

_GO_THROUGH = """
INSERT INTO pending_drafts (
    chunk_id, attempt, final, transcript_id, revision, event, source_topic, source_partition,
    source_offset
)
VALUES ($1, 1, true, $1, 1, '{}', 'notes-validated', 0, 0)
ON CONFLICT (chunk_id, attempt, final) DO UPDATE SET received_at = now()
"""


class TryAgainError(RetryableError):
    """What messages die of: something that a replay may mend."""

    code = ErrorCode.LLM_TIMEOUT


class Stage:
    """Stage that decides once what becomes of a message, however often it is sent.

    Args:
        broker: has its dead letter queue, and its retry topic.
        database: keeps its effects.

    Attributes:
        indexed: how many records of the dead letter queue control has indexed.
        taken: how many records of the retry topic it has taken.
        verdicts: whether the message of a letter went through.
    """

    def __init__(self, broker: BrokerInMemory, database: Database) -> None:
        self._broker = broker
        self._database = database
        self.indexed = 0
        self.taken = 0
        self.verdicts: dict[UUID, bool] = {}
        self._messages = 0

    def set_aside(self) -> None:
        """Set a new message aside."""
        chunk = str(uuid5(NAMESPACE, f"chunk {self._messages}"))
        value = json.dumps({"chunk_id": chunk, "title": "as it was"}).encode()
        record = Record(SOURCE, 0, self._messages, chunk.encode(), value, (("a", b"1"),), 1_000)
        self._messages += 1
        self._write_letter(record, Delivery(MessageOrigin(SOURCE, 0, record.offset, 1_000)))

    async def index(self, replica: Replica) -> None:
        """Have a replica index what it has not, as a consumer that commits behind each record."""
        while self.indexed < len(self._broker.dead):
            letter = build_indexed_dead_letter(self._broker.dead[self.indexed])
            await replica.letters.index_letter(letter)
            self.indexed += 1

    async def take(self, goes_through: Callable[[Sent], bool]) -> None:
        """Take the next message that was sent back, if there is one.

        Args:
            goes_through: whether it does; else it is set aside again.
        """
        if self.taken == len(self._broker.sent):
            return
        sent = self._broker.sent[self.taken]
        self.taken += 1
        original, added = split_headers(sent.record.headers)
        if self.verdicts.setdefault(sent.letter_id, goes_through(sent)):
            assert sent.record.key is not None
            await self._database.execute(_GO_THROUGH, UUID(sent.record.key.decode()))
            return
        place = MessageOrigin(RETRY, 0, sent.record.offset, sent.record.timestamp_ms)
        delivery = read_delivery_history(added, fallback=place, tier=0)
        key, value = sent.record.key, sent.record.value
        self._write_letter(Record(RETRY, 0, 0, key, value, original), delivery)

    def _write_letter(self, record: Record, delivery: Delivery) -> None:
        # Long ago, so that a rule does not wait until no letter came for a while.
        at = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=len(self._broker.dead))
        failure = describe_failure(TryAgainError("no answer in 30 s"), SERVICE)
        content = digest_record(record.key, record.value, record.headers)
        added = build_dead_letter_headers(
            failure, delivery, content, service=SERVICE, group=SERVICE, at=at
        )
        headers = append_headers(record.headers, added)
        offset = len(self._broker.dead)
        self._broker.dead.append(Record(DLQ, 0, offset, record.key, record.value, headers, 1_000))
