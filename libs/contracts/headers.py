"""Names of the Kafka record headers onrecord reads and writes.

CloudEvents 1.0, Kafka protocol binding, binary mode (``ce_*``); W3C Trace Context
(``traceparent``); the ``__dlq.errors.*`` names that Kafka's share groups use for dead letters
(KIP-1191); everything of our own begins with ``onrecord-``.
"""

from __future__ import annotations

from typing import Final

CONTENT_TYPE: Final = "content-type"
CE_SPECVERSION: Final = "ce_specversion"
CE_ID: Final = "ce_id"
CE_TYPE: Final = "ce_type"
CE_SOURCE: Final = "ce_source"
CE_TIME: Final = "ce_time"
CE_SUBJECT: Final = "ce_subject"
TRACEPARENT: Final = "traceparent"

DLQ_TOPIC: Final = "__dlq.errors.topic"
DLQ_PARTITION: Final = "__dlq.errors.partition"
DLQ_OFFSET: Final = "__dlq.errors.offset"
DLQ_GROUP: Final = "__dlq.errors.group"
DLQ_DELIVERY_COUNT: Final = "__dlq.errors.delivery.count"
DLQ_MESSAGE: Final = "__dlq.errors.message"

ORIGIN_TIMESTAMP: Final = "onrecord-origin-timestamp"
ERROR_CODE: Final = "onrecord-error-code"
ERROR_TYPE: Final = "onrecord-error-type"
ERROR_STACK: Final = "onrecord-error-stack"
ATTEMPTS: Final = "onrecord-attempts"
TIMEOUTS: Final = "onrecord-timeouts"
FIRST_FAILED_AT: Final = "onrecord-first-failed-at"
FAILED_AT: Final = "onrecord-failed-at"
FINGERPRINT: Final = "onrecord-fingerprint"
LETTER_ID: Final = "onrecord-letter-id"
REPLAY_OF: Final = "onrecord-replay-of"
REPLAYS: Final = "onrecord-replays"
REPLAY_OPTIONS: Final = "onrecord-replay-options"
"""What a replay sets for its messages alone (``contracts.replay_options``), as JSON."""
OWN_OUTAGE: Final = "onrecord-own-outage"
NOT_BEFORE: Final = "onrecord-not-before"
DELAY: Final = "onrecord-delay"
HELD_UNTIL: Final = "onrecord-held-until"
"""Until when an operator holds a waiting message, in milliseconds since the epoch."""
WAIT: Final = "onrecord-wait"
"""Of a held message: what `onrecord-not-before` was of the wait in which it was held first."""
DEADLINE: Final = "onrecord-deadline"
TRANSCRIPT_ID: Final = "onrecord-transcript-id"
SUBMITTED_BY: Final = "onrecord-submitted-by"
"""Of what was submitted through the API: the access token's id and name, as JSON."""
SUBMITTED_BY_MAC: Final = "onrecord-submitted-by-mac"
"""Proves the header before it: any producer may write that one, only control this one."""
STUB: Final = "onrecord-stub"
"""Of a letter without its whole message: what size and hash are of, ``record`` or ``batch``."""
STUB_SIZE: Final = "onrecord-stub-size-bytes"
STUB_SHA256: Final = "onrecord-stub-sha256"
STUB_HEADERS_LEFT_OUT: Final = "onrecord-stub-headers-left-out"
ADDED: Final = "onrecord-added-headers"
"""Always last: how many headers before it onrecord added behind the original ones."""
