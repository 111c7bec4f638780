"""The stages whose dead letters are replayed: they set messages aside, and take what goes back."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID, uuid5

from contracts import headers as h
from contracts.errors import ErrorCode, OnrecordError, RejectedError, RetryableError
from contracts.ids import NAMESPACE
from contracts.topics import ENRICHMENT, GUARDRAIL, build_dlq_topic
from control.letters.indexing import build_indexed_dead_letter
from database.pool import Database
from messaging import Delivery, MessageOrigin, Record
from messaging.dead_letters.headers import build_dead_letter_headers, describe_failure
from messaging.dead_letters.record_digest import digest_record
from messaging.delivery import append_headers, read_delivery_history, split_headers
from support.replicas_with_faults import BrokerInMemory, Replica, Sent

SOURCES: Final = {ENRICHMENT: "chunks-ready", GUARDRAIL: "notes-drafted"}
REJECTED: Final = "notes-rejected"
"""Topic by which the guardrail has enrichment ask for another draft."""

_KEEP_DRAFT: Final = """
INSERT INTO pending_drafts (
    chunk_id, attempt, final, transcript_id, revision, event, source_topic, source_partition,
    source_offset
)
VALUES ($1, $2, $3, $1, 1, '{}', 'notes-validated', 0, 0)
ON CONFLICT (chunk_id, attempt, final) DO UPDATE SET received_at = now()
"""


class TryAgainError(RetryableError):
    """What messages die of: something that a replay may mend."""

    code = ErrorCode.LLM_TIMEOUT


class RefusedDraftError(RejectedError):
    """What drafts die of: something that another draft may not have."""

    code = ErrorCode.UNGROUNDED


class Fate(Enum):
    """What becomes of a message that was sent back.

    ``NEXT_DRAFT`` and ``NO_DRAFT`` are of drafts: the guardrail refuses it and has the model asked
    once more, whose next draft is refused, too, or which gives none.
    """

    THROUGH = "through"
    AGAIN = "again"
    NEXT_DRAFT = "next draft"
    NO_DRAFT = "no draft"


class Stage:
    """Stages that decide once what becomes of a message, however often it is sent.

    Args:
        broker: has their dead letter queues, and their retry topics.
        database: keeps their effects.

    Attributes:
        taken: how many records of the retry topics they have taken.
        fates: what became of the message of a letter.
        caused: the letters that came of a letter's message, in order.
        repeated: chunks of which a message was taken twice.
        finished: chunks whose final draft is there.
    """

    def __init__(self, broker: BrokerInMemory, database: Database) -> None:
        self._broker = broker
        self._database = database
        self.taken = 0
        self.fates: dict[UUID, Fate] = {}
        self.caused: defaultdict[UUID, list[UUID]] = defaultdict(list)
        self.repeated: set[str] = set()
        self.finished: set[str] = set()
        self._messages = 0
        self._letters = 0

    def set_aside(self, service: str = ENRICHMENT, *, partition: int = 0) -> UUID:
        """Set a new message aside; returns its letter's id.

        Args:
            service: which reads it.
            partition: of the dead letter queue.
        """
        chunk = str(uuid5(NAMESPACE, f"chunk {self._messages}"))
        return self._set_aside(service, SOURCES[service], chunk, partition)

    async def index(self, replica: Replica) -> None:
        """Have a replica index what it has not, as a consumer that commits behind each record."""
        for place, log in sorted(self._broker.dead.items()):
            indexed = max(self._broker.indexed.get(place, 0), self._broker.begin(place))
            while indexed < len(log):
                await replica.letters.index_letter(build_indexed_dead_letter(log[indexed]))
                self._broker.indexed[place] = indexed = indexed + 1

    async def take(self, decide: Callable[[Sent], Fate]) -> None:
        """Take the next message that was sent back, if there is one.

        Args:
            decide: what becomes of it, if that is not decided.
        """
        if self.taken == len(self._broker.sent):
            return
        sent = self._broker.sent[self.taken]
        self.taken += 1
        service = sent.record.topic.removesuffix("-retry-0")
        original, added = split_headers(sent.record.headers)
        chunk = str(json.loads(sent.record.value or b"")["chunk_id"])
        if sent.letter_id in self.fates:
            self.repeated.add(chunk)
        fate = self.fates.setdefault(sent.letter_id, decide(sent))
        if service != GUARDRAIL and fate not in {Fate.THROUGH, Fate.AGAIN}:
            fate = self.fates[sent.letter_id] = Fate.AGAIN
        match fate:
            case Fate.THROUGH:
                self.finished.add(chunk)
                await self._keep_draft(chunk, final=True)
                return
            case Fate.AGAIN:
                place = MessageOrigin(
                    sent.record.topic, 0, sent.record.offset, sent.record.timestamp_ms
                )
                delivery = read_delivery_history(added, fallback=place, tier=0)
                record = replace(sent.record, headers=original)
                letter = self._write_letter(service, record, delivery)
            case Fate.NEXT_DRAFT:
                # What is good in the draft before goes on while the model is asked.
                await self._keep_draft(chunk, final=False)
                letter = self._set_aside(GUARDRAIL, SOURCES[GUARDRAIL], chunk)
            case Fate.NO_DRAFT:
                await self._keep_draft(chunk, final=False)
                letter = self._set_aside(ENRICHMENT, REJECTED, chunk)
        self.caused[sent.letter_id].append(letter)

    async def _keep_draft(self, chunk: str, *, final: bool) -> None:
        await self._database.execute(_KEEP_DRAFT, UUID(chunk), 2 if final else 1, final)

    def _set_aside(self, service: str, topic: str, chunk: str, partition: int = 0) -> UUID:
        value = json.dumps({"chunk_id": chunk, "title": "as it was"}).encode()
        record = Record(topic, 0, self._messages, chunk.encode(), value, (("a", b"1"),), 1_000)
        self._messages += 1
        delivery = Delivery(MessageOrigin(topic, 0, record.offset, 1_000))
        return self._write_letter(service, record, delivery, partition)

    def _write_letter(
        self, service: str, record: Record, delivery: Delivery, partition: int = 0
    ) -> UUID:
        # Long ago, so that a rule does not wait until no letter came for a while.
        at = datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=self._letters)
        self._letters += 1
        error: OnrecordError = TryAgainError("no answer in 30 s")
        if service == GUARDRAIL:
            error = RefusedDraftError("nobody said so")
        failure = describe_failure(error, service)
        content = digest_record(record.key, record.value, record.headers)
        added = build_dead_letter_headers(
            failure, delivery, content, service=service, group=service, at=at
        )
        headers = append_headers(record.headers, added)
        self._broker.set_aside(build_dlq_topic(service).name, partition, record, headers)
        return UUID(str(dict(added)[h.LETTER_ID], "ascii"))
