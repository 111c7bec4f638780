"""Receipts of erasures: what was deleted, what remains until when, and the signature."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic_core import to_json

from contracts.erasures import (
    ErasedTranscript,
    Erasure,
    ErasureReceipt,
    RemainingCopy,
    SignedErasureReceipt,
)
from control.access.shared_secrets import read_or_create_shared_secret
from control.settings import ControlSettings
from database.pool import Database, Record

_KEY_NAME: Final = "erasure-receipts"

OUTCOMES_AWAITED: Final = timedelta(days=31)
"""How long a replayed letter's outcome is looked for; from then on it is closed."""

_SEGMENT_CHECKS: Final = timedelta(minutes=10)
"""Kafka looks for segments to delete every 5 minutes, and deletes their files a minute later."""


@dataclass(frozen=True, slots=True)
class TopicRetention:
    """How long a topic keeps records.

    Attributes:
        topic: its name, without prefix.
        retention: from a segment's last record on; None: for ever.
        segment: longest that a segment takes records.
    """

    topic: str
    retention: timedelta | None
    segment: timedelta


@dataclass(frozen=True, slots=True)
class CopiesElsewhere:
    """How long copies are kept that onrecord does not delete, as operators have set it.

    Attributes:
        backups: backups of the database and of the broker; None: nobody has said.
        providers: what endpoints of models keep of requests; None: nobody has said.
        letters: longest that a record of a dead letter may stand behind earlier ones.
    """

    backups: timedelta | None
    providers: timedelta | None
    letters: timedelta

    @classmethod
    def of(cls, settings: ControlSettings) -> CopiesElsewhere:
        """Return what the settings say."""
        return cls(
            _days(settings.backups_kept_days),
            _days(settings.providers_keep_days),
            timedelta(days=settings.open_letters_kept_days + settings.closed_letters_kept_days)
            + OUTCOMES_AWAITED,
        )

    @classmethod
    def unstated(cls) -> CopiesElsewhere:
        """Return what the settings say by default."""
        return cls.of(ControlSettings())


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)


def build_receipt(
    erasure: Erasure, erased: Sequence[Record], remains: Sequence[RemainingCopy], at: datetime
) -> ErasureReceipt:
    """Build the receipt of an erasure.

    Args:
        erasure: what was asked for.
        erased: the interviews, with what was deleted of each.
        remains: what may remain.
        at: when it is complete.
    """
    rows: Counter[str] = Counter()
    for one in erased:
        rows.update(json.loads(one["rows_deleted"]))
    if erased:
        rows.update(json.loads(erased[0]["more_deleted"]))
    return ErasureReceipt(
        erasure_id=erasure.erasure_id,
        kind=erasure.kind,
        study_id=erasure.study_id,
        reference=erasure.reference,
        requested_by=erasure.requested_by,
        requested_at=erasure.requested_at,
        completed_at=at,
        transcripts=tuple(
            ErasedTranscript(transcript_id=one["transcript_id"], erased_at=one["erased_at"])
            for one in erased
        ),
        rows_deleted=dict(sorted(rows.items())),
        remains=tuple(remains),
    )


def list_remaining_copies(
    topics: Iterable[TopicRetention],
    dlqs: Iterable[str],
    calls: Iterable[Mapping[str, Any]],
    elsewhere: CopiesElsewhere,
    at: datetime,
) -> list[RemainingCopy]:
    """List where words of erased interviews may still be.

    Args:
        topics: topics that carry words, but for DLQs.
        dlqs: names of the DLQs.
        calls: which models were sent words: ``endpoint``, ``model``, ``calls`` and ``last_at``.
        elsewhere: how long copies are kept that onrecord does not delete.
        at: the time from which periods run.
    """
    return [
        *_describe_topics(topics, at),
        RemainingCopy(
            place=f"kafka topics {', '.join(dlqs)}",
            what="records of dead letters, shown to nobody",
            until=at + elsewhere.letters,
            ends="deleted once no earlier letter of the topic is kept",
        ),
        RemainingCopy(
            place="postgresql, space of deleted rows in its files",
            what="bytes that no query returns",
            until=None,
            ends="overwritten in time; at once by VACUUM FULL and CHECKPOINT (docs/erasure.md)",
        ),
        RemainingCopy(
            place="postgresql, write-ahead log",
            what="bytes that no query returns",
            until=None,
            ends="overwritten as its files are used again; what is archived is a backup",
        ),
        *_describe_calls(calls, elsewhere.providers),
        RemainingCopy(
            place="backups of the database and of the broker",
            what="whatever they had before",
            until=None if elsewhere.backups is None else at + elsewhere.backups,
            ends="deleted by whoever makes them, in the time that CONTROL_BACKUPS_KEPT_DAYS states"
            if elsewhere.backups is not None
            else "nobody has stated how long they are kept (CONTROL_BACKUPS_KEPT_DAYS)",
        ),
        RemainingCopy(
            place="postgresql, tables submissions, settlements and llm_calls",
            what="ids, offsets, times, amounts and SHA-256 digests of files; no words",
            until=None,
            ends="kept, as the audit and the bills are made of them",
        ),
        RemainingCopy(
            place="postgresql, table trail",
            what="words that people searched for among exact words",
            until=None,
            ends="kept, as the trail says who looked for what",
        ),
        RemainingCopy(
            place="logs of the services",
            what="ids; why an interview was refused, which may quote a speaker's label",
            until=None,
            ends="deleted by whoever keeps them",
        ),
        RemainingCopy(
            place="files that people have exported",
            what="notes and transcripts as they were then",
            until=None,
            ends="deleted by those who have them",
        ),
    ]


def _describe_topics(topics: Iterable[TopicRetention], at: datetime) -> list[RemainingCopy]:
    """Describe what topics keep, those together that keep it for as long."""
    alike: defaultdict[tuple[timedelta | None, timedelta], list[str]] = defaultdict(list)
    for one in topics:
        alike[one.retention, one.segment].append(one.topic)
    return [
        RemainingCopy(
            place=f"kafka topics {', '.join(names)}",
            what="records of messages that were handled, which no service reads again",
            until=None if kept is None else at + kept + segment + _SEGMENT_CHECKS,
            ends="the topics keep records for ever (retention.ms=-1): set a time"
            if kept is None
            else "deleted by the broker (retention.ms and segment.ms)",
        )
        for (kept, segment), names in alike.items()
    ]


def _describe_calls(
    calls: Iterable[Mapping[str, Any]], kept: timedelta | None
) -> list[RemainingCopy]:
    asked: defaultdict[tuple[str, str], list[tuple[int, datetime]]] = defaultdict(list)
    for one in calls:
        last_at = datetime.fromisoformat(one["last_at"])
        asked[one["endpoint"], one["model"]].append((one["calls"], last_at))
    return [
        RemainingCopy(
            place=f"model {model} at {endpoint}",
            what=f"passages that {sum(number for number, _ in found)} requests carried",
            until=None if kept is None else max(last for _, last in found) + kept,
            ends="deleted by the provider, in the time that CONTROL_PROVIDERS_KEEP_DAYS states"
            if kept is not None
            else "nobody has stated how long the provider keeps requests "
            "(CONTROL_PROVIDERS_KEEP_DAYS)",
        )
        for (endpoint, model), found in sorted(asked.items())
    ]


async def read_signing_key(database: Database) -> Ed25519PrivateKey:
    """Return the key that signs receipts, of all replicas; it is made when it is first needed."""
    seed = await read_or_create_shared_secret(database, _KEY_NAME)
    return Ed25519PrivateKey.from_private_bytes(seed)


def sign_receipt(receipt: ErasureReceipt, key: Ed25519PrivateKey) -> SignedErasureReceipt:
    """Sign a receipt."""
    text = to_json(receipt, indent=2).decode()
    return SignedErasureReceipt(
        receipt=text,
        signature=key.sign(text.encode()),
        public_key=key.public_key().public_bytes_raw(),
    )
