"""What a replay sets for its messages holds for them and what they cause, and for no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord, TopicPartition

from contracts import headers as h
from contracts.events import ChunkReady, Event, NotesDrafted, NotesStored, NotesValidated
from contracts.replay_options import (
    InvalidReplayOptionsError,
    ReplayOverrides,
    choose_stricter_personal_data,
    choose_stricter_statements,
    encode_replay_options,
)
from contracts.study import PersonalData, StatementPolicy
from messaging import Delivery, StageSettings
from messaging.codec import encode_event
from messaging.dead_letters.headers import (
    build_dead_letter_headers,
    build_replay_headers,
    describe_failure,
)
from messaging.delivery import (
    Headers,
    PropagatedContext,
    append_headers,
    build_retry_headers,
)
from messaging.limits import MessageLimits
from messaging.processing.decoding import decode_for_handler
from messaging.processing.inflight import InFlightMessage
from messaging.stage import Stage
from support.chunks import CHUNK
from support.stages import FunctionRoute

LETTER = UUID(int=7)
OVERRIDES = ReplayOverrides(model="small", prompt_version="notes-2", deadline_s=30)
OPTIONS = encode_replay_options(OVERRIDES)
assert OPTIONS is not None
DRAFT = NotesDrafted(chunk=CHUNK, attempt=1, notes=(), model="small", prompt_version="notes-2")
ORIGIN = ((h.DLQ_TOPIC, b"chunks-ready"), (h.DLQ_PARTITION, b"0"), (h.DLQ_OFFSET, b"7"))
SETTINGS = StageSettings(deadline_s=9.0)


PUBLIC: tuple[Event, ...] = (
    NotesStored(chunk_id=LETTER, transcript_id=LETTER, revision=1, study_id="s"),
    NotesValidated(
        chunk_id=LETTER,
        transcript_id=LETTER,
        revision=1,
        study_id="s",
        attempt=1,
        final=True,
        notes=(),
        rejected=(),
        model="m",
        prompt_version="p",
    ),
)


async def handle(chunk: ChunkReady, delivery: Delivery) -> None:
    raise AssertionError((chunk, delivery))


def message(topic: str, headers: Headers, *, tier: int | None = None) -> InFlightMessage:
    key, value, _ = encode_event(CHUNK, source="/test")
    record: Any = ConsumerRecord(topic, 0, 3, 1, 0, key, value, 0, len(key), len(value), headers)
    return InFlightMessage(record, TopicPartition(topic, 0), topic, tier, lambda _: None)


def read(job: InFlightMessage) -> InFlightMessage:
    stage = Stage("enrichment")
    for topic in ("chunks-ready", "transcripts-submitted"):
        stage.add(FunctionRoute(topic, ChunkReady, handle, wants_delivery=True))
    limits = MessageLimits("enrichment", SETTINGS.max_message_bytes, SETTINGS.max_json_values)
    decode_for_handler(stage, limits, job)
    return job


def replayed(original: Headers = (), overrides: ReplayOverrides = OVERRIDES) -> InFlightMessage:
    added = build_replay_headers(LETTER, ORIGIN, overrides)
    headers = append_headers((*PLAIN, *original), added)
    return read(message("enrichment-retry-0", headers, tier=0))


PLAIN: Headers = tuple(encode_event(CHUNK, source="/test")[2])


def test_a_replayed_message_has_what_its_replay_sets() -> None:
    job = replayed()
    assert job.delivery.overrides == OVERRIDES
    assert job.time_s == 30
    assert job.lineage.replay_options == OPTIONS


def test_it_keeps_them_through_its_own_retries() -> None:
    retried = build_retry_headers(replayed().delivery, not_before_ms=0)
    headers = append_headers(PLAIN, retried)
    again = read(message("enrichment-retry-1", headers, tier=1))
    assert again.delivery.overrides == OVERRIDES


@pytest.mark.parametrize("event", [CHUNK, DRAFT])
def test_what_it_causes_has_them_where_a_stage_alone_writes(event: Event) -> None:
    caused = dict(encode_event(event, source="/s", cause=PropagatedContext(None, None, OPTIONS))[2])
    assert caused[h.REPLAY_OPTIONS] == OPTIONS
    assert h.REPLAY_OPTIONS not in dict(encode_event(event, source="/s")[2])


def test_what_it_causes_for_everybody_has_them_not() -> None:
    cause = PropagatedContext(None, None, OPTIONS)
    for event in PUBLIC:
        assert h.REPLAY_OPTIONS not in dict(encode_event(event, source="/s", cause=cause)[2])


def test_a_draft_of_a_replay_is_checked_with_them() -> None:
    job = read(message("chunks-ready", (*PLAIN, (h.REPLAY_OPTIONS, OPTIONS or b""))))
    assert job.delivery.overrides == OVERRIDES


def test_a_producer_sets_nothing_with_such_a_header() -> None:
    headers = (*PLAIN, (h.REPLAY_OPTIONS, OPTIONS or b""))
    job = read(message("transcripts-submitted", headers))
    assert job.delivery.overrides == ReplayOverrides()
    assert job.time_s is None
    assert job.lineage.replay_options is None


def test_a_producers_header_sets_nothing_in_a_retry_topic_either() -> None:
    added = ((h.DLQ_TOPIC, b"transcripts-submitted"), *ORIGIN[1:])
    headers = append_headers((*PLAIN, (h.REPLAY_OPTIONS, OPTIONS or b"")), added)
    job = read(message("enrichment-retry-1", headers, tier=1))
    assert job.delivery.overrides == ReplayOverrides()


def test_another_replay_without_options_is_without_those_of_the_first() -> None:
    job = replayed(((h.REPLAY_OPTIONS, OPTIONS or b""),), ReplayOverrides())
    assert job.delivery.overrides == ReplayOverrides()
    assert job.lineage.replay_options is None


def set_aside(job: InFlightMessage) -> Headers:
    return build_dead_letter_headers(
        describe_failure(TimeoutError(), "enrichment"),
        job.delivery,
        b"0" * 32,
        service="enrichment",
        group="g",
        at=datetime.now(UTC),
    )


def test_a_letter_says_what_was_set_and_its_next_replay_does_not_have_it() -> None:
    added = set_aside(replayed())
    assert dict(added)[h.REPLAY_OPTIONS] == OPTIONS
    assert h.REPLAY_OPTIONS not in dict(build_replay_headers(LETTER, added))


def replay_again(job: InFlightMessage, **overrides: Any) -> InFlightMessage:
    added = build_replay_headers(LETTER, set_aside(job), ReplayOverrides(**overrides))
    return read(message("enrichment-retry-0", append_headers(PLAIN, added), tier=0))


def test_a_policy_stays_with_a_message_however_often_it_fails_again() -> None:
    job = replayed((), ReplayOverrides(model="small", personal_data="reject", statements="quotes"))
    for _ in range(3):
        job = replay_again(job)
        policies = ReplayOverrides(personal_data="reject", statements="quotes")
        assert job.delivery.overrides == policies
    # One that was passed on by the stage before, whose header is one of the message's own.
    options = encode_replay_options(policies)
    passed_on = read(message("chunks-ready", (*PLAIN, (h.REPLAY_OPTIONS, options or b""))))
    assert replay_again(passed_on).delivery.overrides == policies


def test_a_later_replay_tightens_policies_and_never_loosens_them() -> None:
    job = replayed((), ReplayOverrides(personal_data="mask", statements="proven"))
    job = replay_again(job, personal_data="reject", statements="all", model="large")
    assert job.delivery.overrides == ReplayOverrides(
        personal_data="reject", statements="proven", model="large"
    )


@pytest.mark.parametrize("value", [b"{", b'{"modell": "x"}'])
def test_options_that_control_does_not_know_are_not_dropped(value: bytes) -> None:
    added = (*ORIGIN, (h.REPLAYS, b"1"), (h.REPLAY_OPTIONS, value))
    for overrides in (ReplayOverrides(), OVERRIDES):
        assert dict(build_replay_headers(LETTER, added, overrides))[h.REPLAY_OPTIONS] == value


@pytest.mark.parametrize("value", [b"{", b'{"modell": "x"}', b'{"deadline_s": 9999}', b"\xff"])
def test_options_that_a_service_does_not_know_are_no_options_to_ignore(value: bytes) -> None:
    added = (*ORIGIN, (h.REPLAYS, b"1"), (h.REPLAY_OPTIONS, value))
    job = message("enrichment-retry-0", append_headers(PLAIN, added), tier=0)
    with pytest.raises(InvalidReplayOptionsError, match="none that this version"):
        read(job)


def test_the_stricter_policy_counts() -> None:
    allow, mask, reject = PersonalData.ALLOW, PersonalData.MASK, PersonalData.REJECT
    assert choose_stricter_personal_data(reject, allow, allow) is reject
    assert choose_stricter_personal_data(allow, mask, allow) is mask
    assert choose_stricter_personal_data(None, mask, reject) is reject
    assert choose_stricter_personal_data(None, None, mask) is mask
    proven, quotes, every = StatementPolicy.PROVEN, StatementPolicy.QUOTES, StatementPolicy.ALL
    assert choose_stricter_statements(proven, every) is proven
    assert choose_stricter_statements(proven, quotes) is quotes
    assert choose_stricter_statements(proven, None) is proven


def test_what_is_not_set_is_not_in_the_header() -> None:
    # An older version of a service refuses what it does not know.
    assert encode_replay_options(ReplayOverrides(model="small")) == b'{"model":"small"}'
    assert encode_replay_options(ReplayOverrides(fresh=False)) is None
